"""What happens when many users want the last GPU at the same instant."""

import asyncio
import textwrap
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.contest.arena import GPUS_PER_NODE, OTHERS, Arena, open_arena, remove_pods
from benchmarks.contest.contestants import Contestant
from benchmarks.contest.guests import Answer, Guest, Word, logged_in
from benchmarks.contest.hubs import Hub, running_hub
from benchmarks.contest.offer import GPU, ONE_GPU
from benchmarks.instruments.sightings import TOKEN, Sightings
from benchmarks.records import Outcome, Series, Table, Unit
from benchmarks.simulated_pods import PodCrowd, server_manifest
from benchmarks.summaries import percentile
from benchmarks.workbench import Workbench
from genkan_spawner.api import JsonObject

SETTLED_AFTER = 6.0
"""Seconds from the last answer until what is left is counted; a hub that gives up takes some to end."""

METHOD = """\
Some users log in, and all of them send the form for one GPU at the same instant, as browsers do, when one GPU is left:
by capacity (pods of others hold the rest of the machines'), or by a quota of one in the namespace. Each race has a
new hub; the spawners take turns. Starts time out after 30 s, `slow_spawn_timeout` is 0 and `consecutive_failure_limit`
5, as in the Zero to JupyterHub chart; pods are simulated. An answer is whatever first tells a user how it went: the
page after the click, or the waiting page's events. Six seconds after the last answer pods are counted, and one of those
without a server opens the waiting page again and tries once more over REST; then the hub's process is looked at, and
its log is searched for `JUPYTERHUB_API_TOKEN` and for the tokens of the pods that were seen. A dash stands where nobody
was refused."""

_NODES = 4
_LONGEST_REASON = 240


class Shortage(StrEnum):
    """Why there is one GPU left."""

    CAPACITY = "capacity"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Scale:
    """How many users race."""

    users: tuple[int, ...]
    start_timeout: int
    """Seconds until a hub gives a start up, the same for both."""


FULL = Scale((2, 10, 20, 50), start_timeout=30)
QUICK = Scale((6,), start_timeout=6)


@dataclass(frozen=True, slots=True)
class Race:
    """How one race ended."""

    contestant: Contestant
    shortage: Shortage
    words: tuple[Word, ...]
    reason_later: str
    """What the waiting page of somebody without a server says when it is opened again."""

    reason_by_rest: str
    """What the REST API answers to one of them afterwards."""

    pods_left: int
    """Beside those of users whose server started."""

    hub_alive: bool
    log_lines_with_token: int
    log_lines: int

    def count(self, answer: Answer) -> int:
        """Count the users who got this answer."""
        return sum(word.answer is answer for word in self.words)

    @property
    def refusals(self) -> list[float]:
        """Seconds until each of those who got nothing was told so."""
        return [word.seconds for word in self.words if word.answer is Answer.REFUSED]

    @property
    def reason(self) -> str:
        """What most of those who got nothing were told first."""
        told = Counter(word.message for word in self.words if word.answer is not Answer.READY)
        return told.most_common(1)[0][0] if told else ""


async def measure(bench: Workbench) -> Outcome:
    """Let both spawners run all races in turns."""
    scale = QUICK if bench.quick else FULL
    races: list[Race] = []
    async with open_arena(bench, nodes=_NODES) as arena:
        for shortage in Shortage:
            async with _shortage(arena, shortage):
                for users in scale.users:
                    for contestant in (Contestant.GENKAN, Contestant.KUBESPAWNER):
                        with bench.progress.step(f"{users} users, one GPU by {shortage}, {contestant}"):
                            races.append(
                                await _race(arena, contestant, shortage, users=users, start_timeout=scale.start_timeout)
                            )
    return Outcome(title="The last GPU", method=METHOD, series=_series(races), tables=_tables(races))


@asynccontextmanager
async def _shortage(arena: Arena, shortage: Shortage) -> AsyncIterator[None]:
    """Leave one GPU; quotas belong to a hub's namespace and are made with the race."""
    if shortage is Shortage.QUOTA:
        yield
        return
    async with PodCrowd.on(arena.sandbox, namespace=OTHERS, manifest=_holder) as crowd:
        await crowd.grow(_NODES * GPUS_PER_NODE - 1)
        try:
            yield
        finally:
            await remove_pods(arena.api, namespace=OTHERS)


