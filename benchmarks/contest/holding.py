"""As many servers of one hub as somebody wants, and whether it still answers with them."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from benchmarks.contest.arena import Arena
from benchmarks.contest.contestants import Contestant
from benchmarks.contest.guests import Answer, Guest
from benchmarks.contest.hubs import Hub, running_hub
from benchmarks.contest.idling import watch_idle
from benchmarks.contest.offer import SMALL
from genkan_sandbox.progress import Step
from genkan_spawner.kinds import PODS

AT_ONCE = 12
"""Users who log in and start at the same time."""

REST_SECONDS = 30.0
"""How long the hub is looked at with all its servers."""

_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Held:
    """How a hub bore it."""

    asked: int
    started: int
    running: int
    hub_alive: bool
    seconds: float
    """Until the last start was over."""

    bytes_per_server: float
    latencies: tuple[float, ...]
    """Seconds until the health page answered, with all servers; empty if the hub had gone."""


async def hold(arena: Arena, contestant: Contestant, *, servers: int, step: Step) -> Held:
    """Start so many servers as fast as the hub lets a dozen users at a time, and look at it."""
    async with running_hub(arena, contestant) as hub:
        await _start(hub, "first")
        before, began = hub.usage().resident_bytes, time.monotonic()
        started = 0
        names = iter(range(servers))

        async def go_on() -> None:
            nonlocal started
            for number in names:
                if not hub.alive:
                    return
                started += await _start(hub, f"guest-{number:05}")
                step.update(fraction=number / servers)

        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
        seconds = time.monotonic() - began
        looked = await watch_idle(arena, hub, seconds=REST_SECONDS) if hub.alive else None
        pods = await arena.api.list(PODS, namespace=hub.place.namespace)
        held = partial(Held, asked=servers, started=started, seconds=seconds, hub_alive=hub.alive)
        return held(
            running=sum(pod["status"].get("phase") == "Running" for pod in pods),
            bytes_per_server=(hub.usage().resident_bytes - before) / max(started, 1) if hub.alive else 0,
            latencies=looked.latencies if looked is not None else (),
        )


async def _start(hub: Hub, name: str) -> bool:
    async with Guest.at(hub, name) as guest:
        return (await guest.click(SMALL, patience=_PATIENCE)).answer is Answer.READY
