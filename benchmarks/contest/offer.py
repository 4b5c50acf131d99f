"""Thirty profiles with a choice of six images, as a catalogue for GenkanSpawner and as a list for the stock spawner."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GPU = "nvidia.com/gpu"
PRODUCT = "Tesla-V100-SXM2-32GB"

BEACON, BEACON_PRODUCT = "beacon", "Tesla-T4"
"""A profile for a card that one node alone has: whether it can be had is up to one pod."""

BEACON_TAINT = {"key": "benchmark/beacon", "value": "present", "effect": "NoSchedule"}
"""Keeps everybody else off that node."""

SMALL, ONE_GPU = "small", "gpu-1"
"""The profiles that benchmarks start."""

IMAGE = "image-1"
"""The image that benchmarks start."""

IMAGES = {f"image-{number}": f"registry.example.org/genkan/image:{number}" for number in range(1, 7)}


@dataclass(frozen=True, slots=True)
class Size:
    """One profile."""

    slug: str
    title: str
    cpu: float
    memory: str
    gpus: int
    product: str = PRODUCT


SIZES = (
    Size(SMALL, "Small", 0.5, "1Gi", 0),
    *(Size(f"cpu-{cores}", f"{cores} cores", cores, f"{cores * 4}Gi", 0) for cores in range(1, 10)),
    Size(ONE_GPU, "1 GPU", 1, "4Gi", 1),
    *(Size(f"gpu-1-{cores}", f"1 GPU, {cores} cores", cores, f"{cores * 4}Gi", 1) for cores in range(2, 9)),
    *(Size(f"gpu-2-{cores}", f"2 GPUs, {cores} cores", cores, f"{cores * 4}Gi", 2) for cores in range(4, 10)),
    *(Size(f"gpu-4-{cores}", f"4 GPUs, {cores} cores", cores, f"{cores * 4}Gi", 4) for cores in range(8, 13)),
    Size(BEACON, "1 beacon", 1, "4Gi", 1, BEACON_PRODUCT),
)


def write_catalogue(path: Path) -> Path:
    """Write the catalogue, as JSON, which is YAML too."""
    path.write_text(json.dumps(catalogue(), indent=1))
    return path


def catalogue() -> dict[str, Any]:
    """Return what GenkanSpawner reads."""
    return {
        "hardware": [_hardware(size) for size in SIZES],
        "images": [{"slug": slug, "display_name": slug, "image": image} for slug, image in IMAGES.items()],
    }


def profile_list() -> list[dict[str, Any]]:
    """Return what the stock KubeSpawner reads."""
    choices = {slug: {"display_name": slug, "kubespawner_override": {"image": image}} for slug, image in IMAGES.items()}
    return [
        {
            "slug": size.slug,
            "display_name": size.title,
            "description": _description(size),
            "kubespawner_override": _override(size),
            "profile_options": {"image": {"display_name": "Image", "choices": choices}},
        }
        for size in SIZES
    ]


def form_fields(profile: str) -> dict[str, str]:
    """Return what a browser sends when somebody chose a profile."""
    return {"profile": profile, f"profile-option-{profile}--image": IMAGE}


def user_options(profile: str) -> dict[str, str]:
    """Return the same for the REST API."""
    return {"profile": profile, "image": IMAGE}


def _hardware(size: Size) -> dict[str, Any]:
    row: dict[str, Any] = {
        "slug": size.slug,
        "display_name": size.title,
        "description": _description(size),
        "cpu": str(size.cpu),
        "memory": size.memory,
    }
    if size.gpus:
        row["gpu"] = {"count": size.gpus, "product": size.product}
    if size.slug == BEACON:
        row["tolerations"] = [BEACON_TAINT]
    return row


def _override(size: Size) -> dict[str, Any]:
    override: dict[str, Any] = {
        "cpu_guarantee": size.cpu,
        "cpu_limit": size.cpu,
        "mem_guarantee": size.memory.removesuffix("i"),
        "mem_limit": size.memory.removesuffix("i"),
    }
    if size.gpus:
        override |= {
            "extra_resource_limits": {GPU: str(size.gpus)},
            "node_selector": {"nvidia.com/gpu.product": size.product},
        }
    if size.slug == BEACON:
        override["tolerations"] = [BEACON_TAINT]
    return override


def _description(size: Size) -> str:
    return f"{size.gpus} GPUs, {size.cpu} cores and {size.memory} of memory, for whoever needs as much."
