"""A hub at rest: how long its event loop is held up, and what it asks the API server for."""

import asyncio
from dataclasses import dataclass

from benchmarks.contest.arena import Arena
from benchmarks.contest.hubs import Hub
from benchmarks.instruments.stall import probing
from genkan_spawner.kinds import PODS


@dataclass(frozen=True, slots=True)
class Idle:
    """What was seen for a while."""

    seconds: float
    latencies: tuple[float, ...]
    """Seconds until the health page answered."""

    requests: int
    own_pods: int
    """In the hub's namespace at the end."""


async def watch_idle(arena: Arena, hub: Hub, *, seconds: float) -> Idle:
    """Look at a hub that has nothing to do."""
    window = arena.audit()
    async with probing(hub.health_url) as latencies:
        await asyncio.sleep(seconds)
    requests = await window.close(account=hub.place.account)
    pods = await arena.api.list(PODS, namespace=hub.place.namespace)
    return Idle(seconds, tuple(latencies.samples), len(requests), len(pods))
