"""Many starts at a steady pace: what users wait for, what the hub and Kubernetes have to do, and whether it holds."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from statistics import median

from benchmarks.contest.arena import OTHERS, Arena, open_arena
from benchmarks.contest.contestants import Contestant
from benchmarks.contest.crowds import others_pods, own_pod
from benchmarks.contest.guests import Answer, Guest, Word, logged_in
from benchmarks.contest.holding import Held, hold
from benchmarks.contest.hubs import Hub, running_hubs
from benchmarks.contest.idling import Idle, watch_idle
from benchmarks.contest.offer import SMALL
from benchmarks.instruments.sightings import Sightings
from benchmarks.records import Outcome, Series, Table, Unit
from benchmarks.simulated_pods import PodCrowd
from benchmarks.summaries import percentile
from benchmarks.workbench import Workbench

METHOD = """\
130 nodes, 10,000 pods of others, and a hub for each spawner; all hubs run all the time and take turns, A B C C B A.
In its turn a hub gets a batch of starts, two a second whatever the answers take, each of a user who has logged in
before, sends the form through the proxy and follows the waiting page's events; all servers stay. Four starts
beforehand are not counted. Pods are simulated: once they run at once, once after ten seconds, as long as the null
spawner waits. Pods are seen by a watch of our own. Processor time is that of the hub's process from the first click
to half a second after the last answer. What a spawner takes above the null spawner is the difference of turns of the
same round, of which the median and the extremes are given: what else the machine does moves all turns of a round
alike. Requests are those of the hub's account in the API server's audit log. Then, without starts, as many pods like
the hub's own are added as make up 500, and the hub's health page is asked every 50 ms without the proxy: an answer is
late by as long as the event loop was held up."""

RATE = 2.0
"""Starts per second."""

CONTESTANTS = (Contestant.GENKAN, Contestant.KUBESPAWNER, Contestant.NULL)
WARM_UP = 4
PATIENCE = 120.0
"""Seconds after which a start that nobody told anything of has failed."""

_AFTERMATH = 0.5


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything."""

    nodes: int
    others: int
    """Pods of other people."""

    own: int
    """Pods in a hub's namespace while its event loop is looked at."""

    batch: int
    rounds: int
    slow: float
    """Seconds that slow pods take to run."""

    idle_seconds: float
    """Shorter than three minutes, it may miss or double what a silent watch asks for every 90 seconds."""

    idle_rounds: int
    held: int
    """Servers that a hub is to hold in the end; 0 leaves it out."""


DEFAULT = Scale(nodes=130, others=10_000, own=500, batch=10, rounds=6, slow=10, idle_seconds=25, idle_rounds=1, held=0)
FULL = replace(DEFAULT, batch=25, rounds=20, idle_seconds=180, idle_rounds=2, held=3000)
QUICK = Scale(nodes=5, others=30, own=20, batch=3, rounds=1, slow=2, idle_seconds=2, idle_rounds=1, held=0)


@dataclass(frozen=True, slots=True)
class Turn:
    """One batch of one hub."""

    words: tuple[Word, ...]
    to_pod: tuple[float, ...]
    """Milliseconds from the click to the pod, of those whose pod was seen."""

    to_ready: tuple[float, ...]
    """Seconds from Running to the hub's word that the server is ready."""

    cpu: float
    """Milliseconds of the hub per start."""

    requests: float
    """To the API server, per start."""


@dataclass(slots=True)
class Costs:
    """What was found of one contestant with pods of one kind."""

    turns: list[Turn] = field(default_factory=list)

    @property
    def words(self) -> list[Word]:
        """What all users were told."""
        return [word for turn in self.turns for word in turn.words]


Key = tuple[float, Contestant]
"""Seconds that pods take, and who started them."""


