"""A catalogue with a row of every kind, and spawners of users in some of its groups."""

from types import SimpleNamespace
from typing import Any

from genkan_spawner import GenkanSpawner

RICH = """\
hardware:
  - {slug: cpu, display_name: CPU, cpu: 2, memory: 8Gi, default: true}
  - slug: a100
    display_name: A100
    description: For large models.
    cpu: 8
    memory: 64Gi
    gpu: {count: 1, product: [NVIDIA-A100-SXM4-80GB, NVIDIA-A100-80GB-PCIe]}
    node_selector: {pool: gpu}
    tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  - {slug: slice, display_name: Slice, cpu: 4, memory: 16Gi, groups: [vision],
     gpu: {resource: nvidia.com/mig-1g.10gb, count: 1, product: NVIDIA-A100-SXM4-80GB}}
  - {slug: old, display_name: P100, cpu: 4, memory: 16Gi, gpu: {count: 1, product: Tesla-P100-PCIE-16GB}}
  - {slug: amd, display_name: MI300X, cpu: 4, memory: 16Gi, shared_memory: 1Gi, groups: [speech],
     gpu: {resource: amd.com/gpu, count: 2, product: MI300X, product_label: amd.com/gpu.product-name}}
images:
  - {slug: pytorch, display_name: PyTorch, description: The newest one., image: "registry.example.org/pytorch:26.09",
     default: true, cuda: "13.0"}
  - {slug: plain, display_name: Plain, image: "registry.example.org/plain:1"}
  - {slug: beta, display_name: Beta, image: "registry.example.org/beta:1", groups: [speech]}
priorities:
  - {slug: normal, display_name: Normal, priority_class: genkan-normal}
  - {slug: burst, display_name: Burst, description: May be interrupted., priority_class: genkan-burst, default: true}
  - {slug: urgent, display_name: Urgent, priority_class: genkan-urgent, groups: [speech]}
teams:
  - {group: vision, display_name: Vision, namespace: team-vision}
  - {group: "Lab 7", slug: lab, display_name: Laboratory, description: All of it., namespace: team-lab}
volumes:
  - {slug: data, display_name: Data, mount_path: /data, claim: data-sets, sub_path: public/v1, read_only: true}
  - {slug: fast, display_name: Fast, mount_path: /fast, scratch: {size: 100Gi}, hardware: [a100]}
  - {slug: share, display_name: Share, mount_path: /share, claim: share, groups: [vision]}
own_image:
  display_name: Another image
  pattern: registry\\.example\\.org/(own|lab)/.+
  message: Only images of registry.example.org/own and /lab can be used.
  groups: [vision]
"""

SPEECH = "speech"
VISION = "vision"
LAB = "Lab 7"


def joined(spawner: GenkanSpawner, *groups: str) -> GenkanSpawner:
    """Put the spawner's user into these groups, and into no other."""
    user: Any = spawner.user
    user.groups = [SimpleNamespace(name=name) for name in groups]
    return spawner
