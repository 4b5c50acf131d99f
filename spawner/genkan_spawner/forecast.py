"""What would come of a start, for each card of a form: the checks on the pod that the card stands for.

The pod is made as a start makes it, by a spawner of its own that starts nothing. What it asks for is the same for all
users who are offered the same and choose the same, so it is read once and kept. The verdicts on it are kept as long as
the cluster is as it was.
"""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .checks.conditions import Conditions
from .checks.demand import Demand, demand_of
from .checks.findings import Verdict
from .checks.free import Free
from .checks.outlook import Outlook
from .checks.shares import Share, shares_of
from .cluster.snapshot import Health, Snapshot, Source
from .home_forecast import OwnHome
from .kubespawner_seam import pod_manifest
from .storage.fill import DiskFill
from .user_differences import whose

if TYPE_CHECKING:
    from .cluster.cache import ClusterCache
    from .offering import Offering
    from .spawner import GenkanSpawner

FRESH = 0.5
"""Seconds for which verdicts serve further forms: with a busy cluster every form would be computed anew."""

TRY_AGAIN = 30.0
"""Seconds after which a choice whose pod could not be made is tried again: each try writes a traceback."""

MOST_DEMANDS = 5000
"""Choices of which the demand is kept; the one that was not asked for longest goes first."""

_AT_A_TIME = 0.005
"""Seconds of checks after which the hub may do something else."""

_PARTS = tuple(part.name for part in dataclasses.fields(Snapshot))

Options: TypeAlias = Mapping[str, str]
_Key: TypeAlias = tuple[object, Hashable, frozenset[tuple[str, str]]]
"""The offering, for whose servers it is, and the choice."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a choice would ask for, and the conditions under which it is looked at."""

    demand: Demand
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of making a choice's pod."""

    found: _Expected | None
    at: float

    def serves(self, now: float) -> bool:
        """Return whether it stands: what failed may have been something that passes."""
        return self.found is not None or now - self.at < TRY_AGAIN


@dataclass(frozen=True, slots=True)
class Prospect:
    """What would come of a choice, and what is free for it."""

    demand: Demand
    """Without the user's own name and home."""
    verdict: Verdict
    free: Free | None
    """Devices of its kind, where it asks for any."""


@dataclass(slots=True)
class _Look:
    """One state of the cluster, and what would come of choices in it, as far as somebody has asked."""

    outlook: Outlook
    looked_at: float
    """When the cluster was last seen to be so."""
    prospects: dict[tuple[_Key, str], Prospect] = field(default_factory=dict)
    shares: dict[tuple[object, str], tuple[Share, ...]] = field(default_factory=dict)
    totals: dict[object, tuple[int, int, int] | None] = field(default_factory=dict)

    def on(self, key: _Key, expected: _Expected, home: OwnHome) -> Prospect:
        """Return what would come of a choice with a user's home, found once for all homes that make no difference."""
        difference = home.difference(expected.demand.namespace, self.outlook)
        prospect = self.prospects.get((key, difference))
        if prospect is None:
            demand, conditions = home.put_in(expected.demand, expected.conditions, difference=difference)
            verdict = conditions.examine(demand, self.outlook.snapshot, outlook=self.outlook)
            prospect = Prospect(expected.demand, verdict, self.outlook.free(expected.demand))
            self.prospects[key, difference] = prospect
        return prospect