async def measure(bench: Workbench) -> Outcome:
    """Measure with fast pods, with slow ones, at rest, and with many servers."""
    scale = QUICK if bench.quick else FULL if bench.full else DEFAULT
    costs: dict[Key, Costs] = defaultdict(Costs)
    idles: dict[Contestant, list[Idle]] = defaultdict(list)
    held: dict[Contestant, Held] = {}
    async with AsyncExitStack() as stack:
        arena = await stack.enter_async_context(open_arena(bench, nodes=scale.nodes))
        crowd = PodCrowd.on(arena.sandbox, namespace=OTHERS, manifest=others_pods(nodes=scale.nodes))
        with bench.progress.step(f"Creating {scale.others:,} pods"):
            await (await stack.enter_async_context(crowd)).grow(scale.others)
        for seconds in (0, scale.slow):
            async with _crews(bench, arena, scale, seconds=seconds) as crews:
                await _take_turns(bench, arena, crews, scale=scale, costs=costs)
                if not seconds:
                    await _rest(bench, arena, crews, scale=scale, idles=idles)
        for contestant in (Contestant.GENKAN, Contestant.KUBESPAWNER) if scale.held else ():
            with bench.progress.step(f"{scale.held:,} servers of {contestant}") as step:
                held[contestant] = await hold(arena, contestant, servers=scale.held, step=step)
    tables = (_turn_table(costs), _idle_table(idles, scale), *([_held_table(held)] if held else []))
    return Outcome(title="A storm of starts", method=METHOD, series=_series(costs), tables=tables)


@dataclass(frozen=True, slots=True)
class Crew:
    """A hub with its users, some of whom have started already."""

    hub: Hub
    guests: list[Guest]
    sightings: Sightings


@asynccontextmanager
async def _crews(bench: Workbench, arena: Arena, scale: Scale, *, seconds: float) -> AsyncIterator[list[Crew]]:
    """Run the hubs, log everybody in and warm up."""
    async with AsyncExitStack() as stack:
        title = f"Starting {len(CONTESTANTS)} hubs whose pods take {seconds:.0f} s"
        with bench.progress.step(title):
            hubs = await stack.enter_async_context(running_hubs(arena, CONTESTANTS, start_seconds=seconds))
            crews = []
            for hub in hubs:
                names = [f"guest-{number:04}" for number in range(WARM_UP + scale.batch * scale.rounds)]
                following = Sightings.following(arena.api, namespace=hub.place.namespace)
                sightings = await stack.enter_async_context(following)
                crew = Crew(hub, await stack.enter_async_context(logged_in(hub, names)), sightings)
                first = [crew.guests.pop(0) for _ in range(WARM_UP)]
                await asyncio.gather(*(guest.click(SMALL, patience=PATIENCE) for guest in first))
                crews.append(crew)
        yield crews


async def _take_turns(
    bench: Workbench, arena: Arena, crews: list[Crew], *, scale: Scale, costs: dict[Key, Costs]
) -> None:
    for number in range(scale.rounds):
        for crew in crews if number % 2 == 0 else reversed(crews):
            seconds, contestant = crew.hub.settings.start_seconds, crew.hub.contestant
            title = f"{scale.batch} starts of {contestant}, pods take {seconds:.0f} s, round {number + 1}"
            with bench.progress.step(title):
                guests = [crew.guests.pop(0) for _ in range(scale.batch)]
                costs[seconds, contestant].turns.append(await _turn(arena, crew, guests))


async def _turn(arena: Arena, crew: Crew, guests: list[Guest]) -> Turn:
    window = arena.audit()
    began, before = time.monotonic(), crew.hub.usage().cpu_seconds

    async def start(number: int, guest: Guest) -> Word:
        await asyncio.sleep(began + number / RATE - time.monotonic())
        return await guest.click(SMALL, patience=PATIENCE)

    words = await asyncio.gather(*(start(number, guest) for number, guest in enumerate(guests)))
    await asyncio.sleep(_AFTERMATH)
    cpu = crew.hub.usage().cpu_seconds - before
    requests = await window.close(account=crew.hub.place.account)
    pods = [crew.sightings.pods.get(guest.name) for guest in guests]
    pairs = [(word, pod) for word, pod in zip(words, pods, strict=True) if pod is not None]
    return Turn(
        words=tuple(words),
        to_pod=tuple(1000 * (pod.created - word.clicked) for word, pod in pairs),
        to_ready=tuple(
            word.at - pod.running for word, pod in pairs if word.answer is Answer.READY and pod.running is not None
        ),
        cpu=1000 * cpu / len(guests),
        requests=len(requests) / len(guests),
    )


