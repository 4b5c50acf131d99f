"""What would come of a start, for each card of a form: the checks on the pod that the card stands for.

The pod is made as a start makes it, by a spawner of its own that starts nothing. What it asks for is the same for all
users with the same choice, so it is read once and kept.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .checks.conditions import Conditions
from .checks.demand import Demand, demand_of
from .checks.findings import Verdict
from .checks.outlook import Outlook
from .kubespawner_seam import pod_manifest

if TYPE_CHECKING:
    from .cluster.cache import ClusterCache
    from .cluster_spawner import ClusterSpawner

FRESH = 0.5
"""Seconds for which a verdict serves further forms: with a busy cluster every form would be computed anew."""

MOST_DEMANDS = 5000
"""Choices of which the demand is kept; the one that was not asked for longest goes first."""

Options: TypeAlias = Mapping[str, str]
_Key: TypeAlias = tuple[object, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a choice would ask for, and the conditions under which it is looked at."""

    demand: Demand
    conditions: Conditions


class Forecasts:
    """The verdicts on choices, shared by all forms of a hub."""

    def __init__(self, cache: "ClusterCache", *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._expected: dict[_Key, _Expected | None] = {}
        self._verdicts: dict[_Key, tuple[float, Verdict]] = {}
        self._outlook: tuple[float, Outlook] | None = None

    async def verdict(self, spawner: "ClusterSpawner", options: Options, *, edition: object) -> Verdict | None:
        """Return what would come of a choice; None where its pod cannot be made without starting it.

        `edition` stands for the catalogue that the choice is from: demands of another one are not used.
        """
        key = (edition, frozenset(options.items()))
        now = self._clock()
        known = self._verdicts.get(key)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        if key not in self._expected:
            await self._foresee(key, spawner, options)
        expected = self._expected[key] = self._expected.pop(key)
        if expected is None:
            return None
        outlook = self._newest(now)
        verdict = expected.conditions.examine(expected.demand, outlook.snapshot, outlook=outlook)
        self._verdicts[key] = (now, verdict)
        return verdict

    async def _foresee(self, key: _Key, spawner: "ClusterSpawner", options: Options) -> None:
        scratch = spawner.twin(options)
        expected: _Expected | None = None
        try:
            await scratch.load_user_options()
            expected = _Expected(demand_of(await pod_manifest(scratch)), scratch.conditions)
        except Exception:
            # A site's own hooks take part, and a form is to be shown whatever they do.
            spawner.log.exception("What %s would ask for cannot be foreseen.", dict(options))
        while len(self._expected) >= MOST_DEMANDS:
            oldest = next(iter(self._expected))
            del self._expected[oldest]
            self._verdicts.pop(oldest, None)
        self._expected[key] = expected
        await asyncio.sleep(0)

    def _newest(self, now: float) -> Outlook:
        """Return the outlook of a snapshot that is fresh enough, prepared once for all cards."""
        if self._outlook is None or now - self._outlook[0] >= FRESH:
            self._outlook = (now, Outlook.of(self._cache.snapshot()))
        return self._outlook[1]
