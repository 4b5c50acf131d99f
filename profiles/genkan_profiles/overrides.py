"""What hardware changes in a pod, as KubeSpawner's overrides.

KubeSpawner merges dictionaries and deletes a key only when told so, hence the None of every device that a row does not
ask for: what it merges into may hold a GPU limit of the site. Volumes, tolerations and labels of the site stay.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from .hardware import Hardware, Toleration
from .quantities import Notation, format_quantity, parse_quantity, quantity_bytes
from .volumes import SHARED_MEMORY_PATH, Volume

THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)
"""Libraries that would start a thread for each core of the machine, whatever the limit of the container."""

CACHE_FOLDERS = {
    "CUDA_CACHE_PATH": "cuda",
    "HF_HOME": "huggingface",
    "NUMBA_CACHE_DIR": "numba",
    "PIP_CACHE_DIR": "pip",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TORCH_HOME": "torch",
    "TRITON_CACHE_DIR": "triton",
    "UV_CACHE_DIR": "uv",
}
"""Where libraries keep what they can fetch or compile again, by the variable that says so, below a scratch volume."""

SHARED_MEMORY = "shared-memory"
"""Name of the volume at /dev/shm."""

_PREFIX = "catalogue"
"""Of names in the pod, so that they differ from those of the site."""


def hardware_override(row: Hardware, *, volumes: Iterable[Volume], resources: Iterable[str]) -> dict[str, Any]:
    """Return what this hardware changes; `resources` are all devices of the catalogue, `volumes` all that are offered.

    Volumes are keyed by their name, mounts by their path and tolerations by their number.
    """
    mounted = [volume for volume in volumes if not volume.hardware or row.slug in volume.hardware]
    pod_volumes, mounts = _storage(row, mounted)
    limit = parse_quantity(row.most_cpu)
    memory = quantity_bytes(row.memory)
    devices: dict[str, str | None] = dict.fromkeys(resources)
    if row.gpu is not None:
        devices[row.gpu.resource] = str(row.gpu.count)
    return {
        "cpu_guarantee": float(parse_quantity(row.cpu)),
        "cpu_limit": float(limit),
        "mem_guarantee": memory,
        "mem_limit": memory,
        "extra_resource_guarantees": devices,
        "extra_resource_limits": dict(devices),
        "environment": {
            **dict.fromkeys(THREAD_VARIABLES, str(max(1, int(limit)))),
            # The NVIDIA runtime shows every card of the node to a container that asks for none.
            "NVIDIA_VISIBLE_DEVICES": "void" if row.gpu is None else None,
            **_caches(mounted),
        },
        "volumes": pod_volumes,
        "volume_mounts": mounts,
        "node_selector": dict(row.node_selector),
        "tolerations": {
            f"{_PREFIX}-{number:02}": _toleration(toleration) for number, toleration in enumerate(row.tolerations)
        },
        "node_affinity_required": _required_products(row),
        **_groups(mounted),
    }


def _required_products(row: Hardware) -> list[dict[str, Any]]:
    if row.gpu is None or not row.gpu.product:
        return []
    expression = {"key": row.gpu.label, "operator": "In", "values": list(row.gpu.product)}
    return [{"matchExpressions": [expression]}]


def _toleration(toleration: Toleration) -> dict[str, str]:
    fields = {
        "key": toleration.key,
        "operator": toleration.operator.value,
        "value": toleration.value,
        "effect": toleration.effect.value if toleration.effect else None,
    }
    return {name: value for name, value in fields.items() if value}


def _caches(mounted: Iterable[Volume]) -> dict[str, str]:
    """Return the variables that point into the scratch for caches; none where there is no such scratch."""
    for volume in mounted:
        if volume.scratch is not None and volume.scratch.caches:
            return {name: f"{volume.mount_path}/.cache/{folder}" for name, folder in CACHE_FOLDERS.items()}
    return {}


def _groups(mounted: Iterable[Volume]) -> dict[str, list[int]]:
    """Return the groups that the files of shares belong to; nothing where no share has one."""
    groups = sorted({volume.gid for volume in mounted if volume.gid is not None})
    return {"supplemental_gids": groups} if groups else {}


def _storage(row: Hardware, mounted: Iterable[Volume]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the volumes by name and their mounts by path."""
    pod_volumes: dict[str, Any] = {}
    mounts: dict[str, Any] = {}
    for source, mount in [*_shared_memory(row), *_volumes(mounted)]:
        pod_volumes[source["name"]] = source
        mounts[mount["mountPath"]] = mount
    return pod_volumes, mounts


def _shared_memory(row: Hardware) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    size = row.shared_memory
    if size is None:
        if row.gpu is None:
            return
        size = format_quantity(quantity_bytes(row.memory) // 2, notation=Notation.BINARY)
    yield (
        {"name": SHARED_MEMORY, "emptyDir": {"medium": "Memory", "sizeLimit": size}},
        {"name": SHARED_MEMORY, "mountPath": SHARED_MEMORY_PATH},
    )


def _volumes(mounted: Iterable[Volume]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for volume in mounted:
        name = f"{_PREFIX}-{volume.slug}"
        source: dict[str, Any] = {"name": name}
        if volume.scratch is not None:
            source["emptyDir"] = {"sizeLimit": volume.scratch.size}
        else:
            source["persistentVolumeClaim"] = {"claimName": volume.claim}
        mount: dict[str, Any] = {"name": name, "mountPath": volume.mount_path}
        if volume.sub_path is not None:
            mount["subPath"] = volume.sub_path
        if volume.read_only:
            mount["readOnly"] = True
        yield source, mount
