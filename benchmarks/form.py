"""What the form costs: its users in waiting, the hub in processor time, Kubernetes in requests."""

import asyncio
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from benchmarks.contest.ages import data_ages
from benchmarks.contest.arena import OTHERS, Arena, open_arena
from benchmarks.contest.churn import churning
from benchmarks.contest.contestants import Contestant
from benchmarks.contest.crowds import others_pods
from benchmarks.contest.guests import Guest, logged_in
from benchmarks.contest.hubs import Hub, running_hubs
from benchmarks.exceptions import BenchmarkError
from benchmarks.records import Outcome, Series, Table, Unit
from benchmarks.simulated_pods import PodCrowd
from benchmarks.workbench import Workbench

METHOD = """\
130 nodes with 520 GPUs, 10,000 pods of others, and a hub for each spawner with the same 30 profiles of six images; all
hubs run all the time and take turns, once ours has read the whole cluster. In a closed loop 20 users ask for the form
again and again, through the proxy. For the processor time the form is asked for five times a second, on time whatever
the answers take; it is that of the hub's process, less what it takes in as many seconds without forms. Requests are
those of the hub's account in the API server's audit log during the closed loop. The age of the data is what a user
would meet: while other pods change twenty times a second, one pod takes the only card of its kind, or gives it back,
and somebody asks for the form again and again; it is the time from that change to the first form, as it arrives, that
has it."""

OPEN_LOOP_RATE = 5.0
"""Forms per second."""

CHANGES_PER_SECOND = 20.0

_READ_WITHIN = 120.0
"""Seconds for the first list of all pods, while other hubs start."""

_FREE = 'data-tone="ok"'
"""On a form with a verdict that somebody can start."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything."""

    nodes: int
    pods: int
    users: int
    rounds: int
    loop_seconds: float
    paced_seconds: float
    changes: int
    """Of the pod whose card the form tells of."""


FULL = Scale(nodes=130, pods=10_000, users=20, rounds=2, loop_seconds=8, paced_seconds=12, changes=40)
QUICK = Scale(nodes=10, pods=100, users=4, rounds=1, loop_seconds=1, paced_seconds=1, changes=2)


@dataclass(slots=True)
class Costs:
    """What was found of one contestant."""

    waits: list[float] = field(default_factory=list)
    """Milliseconds, in the closed loop."""

    loop_seconds: float = 0
    requests: int = 0
    cpu: list[float] = field(default_factory=list)
    """Milliseconds per form, one figure per round."""

    ages: list[float] = field(default_factory=list)
    """Seconds."""


async def measure(bench: Workbench) -> Outcome:
    """Measure all spawners in turns."""
    scale = QUICK if bench.quick else FULL
    costs: dict[Contestant, Costs] = defaultdict(Costs)
    async with AsyncExitStack() as stack:
        arena = await stack.enter_async_context(open_arena(bench, nodes=scale.nodes, beacon=True))
        with bench.progress.step(f"Creating {scale.pods:,} pods"):
            crowd = PodCrowd.on(arena.sandbox, namespace=OTHERS, manifest=others_pods(nodes=scale.nodes))
            await (await stack.enter_async_context(crowd)).grow(scale.pods)
        hubs: dict[Contestant, tuple[Hub, list[Guest]]] = {}
        with bench.progress.step(f"Starting {len(Contestant)} hubs"):
            for hub in await stack.enter_async_context(running_hubs(arena, Contestant)):
                names = [f"guest-{number:02}" for number in range(scale.users)]
                guests = await stack.enter_async_context(logged_in(hub, names))
                await asyncio.gather(*(guest.form() for guest in guests))
                if hub.contestant is Contestant.GENKAN:
                    await _until_foreseen(guests[0])
                hubs[hub.contestant] = hub, guests
        for number in range(scale.rounds):
            for contestant, (hub, guests) in hubs.items():
                with bench.progress.step(f"Forms of {contestant}, round {number + 1}"):
                    await _closed_loop(arena, hub, guests, seconds=scale.loop_seconds, costs=costs[contestant])
                    await _paced(hub, guests, seconds=scale.paced_seconds, costs=costs[contestant])
        hub, guests = hubs[Contestant.GENKAN]
        with bench.progress.step("The age of the data while pods come and go"):
            async with churning(arena.api, namespace=OTHERS, rate=CHANGES_PER_SECOND):
                costs[Contestant.GENKAN].ages = await data_ages(arena, guests[0], changes=scale.changes)
    return Outcome(title="The form", method=METHOD, series=_series(costs), tables=(_table(costs),))


async def _until_foreseen(guest: Guest) -> None:
    """Wait until the hub has read the whole cluster, which the first forms do not wait for."""
    try:
        async with asyncio.timeout(_READ_WITHIN):
            while True:
                if _FREE in await guest.form():
                    return
                await asyncio.sleep(1)
    except TimeoutError as e:
        raise BenchmarkError(f"No form told of anything free within {_READ_WITHIN:.0f} seconds.") from e


async def _closed_loop(arena: Arena, hub: Hub, guests: list[Guest], *, seconds: float, costs: Costs) -> None:
    window = arena.audit()
    began = time.monotonic()
    until = began + seconds

    async def ask(guest: Guest) -> None:
        while time.monotonic() < until:
            asked = time.monotonic()
            await guest.form()
            costs.waits.append(1000 * (time.monotonic() - asked))

    await asyncio.gather(*map(ask, guests))
    costs.loop_seconds += time.monotonic() - began
    costs.requests += len(await window.close(account=hub.place.account))


async def _paced(hub: Hub, guests: list[Guest], *, seconds: float, costs: Costs) -> None:
    """Ask on time, and charge the forms with what the hub took more than without them."""
    before = hub.usage().cpu_seconds
    await asyncio.sleep(seconds)
    idle = hub.usage().cpu_seconds - before
    count = round(seconds * OPEN_LOOP_RATE)
    began, before = time.monotonic(), hub.usage().cpu_seconds

    async def ask(number: int) -> None:
        await asyncio.sleep(began + number / OPEN_LOOP_RATE - time.monotonic())
        await guests[number % len(guests)].form()

    await asyncio.gather(*map(ask, range(count)))
    await asyncio.sleep(began + seconds - time.monotonic())
    costs.cpu.append(1000 * (hub.usage().cpu_seconds - before - idle) / count)


def _series(costs: dict[Contestant, Costs]) -> tuple[Series, ...]:
    waits = [
        Series(label=f"form, {name}", unit=Unit.MILLISECONDS, samples=tuple(found.waits))
        for name, found in costs.items()
    ]
    cpu = [
        Series(label=f"processor time per form, {name}", unit=Unit.MILLISECONDS, samples=tuple(found.cpu))
        for name, found in costs.items()
    ]
    ages = [
        Series(label=f"age of the data, {name}", unit=Unit.SECONDS, samples=tuple(found.ages))
        for name, found in costs.items()
        if found.ages
    ]
    return (*waits, *cpu, *ages)


def _table(costs: dict[Contestant, Costs]) -> Table:
    head = ("closed loop", "forms", "forms/s", "requests to Kubernetes")
    rows = (
        (
            str(name),
            f"{len(found.waits):,}",
            f"{len(found.waits) / found.loop_seconds:.0f}",
            str(found.requests),
        )
        for name, found in costs.items()
    )
    return Table(title="Closed loop of all users", head=head, rows=tuple(rows))
