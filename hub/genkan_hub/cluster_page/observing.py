"""All that the page's process knows, kept up to date: the cluster, the hub's servers, and what GPUs do."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.snapshot import Source
from genkan_spawner.marks import USER_NAME
from genkan_spawner.watching import ChangeType

from .hub_link import HubLink
from .hub_report import HubReport
from .metering import Meter
from .picture import Picture, picture_of
from .pod_facts import PodFactsBook
from .view import ClusterView
from .viewers import Viewer
from .viewing import Ages, view_for

log = logging.getLogger(__name__)

FRESH = 1.0
"""Seconds for which a picture serves everybody who asks."""

FOLLOWED = (Source.NODES, Source.PODS, Source.QUOTAS)
"""What the page shows something of; it needs rights for nothing else."""

_RESTART_SECONDS = 5.0


@dataclass(slots=True)
class _Drawn:
    """A picture and what was made of it for single viewers."""

    picture: Picture
    ages: Ages
    at: float
    views: dict[Viewer, ClusterView] = field(default_factory=dict)


class Observer:
    """Reads everything by itself; nobody who asks waits for anybody else."""

    def __init__(self, api: KubernetesApi, hub: HubLink, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.cache = ClusterCache(api, only=FOLLOWED)
        self.hub = hub
        self.meter = Meter()
        self._book = PodFactsBook()
        self._clock = clock
        self._drawn: _Drawn | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.cache.subscribe(self._pod_seen)
        hub.told = self._told

    async def start(self) -> None:
        """Begin to read; nothing is known yet when this returns."""
        await self.cache.start()
        self._tasks = [asyncio.create_task(_for_ever(run)) for run in (self.hub.run, self.meter.run)]

    async def close(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.cache.close()

    @property
    def names_for_everyone(self) -> bool:
        """Whether all users may see who holds GPUs."""
        return self.hub.report.settings.names_for_everyone

    def picture(self) -> Picture:
        """Return everything as it is now, or was within the last second."""
        return self._now().picture

    def ages(self) -> Ages:
        """Return how old what was heard is."""
        return self._now().ages

    def view(self, viewer: Viewer) -> ClusterView:
        """Return what somebody may see of it."""
        drawn = self._now()
        if viewer not in drawn.views:
            drawn.views[viewer] = view_for(viewer, drawn.picture, drawn.ages)
        return drawn.views[viewer]

    def _now(self) -> _Drawn:
        now = self._clock()
        if self._drawn is None or now - self._drawn.at >= FRESH:
            self._drawn = _Drawn(self._picture(), self._ages(), now)
        return self._drawn

    def _picture(self) -> Picture:
        snapshot, measurements = self.cache.snapshot(), self.meter.measurements()
        return picture_of(snapshot, self._book, self.hub.report, measurements, now=datetime.now(tz=UTC))

    def _ages(self) -> Ages:
        return Ages(
            hub=self.hub.age,
            hub_problem=self.hub.problem,
            measured=self.meter.configured,
            measurements=self.meter.age,
            measurements_problem=self.meter.problem,
        )

    def _pod_seen(self, change: ChangeType, pod: JsonObject) -> None:
        metadata = pod.get("metadata") or {}
        before = self._book.get(str(metadata.get("uid") or ""))
        self._book.pod_seen(change, pod)
        if USER_NAME in (metadata.get("annotations") or {}) or (before is not None and before.user is not None):
            self.hub.ask_soon()

    def _told(self, report: HubReport) -> None:
        self.meter.follow(report.settings)
        self.cache.follow(report.namespaces)


async def _for_ever(run: Callable[[], Awaitable[None]]) -> None:
    """Run a loop again when a defect ends it: one source's must not stop the others."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("A loop of the cluster page failed and is started again.")
        await asyncio.sleep(_RESTART_SECONDS)