async def _race(arena: Arena, contestant: Contestant, shortage: Shortage, *, users: int, start_timeout: int) -> Race:
    place = await arena.place(contestant.slug)
    if shortage is Shortage.QUOTA:
        await arena.limit_gpus(place, 1)
    names = [f"racer-{number:02}" for number in range(users)]
    try:
        async with (
            running_hub(arena, contestant, start_timeout=start_timeout) as hub,
            Sightings.following(arena.api, namespace=place.namespace) as sightings,
            logged_in(hub, names) as guests,
        ):
            for guest in guests:
                await guest.form()
            words = await asyncio.gather(*(guest.click(ONE_GPU, patience=start_timeout * 2) for guest in guests))
            await asyncio.sleep(SETTLED_AFTER)
            return await _look(hub, shortage, guests=guests, words=words, sightings=sightings)
    finally:
        await arena.lift_limit(place)


async def _look(hub: Hub, shortage: Shortage, *, guests: list[Guest], words: list[Word], sightings: Sightings) -> Race:
    """See what is left of a race, before anybody tries again."""
    started = {guest.name for guest, word in zip(guests, words, strict=True) if word.answer is Answer.READY}
    left = [name for name, sighting in sightings.pods.items() if not sighting.gone and name not in started]
    loser = next((guest for guest in guests if guest.name not in started), None)
    later = await loser.reload() if loser is not None else ""
    by_rest = await loser.start_by_rest(ONE_GPU) if loser is not None else ""
    secrets = {TOKEN, *sightings.tokens}
    lines = (await asyncio.to_thread(hub.log.read_text, errors="replace")).splitlines()
    return Race(
        contestant=hub.contestant,
        shortage=shortage,
        words=tuple(words),
        reason_later=later,
        reason_by_rest=by_rest,
        pods_left=len(left),
        hub_alive=hub.alive,
        log_lines_with_token=sum(any(secret in line for secret in secrets) for line in lines),
        log_lines=len(lines),
    )


def _holder(name: str) -> JsonObject:
    """Return somebody else's pod with a GPU."""
    manifest = server_manifest(name)
    resources = manifest["spec"]["containers"][0]["resources"]
    resources["limits"][GPU] = resources["requests"][GPU] = "1"
    return manifest


def _series(races: list[Race]) -> tuple[Series, ...]:
    return tuple(
        Series(
            label=f"refusal, {len(race.words)} users, {race.shortage}, {race.contestant}",
            unit=Unit.SECONDS,
            samples=tuple(race.refusals),
        )
        for race in races
        if race.refusals
    )


def _tables(races: list[Race]) -> tuple[Table, ...]:
    head = ("race", "started", "refused", "no answer", "p50", "p95", "max", "pods left", "hub", "token in log")
    words = ("race", "told first", "told later", "told over REST afterwards")
    return (
        Table(title="How races ended", head=head, rows=tuple(_figures(race) for race in races)),
        Table(
            title="What most of those without a server were told",
            head=words,
            rows=tuple((_name(race), *map(_short, _reasons(race))) for race in races),
        ),
    )


def _reasons(race: Race) -> tuple[str, ...]:
    return race.reason, race.reason_later, race.reason_by_rest


def _short(reason: str) -> str:
    return textwrap.shorten(reason, _LONGEST_REASON, placeholder=" …") or "nothing"


def _name(race: Race) -> str:
    return f"{len(race.words)} by {race.shortage}, {race.contestant}"


def _figures(race: Race) -> tuple[str, ...]:
    waits = race.refusals
    spelt = [f"{percentile(waits, percent):.2f} s" if waits else "-" for percent in (50, 95, 100)]
    return (
        _name(race),
        *(str(race.count(answer)) for answer in Answer),
        *spelt,
        str(race.pods_left),
        "alive" if race.hub_alive else "dead",
        f"{race.log_lines_with_token} of {race.log_lines} lines",
    )
