"""What the view of the cluster takes in a process that does nothing else.

A process of its own, `python -m benchmarks.instruments.watch_cost KUBECONFIG SECONDS`; prints one JSON object.
"""

import asyncio
import gc
import os
import resource
import sys
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.instruments.usage import Usage
from genkan_spawner.api import KubernetesApi
from genkan_spawner.cluster.cache import ClusterCache

LOADED_WITHIN = 300.0
EVERY = 0.01
"""Seconds between looks at how late the event loop is."""

SNAPSHOTS_PER_SECOND = 5.0
"""As many as forms are asked for."""


class WatchCost(BaseModel):
    """Seconds and bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_seconds: float
    load_cpu: float
    load_stalls: tuple[float, ...]
    """How late the event loop was while it loaded."""

    grown: int
    """Resident bytes more than before, after it has loaded."""

    peak: int
    """The most resident bytes more than before."""

    following_seconds: float
    following_cpu: float
    following_stalls: tuple[float, ...]
    first_snapshot: float
    snapshots: tuple[float, ...]
    """How long each took while pods changed."""


async def weigh(kubeconfig: Path, *, seconds: float) -> WatchCost:
    """Load everything, and follow it for a while with as many snapshots as forms want."""
    gc.collect()
    before = _usage()
    async with await KubernetesApi.connect(kubeconfig) as api, ClusterCache(api) as cache:
        began = time.monotonic()
        loading, load_stalls = _late_for_ever()
        if not await cache.wait_ready(LOADED_WITHIN):
            raise TimeoutError
        load_seconds = time.monotonic() - began
        loading.cancel()
        loaded = _usage()
        first_snapshot = _snapshot_seconds(cache)
        gc.collect()
        held = _usage()
        following, following_stalls = _late_for_ever()
        snapshots = []
        for _ in range(round(seconds * SNAPSHOTS_PER_SECOND)):
            await asyncio.sleep(1 / SNAPSHOTS_PER_SECOND)
            snapshots.append(_snapshot_seconds(cache))
        following.cancel()
        followed = _usage()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return WatchCost(
        load_seconds=load_seconds,
        load_cpu=loaded.cpu_seconds - before.cpu_seconds,
        load_stalls=tuple(load_stalls),
        grown=held.resident_bytes - before.resident_bytes,
        peak=peak - before.resident_bytes,
        following_seconds=len(snapshots) / SNAPSHOTS_PER_SECOND,
        following_cpu=followed.cpu_seconds - held.cpu_seconds,
        following_stalls=tuple(following_stalls),
        first_snapshot=first_snapshot,
        snapshots=tuple(snapshots),
    )


def _usage() -> Usage:

    return Usage.of(os.getpid())


def _snapshot_seconds(cache: ClusterCache) -> float:
    began = time.perf_counter()
    cache.snapshot()
    return time.perf_counter() - began


def _late_for_ever() -> tuple[asyncio.Task[None], list[float]]:
    """Note how late the event loop comes back each time, until the task is cancelled."""
    stalls: list[float] = []

    async def look() -> None:
        while True:
            due = time.monotonic() + EVERY
            await asyncio.sleep(EVERY)
            stalls.append(max(0.0, time.monotonic() - due))

    return asyncio.create_task(look()), stalls


if __name__ == "__main__":
    found = asyncio.run(weigh(Path(sys.argv[1]), seconds=float(sys.argv[2])))
    sys.stdout.write(found.model_dump_json())
