"""Disks of a catalogue that are looked at while a test turns the clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from genkan_profiles import Catalogue
from genkan_spawner.storage.disks import EVERY, SharedDisks

from ...support.clocks import FakeClock

HARDWARE = [{"slug": "cpu", "display_name": "CPU", "cpu": "1", "memory": "1Gi"}]
RESCUE = {"slug": "tidy", "display_name": "Cleaning up", "cpu": "1", "memory": "1Gi", "rescue": True}
IMAGES = [{"slug": "one", "display_name": "One", "image": "registry.example.org/one:1"}]
NAMESPACES = ("team", "lab")
"""Where servers are."""


def catalogue(fill: dict[str, Any], *, volumes: tuple[dict[str, Any], ...] = (), rescue: bool = True) -> Catalogue:
    """Return a catalogue whose homes are on one disk that is looked at."""
    homes = {"kind": "shared", "claim": "homes", "fill": fill}
    rows = [*HARDWARE, RESCUE] if rescue else HARDWARE
    return Catalogue.model_validate({"hardware": rows, "images": IMAGES, "homes": homes, "volumes": volumes})


@asynccontextmanager
async def looking(catalogue: Catalogue, clock: FakeClock) -> AsyncIterator[SharedDisks]:
    """Look at the disks of a catalogue, once to begin with."""
    found = SharedDisks(namespaces=lambda: NAMESPACES, clock=clock)
    found.follow(catalogue)
    try:
        await found.ready(within=10)
        yield found
    finally:
        await found.close()


async def again(disks: SharedDisks, clock: FakeClock, *, seconds: float = EVERY) -> None:
    """Let time pass, and a look come to its end."""
    clock.now += seconds
    disks.fills()
    assert disks._look is not None
    await asyncio.wait({disks._look})