async def _rest(
    bench: Workbench, arena: Arena, crews: list[Crew], *, scale: Scale, idles: dict[Contestant, list[Idle]]
) -> None:
    """Look at the hubs in turns while nobody starts anything, each with many pods of its own."""
    async with AsyncExitStack() as stack:
        for crew in crews:
            if crew.hub.contestant is not Contestant.NULL:
                namespace = crew.hub.place.namespace
                own = await stack.enter_async_context(PodCrowd.on(arena.sandbox, namespace=namespace, manifest=own_pod))
                await own.grow(max(0, scale.own - len(crew.sightings.left())))
        for number in range(scale.idle_rounds):
            for crew in crews:
                with bench.progress.step(f"{crew.hub.contestant} at rest, round {number + 1}"):
                    idle = await watch_idle(arena, crew.hub, seconds=scale.idle_seconds)
                    idles[crew.hub.contestant].append(idle)


def _series(costs: dict[Key, Costs]) -> tuple[Series, ...]:
    rows: list[Series] = []
    for (seconds, name), found in costs.items():
        suffix = f"pods take {seconds:.0f} s, {name}"
        ready = [word.seconds for word in found.words if word.answer is Answer.READY]
        series = (
            (f"click to pod, {suffix}", Unit.MILLISECONDS, [one for turn in found.turns for one in turn.to_pod]),
            (f"Running to ready, {suffix}", Unit.SECONDS, [one for turn in found.turns for one in turn.to_ready]),
            (f"click to ready, {suffix}", Unit.SECONDS, ready),
            (f"processor time per start, {suffix}", Unit.MILLISECONDS, [turn.cpu for turn in found.turns]),
        )
        rows += [Series(label=label, unit=unit, samples=tuple(samples)) for label, unit, samples in series if samples]
    return tuple(sorted(rows, key=lambda row: row.label.partition(",")[0]))


def _turn_table(costs: dict[Key, Costs]) -> Table:
    head = ("starts", "ready", "not ready", "processor time", "above the null spawner", "requests per start")
    rows = []
    for (seconds, name), found in costs.items():
        cpu = median(turn.cpu for turn in found.turns)
        floors = [turn.cpu for turn in costs[seconds, Contestant.NULL].turns]
        above = sorted(turn.cpu - floor for turn, floor in zip(found.turns, floors, strict=True))
        ready = sum(word.answer is Answer.READY for word in found.words)
        rows.append(
            (
                f"pods take {seconds:.0f} s, {name}",
                str(ready),
                str(len(found.words) - ready),
                f"{cpu:.0f} ms",
                "-" if name is Contestant.NULL else f"{median(above):.0f} ms ({above[0]:.0f} to {above[-1]:.0f})",
                f"{_mean([turn.requests for turn in found.turns]):.1f}",
            )
        )
    return Table(title="Per start", head=head, rows=tuple(rows))


def _idle_table(idles: dict[Contestant, list[Idle]], scale: Scale) -> Table:
    head = ("at rest", "health p50", "p99", "max", "requests per minute", "own pods")
    rows = []
    for name, found in idles.items():
        latencies = [1000 * one for idle in found for one in idle.latencies]
        minutes = sum(idle.seconds for idle in found) / 60
        rows.append(
            (
                str(name),
                *(f"{percentile(latencies, percent):.0f} ms" for percent in (50, 99, 100)),
                f"{sum(idle.requests for idle in found) / minutes:.1f}",
                str(min(idle.own_pods for idle in found)),
            )
        )
    return Table(title=f"Nobody starts anything; {scale.others:,} pods of others", head=head, rows=tuple(rows))


def _held_table(held: dict[Contestant, Held]) -> Table:
    head = ("many servers", "started", "Running", "hub", "starts/s", "MB per server", "health p99")
    rows = (
        (
            str(name),
            f"{found.started:,} of {found.asked:,}",
            f"{found.running:,}",
            "alive" if found.hub_alive else "dead",
            f"{found.started / found.seconds:.1f}",
            f"{found.bytes_per_server / 1e6:.2f}",
            f"{1000 * percentile(found.latencies, 99):.0f} ms" if found.latencies else "-",
        )
        for name, found in held.items()
    )
    return Table(title="As many servers as the hub can hold", head=head, rows=tuple(rows))


def _mean(samples: list[float]) -> float:
    return sum(samples) / len(samples)
