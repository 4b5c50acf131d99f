"""How old the data on a form is: from a change in the cluster to the first form that has it."""

import asyncio
import re
import time

from benchmarks.contest.arena import OTHERS, Arena
from benchmarks.contest.crowds import passing_pod
from benchmarks.contest.guests import Guest
from benchmarks.contest.offer import BEACON, GPU
from benchmarks.exceptions import BenchmarkError
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import NODES, PODS

PATIENCE = 30.0
"""Seconds after which a change that no form has shown never comes."""

BETWEEN = 0.05
"""Seconds between one form and the next."""

_TAKER = "beacon-taker-0"
_CHOICE = re.compile(rf'<input[^>]*value="{BEACON}"[^>]*>')


async def data_ages(arena: Arena, guest: Guest, *, changes: int) -> list[float]:
    """Take and give back the only card of its kind and return how many seconds later the form had each change."""
    nodes = await arena.api.list(NODES, label_selector=f"pool={BEACON}")
    node = nodes[0]["metadata"]["name"]
    ages: list[float] = []
    for number in range(changes):
        taken = number % 2 == 0
        await _until_shown(guest, taken=not taken)
        changed = time.monotonic()
        if taken:
            await arena.api.create(PODS, _taker(node), namespace=OTHERS)
        else:
            await arena.api.delete(PODS, _TAKER, namespace=OTHERS, grace_seconds=0)
        await _until_shown(guest, taken=taken)
        ages.append(time.monotonic() - changed)
    return ages


async def _until_shown(guest: Guest, *, taken: bool) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if is_offered(await guest.form()) is not taken:
                    return
                await asyncio.sleep(BETWEEN)
    except TimeoutError as e:
        raise BenchmarkError(f"The form did not show a change within {PATIENCE:.0f} seconds.") from e


def is_offered(page: str) -> bool:
    """Return whether the form lets its user choose the card."""
    found = _CHOICE.search(page)
    if found is None:
        raise BenchmarkError("The form lacks the profile that its data is told by.")
    return "disabled" not in found[0]


def _taker(node: str) -> JsonObject:
    """Return a pod on the node with the card; the scheduler is not asked."""
    manifest = passing_pod(_TAKER)
    manifest["spec"]["nodeName"] = node
    resources = manifest["spec"]["containers"][0]["resources"]
    resources["limits"][GPU] = resources["requests"][GPU] = "1"
    return manifest
