"""A sandbox whose hub has the rights that the chart genkan-platform renders, and no others."""

from collections.abc import AsyncIterator, Iterator

import pytest
import yaml

from genkan_spawner.api import KubernetesApi

from ...support.cluster import Cluster, cluster_of
from ...support.helm import PLATFORM, Helm
from ...support.hub import Person
from ...support.sandbox import SandboxRun, sandbox_run

CATALOGUE = f"""\
hardware:
  - {{slug: cpu-small, display_name: Small, cpu: 1, cpu_limit: 2, memory: 4Gi, default: true}}
  - slug: a100
    display_name: A100
    cpu: 8
    memory: 64Gi
    gpu: {{count: 1, product: NVIDIA-A100-SXM4-80GB}}
images:
  - {{slug: torch, display_name: T, image: "registry.lab/torch@sha256:{"0" * 64}", min_driver: "580"}}
priorities:
  - {{slug: normal, display_name: Normal, priority_class: genkan-normal}}
teams:
  - {{group: vision, display_name: Vision, namespace: vision}}
  - {{group: language, display_name: Language, namespace: language}}
"""
"""Of which the site below has everything."""

VALUES = {
    "hub": {"image": {"name": "registry.example.org/genkan/hub", "tag": "1"}},
    "teams": {
        "vision": {
            "quota": {"requests.cpu": 16, "requests.nvidia.com/gpu": 4},
            "viewers": [{"kind": "Group", "name": "vision-leads"}],
        },
        "language": {"quota": {"requests.nvidia.com/gpu": 2}, "maxPods": 3, "maxFinishedPods": 2},
    },
    "catalogue": {"content": CATALOGUE},
    "sharedVolumes": {
        "weights": {"nfs": {"server": "files.example.org", "path": "/weights"}, "namespaces": ["language"]}
    },
}
"""Of a site with two teams."""

SITE = """\
description: Machines for two teams, whose namespaces the chart makes.
pools:
  - {name: cpu, count: 2, cpu: 16, memory: 64Gi}
  - {name: a100, count: 1, cpu: 64, memory: 512Gi, devices: [{count: 4, product: NVIDIA-A100-SXM4-80GB}]}
namespaces:
  - {name: genkan, pod_security: restricted}
users:
  - {name: alice, groups: [vision]}
  - {name: bob, groups: [language]}
  - {name: carol, groups: [admins], admin: true}
"""

CONFIG = """\
c.GenkanSpawner.catalogue_file = "FILE"

def fails_for_bob(spawner, pod):
    if spawner.user.name == "bob":
        pod.spec.containers[0].args = ["sh", "-c", "echo No module named jupyterlab; exit 3"]
    return pod

c.GenkanSpawner.modify_pod_hook = fails_for_bob
"""


@pytest.fixture(scope="package")
def run(binaries: None, helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    folder = tmp_path_factory.mktemp("platform")
    platform, site, config = (folder / name for name in ("platform.yaml", "site.yaml", "hub_config.py"))
    platform.write_text(yaml.safe_dump_all(helm.render(PLATFORM, values=VALUES, name="genkan-platform")))
    site.write_text(SITE)
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    config.write_text(CONFIG.replace("FILE", str(catalogue)))
    options = ["--site", str(site), "--platform", str(platform), "--hub-config", str(config), "--audit"]
    with sandbox_run(folder / "state", *options) as run:
        run.wait_ready()
        yield run


@pytest.fixture
async def cluster(run: SandboxRun) -> AsyncIterator[Cluster]:
    async with cluster_of(run.ready) as cluster:
        yield cluster


@pytest.fixture
async def hub(run: SandboxRun) -> AsyncIterator[KubernetesApi]:
    """The API as the hub has it."""
    async with await KubernetesApi.connect(run.state / "hub.kubeconfig") as api:
        yield api


@pytest.fixture
async def alice(run: SandboxRun) -> AsyncIterator[Person]:
    async with Person.visiting(run.url, run.user("alice")) as person:
        yield person


@pytest.fixture
async def bob(run: SandboxRun) -> AsyncIterator[Person]:
    async with Person.visiting(run.url, run.user("bob")) as person:
        yield person
