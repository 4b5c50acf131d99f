"""Pods that come and go at a steady rate."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from benchmarks.contest.crowds import passing_pod
from genkan_spawner.api import KubernetesApi
from genkan_spawner.kinds import PODS

_LIVES = 2.0
"""Seconds from a pod's creation to its deletion."""

_CHANGES_PER_POD = 4
"""A pod is created, bound, runs, and is gone."""


@asynccontextmanager
async def churning(api: KubernetesApi, *, namespace: str, rate: float) -> AsyncIterator[None]:
    """Make so many changes of pods a second for as long as the block runs."""
    lives: set[asyncio.Task[None]] = set()

    async def live(number: int) -> None:
        name = f"churn-{number:06}"
        await api.create(PODS, passing_pod(name), namespace=namespace)
        await asyncio.sleep(_LIVES)
        await api.delete(PODS, name, namespace=namespace, grace_seconds=0)

    async def go_on() -> None:
        began = time.monotonic()
        for number in count():
            lives.add(task := asyncio.create_task(live(number)))
            task.add_done_callback(lives.discard)
            due = began + (number + 1) * _CHANGES_PER_POD / rate
            await asyncio.sleep(due - time.monotonic())

    going = asyncio.create_task(go_on())
    try:
        yield
    finally:
        going.cancel()
        await asyncio.gather(going, *lives, return_exceptions=True)
