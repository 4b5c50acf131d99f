"""The disks that many share, looked at every half a minute while somebody wants to know."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from genkan_profiles import Catalogue
from genkan_profiles.language.sentences import NOTHING, Sentence, say
from genkan_spawner.cluster.telling import tell_once

from .fill import DiskFill, Fills
from .probe import Probe
from .readings import (
    Reading,
    ReadingError,
    fullest,
    read_largest,
    read_mount,
    read_prometheus,
    shown_address,
)
from .rules import DiskRule, disk_rules

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds for which a reading serves."""

WITHIN = 10.0
"""Seconds in which a disk has to answer."""

STALE = 300.0
"""Seconds after which a reading counts as none: somebody may have cleaned up since."""


@dataclass(slots=True)
class _Disk:
    """One disk and what was last heard of it."""

    rule: DiskRule
    mount: Probe[Reading] | None
    file: Probe[tuple[tuple[str, int], ...]] | None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """By namespace; empty for all of them."""
    largest: tuple[tuple[str, int], ...] = ()
    read_at: float | None = None
    problem: Sentence = NOTHING

    @classmethod
    def of(cls, rule: DiskRule) -> "_Disk":
        path, file = rule.hub_path, rule.largest
        return cls(
            rule,
            Probe(lambda: read_mount(path)) if path else None,
            Probe(lambda: read_largest(file)) if file else None,
        )

    def fill(self, reading: Reading) -> DiskFill:
        rule = self.rule
        return DiskFill(
            reading.used,
            reading.size,
            warn_from=rule.warn_from,
            refuse_from=rule.refuse_from,
            rescue=rule.rescue,
            largest=self.largest,
        )


class SharedDisks:
    """Knows how full disks are; nobody who asks waits for an answer of a disk.

    `namespaces` tells where servers are: claims elsewhere may have the same names.
    """

    def __init__(
        self, *, namespaces: Callable[[], Collection[str]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._namespaces = namespaces
        self._clock = clock
        self._catalogue: Catalogue | None = None
        self._disks: dict[str, _Disk] = {}
        self._looked_at: float | None = None
        self._look: asyncio.Task[None] | None = None
        self._fills: Fills = MappingProxyType({})

    def follow(self, catalogue: Catalogue | None) -> None:
        """Look at the disks of this catalogue from now on; what is known of those that stay is kept."""
        if catalogue is self._catalogue:
            return
        self._catalogue = catalogue
        known = {disk.rule: disk for disk in self._disks.values()}
        rules = disk_rules(catalogue) if catalogue is not None else ()
        self._disks = {rule.claim: known.get(rule) or _Disk.of(rule) for rule in rules}
        self._looked_at = None
        self._fills = self._known()

    async def ready(self, *, within: float) -> None:
        """Wait for the first look, for a while."""
        self._look_if_due()
        if self._look is not None and any(disk.read_at is None and not disk.problem for disk in self._disks.values()):
            await asyncio.wait({self._look}, timeout=within)

    def fills(self) -> Fills:
        """Return what is known now, and see that it is looked again if it is time for it."""
        self._look_if_due()
        return self._fills

    def problems(self) -> list[Sentence]:
        """Return a sentence for each disk of which it is not known how full it is, for administrators."""
        return [disk.problem for disk in self._disks.values() if disk.problem]

    def known(self) -> Iterable[tuple[str, bool]]:
        """Yield each claim, and whether it is known how full its disk is."""
        return [(claim, not disk.problem and disk.read_at is not None) for claim, disk in self._disks.items()]

    async def close(self) -> None:
        """Stop looking."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)

    def _look_if_due(self) -> None:
        due = self._looked_at is None or self._clock() - self._looked_at >= EVERY
        if self._disks and due and (self._look is None or self._look.done()) and _is_running():
            self._looked_at = self._clock()
            self._look = asyncio.create_task(self._look_at_all())

    async def _look_at_all(self) -> None:
        await asyncio.gather(*(self._look_at(disk) for disk in self._disks.values()))
        self._fills = self._known()

    async def _look_at(self, disk: _Disk) -> None:
        problem = NOTHING
        try:
            async with asyncio.timeout(WITHIN):
                disk.readings = await self._readings(disk)
            disk.read_at = self._clock()
        except TimeoutError:
            problem = say("{place} does not answer.", place=disk.rule.hub_path or shown_address(disk.rule.prometheus))
        except ReadingError as error:
            problem = error.sentence
        except Exception:
            log.exception("Looking at the disk of the claim %s failed.", disk.rule.claim)
            problem = say(
                "The disk of the claim {claim} cannot be looked at; the hub's log shows why.", claim=disk.rule.claim
            )
        if disk.file is not None and not problem:
            await self._look_for_largest(disk)
        if problem and problem != disk.problem:
            log.warning("It is not known how full a disk is, and no start is refused for it. %s", problem)
        elif disk.problem and not problem:
            log.info("It is known again how full the disk of the claim %s is.", disk.rule.claim)
        disk.problem = problem

    async def _readings(self, disk: _Disk) -> Mapping[str, Reading]:
        """Return how full a disk is, by namespace. Raises ReadingError and TimeoutError."""
        if disk.mount is not None:
            return {"": await disk.mount.answer(within=WITHIN)}
        found = await read_prometheus(disk.rule.prometheus, disk.rule.claim)
        here = {namespace: reading for namespace, reading in found.items() if namespace in self._namespaces()}
        if not here:
            raise ReadingError(
                say(
                    "Prometheus at {address} has no volume statistics of the claim {claim}: "
                    "no server mounts it at the moment, or the kubelets are not asked for them.",
                    address=shown_address(disk.rule.prometheus),
                    claim=disk.rule.claim,
                )
            )
        if disk.rule.everywhere:
            # One disk, whose numbers come from any server that has it mounted.
            return {"": fullest(here.values())}
        return here

    async def _look_for_largest(self, disk: _Disk) -> None:
        assert disk.file is not None  # noqa: S101  # the caller has looked
        try:
            disk.largest = await disk.file.answer(within=WITHIN)
        except (TimeoutError, ReadingError) as error:
            tell_once(str(error) or f"{disk.rule.largest} does not answer.")
            disk.largest = ()

    def _known(self) -> Fills:
        now = self._clock()
        return MappingProxyType(
            {
                (namespace, disk.rule.claim): disk.fill(reading)
                for disk in self._disks.values()
                if disk.read_at is not None and now - disk.read_at < STALE
                for namespace, reading in disk.readings.items()
            }
        )


def _is_running() -> bool:
    """Return whether there is an event loop: metrics may be read without one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
