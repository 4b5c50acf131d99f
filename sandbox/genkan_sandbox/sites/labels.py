"""Labels of a node as the kubelet and GPU Feature Discovery set them.

Names and values follow the source of GPU Feature Discovery (internal/lm in NVIDIA/k8s-device-plugin), old names of the
driver's version beside the new ones as there.
"""

from genkan_profiles.gpu_products import gpu_products

from .hardware import NVIDIA, WHOLE_CARD, Device, Pool


def node_labels(pool: Pool, index: int) -> dict[str, str]:
    """Return all labels of a node; those that the site gives win over the others."""
    labels = {
        "kubernetes.io/hostname": pool.node_name(index),
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "pool": pool.name,
    }
    if pool.instance_type is not None:
        labels["node.kubernetes.io/instance-type"] = pool.instance_type
    if pool.zone is not None:
        labels["topology.kubernetes.io/zone"] = pool.zone
    return {**labels, **_gpu_labels(pool), **pool.labels}


def _gpu_labels(pool: Pool) -> dict[str, str]:
    devices = [device for device in pool.devices if device.resource.startswith(NVIDIA)]
    if not devices:
        return {}
    labels = {"nvidia.com/gpu.present": "true", **_version_labels(pool), **_capability_labels(devices)}
    cards = sum(device.cards or device.count for device in devices)
    for device in sorted(devices, key=lambda device: not device.is_mig):
        labels |= _card_labels(device, cards=cards)
    for device in devices:
        if device.is_mig:
            labels |= _slice_labels(device)
    if pool.instance_type is not None:
        labels["nvidia.com/gpu.machine"] = pool.instance_type
    return labels


def _version_labels(pool: Pool) -> dict[str, str]:
    major, minor, *revision = pool.driver.split(".")
    cuda_major, cuda_minor = pool.cuda.split(".")
    return {
        "nvidia.com/cuda.driver.major": major,
        "nvidia.com/cuda.driver.minor": minor,
        "nvidia.com/cuda.driver.rev": "".join(revision),
        "nvidia.com/cuda.runtime.major": cuda_major,
        "nvidia.com/cuda.runtime.minor": cuda_minor,
        "nvidia.com/cuda.driver-version.full": pool.driver,
        "nvidia.com/cuda.driver-version.major": major,
        "nvidia.com/cuda.driver-version.minor": minor,
        "nvidia.com/cuda.driver-version.revision": "".join(revision),
        "nvidia.com/cuda.runtime-version.full": pool.cuda,
        "nvidia.com/cuda.runtime-version.major": cuda_major,
        "nvidia.com/cuda.runtime-version.minor": cuda_minor,
    }


def _capability_labels(devices: list[Device]) -> dict[str, str]:
    known = [gpu_products().get(device.product or "") for device in devices]
    capable = any(device.is_mig for device in devices) or any(product is not None and product.mig for product in known)
    labels = {"nvidia.com/mig.capable": str(capable).lower(), "nvidia.com/mps.capable": "false"}
    if any(device.is_mig for device in devices):
        labels["nvidia.com/mig.strategy"] = "mixed"
    return labels


def _card_labels(device: Device, *, cards: int) -> dict[str, str]:
    """Describe the whole cards of a node; divided ones count too, and say 0 replicas."""
    known = gpu_products().get(device.product or "")
    product, memory = device.product or "", device.memory_mebibytes
    if device.is_mig:
        memory = known.memory if known else 0
    shared = device.replicas > 1
    if shared and device.resource == WHOLE_CARD:
        product += "-SHARED"
    labels = {
        "product": product,
        "count": str(cards),
        "replicas": "0" if device.is_mig else str(device.replicas),
        "sharing-strategy": "time-slicing" if shared else "none",
        "mode": "graphics" if "GeForce" in product else "compute",
        "memory": str(memory) if memory else "",
        "family": device.family or (known.family if known else ""),
    }
    capability = device.compute_capability or (known.compute_capability if known else "")
    if capability:
        labels["compute.major"], labels["compute.minor"] = capability.split(".")
    return {f"{WHOLE_CARD}.{name}": value for name, value in labels.items() if value}


def _slice_labels(device: Device) -> dict[str, str]:
    profile = device.resource.removeprefix("nvidia.com/mig-")
    labels = {
        "product": f"{device.product}-MIG-{profile}",
        "count": str(device.count),
        "replicas": str(device.replicas),
        "sharing-strategy": "time-slicing" if device.replicas > 1 else "none",
        "memory": str(device.memory_mebibytes),
        "slices.gi": str(device.mig_slices),
        "slices.ci": str(device.mig_slices),
    }
    return {f"{device.resource}.{name}": value for name, value in labels.items()}
