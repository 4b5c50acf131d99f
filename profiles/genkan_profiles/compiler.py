"""The catalogue as KubeSpawner's profile list: a profile per hardware, with the image as its option.

Every override names all keys that any other row sets, those it does not want with None: KubeSpawner merges dictionaries
and deletes a key only when told so, and what it merges into may hold a GPU limit of the site or of an earlier start.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from .catalogue import Catalogue
from .hardware import Hardware
from .images import Image
from .quantities import Notation, format_quantity, parse_quantity, quantity_bytes
from .rows import DefaultableOffer

ProfileList: TypeAlias = list[dict[str, Any]]
"""What KubeSpawner takes as `profile_list`; `kind` and `summary` are for the form."""

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

SHARED_MEMORY = "shared-memory"
"""Key and name of the volume at /dev/shm."""

_GIBIBYTE = 2**30


def compile_profiles(catalogue: Catalogue) -> ProfileList:
    """Return the profile list; equal catalogues give equal lists."""
    resources = sorted({row.gpu.resource for row in catalogue.hardware if row.gpu is not None})
    default_hardware = _default_slug(catalogue.hardware)
    return [
        {
            "slug": row.slug,
            "display_name": row.display_name,
            "description": row.description,
            "default": row.slug == default_hardware,
            "kind": "CPU" if row.gpu is None else "GPU",
            "summary": summary(row),
            "kubespawner_override": _overrides(row, resources),
            "profile_options": {"image": _image_option(catalogue.images)},
        }
        for row in catalogue.hardware
    ]


def summary(row: Hardware) -> str:
    """Say in users' words what a server on this hardware has."""
    cpus = parse_quantity(row.cpu)
    parts = [
        f"{cpus.normalize():f} {'CPU' if cpus == 1 else 'CPUs'}",
        f"{_gigabytes(row.memory)} GB memory",
    ]
    if row.gpu is not None:
        parts.insert(0, f"{row.gpu.count} {'GPU' if row.gpu.count == 1 else 'GPUs'}")
    return ", ".join(parts)


def _overrides(row: Hardware, resources: list[str]) -> dict[str, Any]:
    limit = parse_quantity(row.cpu_limit or row.cpu)
    memory = quantity_bytes(row.memory)
    shm_volume, shm_mount = _shared_memory(row)
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
        },
        "volumes": {SHARED_MEMORY: shm_volume},
        "volume_mounts": {SHARED_MEMORY: shm_mount},
    }


def _shared_memory(row: Hardware) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    size = row.shared_memory
    if size is None:
        if row.gpu is None:
            return None, None
        size = format_quantity(quantity_bytes(row.memory) // 2, notation=Notation.BINARY)
    volume = {"name": SHARED_MEMORY, "emptyDir": {"medium": "Memory", "sizeLimit": size}}
    return volume, {"name": SHARED_MEMORY, "mountPath": "/dev/shm"}  # noqa: S108  # a mount in the container


def _image_option(images: tuple[Image, ...]) -> dict[str, Any]:
    default = _default_slug(images)
    return {
        "display_name": "Image",
        "choices": {
            row.slug: {
                "display_name": row.display_name,
                "description": row.description,
                "default": row.slug == default,
                "kubespawner_override": {"image": row.image},
            }
            for row in images
        },
    }


def _default_slug(rows: Sequence[DefaultableOffer]) -> str:
    return next((row.slug for row in rows if row.default), rows[0].slug)


def _gigabytes(memory: str) -> str:
    amount = quantity_bytes(memory) / _GIBIBYTE
    return f"{amount:.0f}" if amount == int(amount) else f"{amount:.1f}"
