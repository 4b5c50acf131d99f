"""What the hub of a real node offers: the devices of the site and the images that there are."""

import json
from collections.abc import Mapping
from typing import Any

from genkan_sandbox.real_node.settings import ImageArchive
from genkan_sandbox.sites import Pool

_SMALL = {"cpu": 0.25, "cpu_limit": 2, "memory": "1Gi"}
"""A machine for tests is small, and nobody computes on it."""


def catalogue(pool: Pool, images: Mapping[str, ImageArchive]) -> str:
    """Return a catalogue, as JSON, which is YAML too: one size, without devices and with one or all of each kind."""
    hardware: list[dict[str, Any]] = [{"slug": "cpu", "display_name": "CPU", "default": True, **_SMALL}]
    for device in pool.devices:
        kind = device.resource.rpartition("/")[2].replace(".", "-")
        for count in sorted({1, device.offered}):
            gpu: dict[str, Any] = {"resource": device.resource, "count": count}
            title = f"{count} x {device.product or device.resource}"
            hardware.append({"slug": f"{kind}-{count}", "display_name": title, "gpu": gpu, **_SMALL})
    rows: list[dict[str, Any]] = [
        {"slug": name, "display_name": name, "image": image.reference} for name, image in images.items()
    ]
    rows[0]["default"] = True
    return json.dumps({"hardware": hardware, "images": rows}, indent=1, ensure_ascii=False)