class Forecasts:
    """The verdicts on choices, shared by all forms of a hub."""

    def __init__(self, cache: "ClusterCache", *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._attempts: dict[_Key, _Attempt] = {}
        self._under_way: dict[_Key, asyncio.Task[_Expected | None]] = {}
        self._look: _Look | None = None

    async def prospects(
        self, spawner: "GenkanSpawner", choices: Sequence[Options], *, offering: "Offering"
    ) -> list[Prospect | None]:
        """Return what would come of each choice, all at the same moment; None where its pod cannot be made."""
        servers = whose(spawner)
        keys: list[_Key] = [(offering.edition, servers, frozenset(options.items())) for options in choices]
        expected = [
            await self._expect(key, spawner, options, offering) for key, options in zip(keys, choices, strict=True)
        ]
        look, home = self._newest(), OwnHome.of(spawner)
        found: list[Prospect | None] = []
        pause = time.monotonic() + _AT_A_TIME
        for key, row in zip(keys, expected, strict=True):
            found.append(look.on(key, row, home) if row is not None else None)
            if time.monotonic() >= pause:
                await asyncio.sleep(0)
                pause = time.monotonic() + _AT_A_TIME
        return found

    def shares(self, edition: object, namespace: str, demands: Iterable[Demand]) -> tuple[Share, ...]:
        """Return what a namespace's quotas leave for the choices of an offering, as pods there."""
        look, key = self._newest(), (edition, namespace)
        if key not in look.shares:
            there = (dataclasses.replace(demand, namespace=namespace) for demand in demands)
            look.shares[key] = shares_of(there, look.outlook.snapshot)
        return look.shares[key]

    def totals(self, edition: object, demands: Iterable[Demand]) -> tuple[int, int, int] | None:
        """Return free GPUs, all GPUs and machines of an offering; None where it has none, or that is not known."""
        look = self._newest()
        if edition not in look.totals:
            look.totals[edition] = look.outlook.gpus(demands)
        return look.totals[edition]

    def home_fill(self, demands: Iterable[Demand]) -> DiskFill | None:
        """Return how full the disk is on which homes are, where many share one and that is known."""
        fills = self._newest().outlook.snapshot.fills
        uses = ((demand.namespace, use.name) for demand in demands for use in demand.claims if use.home)
        return next((fill for place, name in uses if (fill := fills.get((place, name)) or fills.get(("", name)))), None)

    async def _expect(
        self, key: _Key, spawner: "GenkanSpawner", options: Options, offering: "Offering"
    ) -> _Expected | None:
        """Return what a choice would ask for; many who want to know at once wait for one answer."""
        known = self._attempts.pop(key, None)
        if known is not None and known.serves(self._clock()):
            self._attempts[key] = known
            return known.found
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(_foresee(spawner, options, offering))
            task.add_done_callback(lambda _: self._under_way.pop(key))
        # Unlike awaiting it, this leaves the task to the others when one who waits is cancelled.
        await asyncio.wait({task})
        attempt = _Attempt(task.result(), self._clock())
        while len(self._attempts) >= MOST_DEMANDS:
            del self._attempts[next(iter(self._attempts))]
        self._attempts[key] = attempt
        return attempt.found

    def _newest(self) -> _Look:
        """Return the state of the cluster, looked at anew if it is time for it."""
        now, look = self._clock(), self._look
        if look is not None and now - look.looked_at < FRESH:
            return look
        snapshot = self._cache.snapshot()
        if look is None or not _is_alike(look.outlook.snapshot, snapshot):
            look = self._look = _Look(Outlook.of(snapshot), now)
        look.looked_at = now
        return look


async def _foresee(spawner: "GenkanSpawner", options: Options, offering: "Offering") -> _Expected | None:
    scratch = spawner.twin(options)
    # What it is offered may have changed since.
    scratch.profile_list = lambda _: offering.profiles
    try:
        await scratch.apply_group_overrides()
        await scratch.load_user_options()
        # The first user's name must not stand for the others: a waiting pod of that name would be left out.
        demand = dataclasses.replace(OwnHome.of(scratch).left_out(demand_of(await pod_manifest(scratch))), name="")
    except Exception:
        # A site's own hooks take part, and a form is to be shown whatever they do.
        spawner.log.exception("What %s would ask for cannot be foreseen.", dict(options))
        return None
    return _Expected(demand, scratch.circumstances)


def _is_alike(one: Snapshot, other: Snapshot) -> bool:
    """Return whether checks find the same in two snapshots; what has not changed is mostly the very same object."""
    return all(
        _trust(ours) == _trust(theirs) if name == "health" else ours is theirs or ours == theirs
        for name, ours, theirs in ((name, getattr(one, name), getattr(other, name)) for name in _PARTS)
    )


def _trust(health: Mapping[Source, Health]) -> list[tuple[Source, Health]]:
    """Leave out the age, which no check looks at."""
    return [(source, dataclasses.replace(kind, age=0)) for source, kind in health.items()]
