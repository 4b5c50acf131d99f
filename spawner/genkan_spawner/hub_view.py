"""What all spawners of a hub share: one view of the cluster, and the pods of all users' servers."""

import asyncio
import gc
import logging
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

from .api import JsonObject, KubernetesApi
from .cluster.cache import ClusterCache
from .cluster.metrics import ClusterMetrics
from .cluster.snapshot import STORAGE, Source
from .following.server_pods import ServerPods
from .forecast import Forecasts
from .kubespawner_seam import unlimited_connection
from .orphans import OrphanSweep, claims_of
from .starting.promises import Promises
from .storage.disks import SharedDisks
from .storage.metrics import DiskMetrics
from .watching import ChangeType

if TYPE_CHECKING:
    from .cluster_spawner import ClusterSpawner

log = logging.getLogger(__name__)

FIRST_LOOK = 10.0
"""Seconds that a start or a poll waits for the first view of the cluster; after that it goes on without."""


DISKS_WITHIN = 1.0
"""Seconds that a form or a start waits to hear how full the disks are, once."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the view can be trusted, for the people who read what it shows."""

    known: bool
    """Whether nodes, pods and quotas are all followed, the pods in all namespaces."""
    age: int
    """Seconds since the oldest sign of life of them; 0 if one was never read."""


class HubView:
    """The hub's own view of the cluster, started when first asked for and kept until the hub ends."""

    _metrics: ClassVar[tuple[ClusterMetrics, DiskMetrics] | None] = None
    _views: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, "HubView"]] = WeakKeyDictionary()

    def __init__(self, api: KubernetesApi, *, component: str, namespaces: Collection[str]) -> None:
        self.api = api
        self.servers = ServerPods()
        self.cache = ClusterCache(api, namespaces=namespaces)
        self.disks = SharedDisks(namespaces=lambda: self._namespaces)
        self.cache.fills = self.disks.fills
        self.forecasts = Forecasts(self.cache)
        self.promises = Promises()
        self._component = component
        self._namespaces = frozenset(namespaces)
        self.cache.subscribe(self._pod_changed)
        self._show_metrics()
        self._started = self._loaded = False
        self._sweep: asyncio.Task[None] | None = None
        self._end: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, spawner: "ClusterSpawner") -> "HubView":
        """Return the one view of this hub; the first call makes it, for the cluster that KubeSpawner has found."""
        loop = asyncio.get_running_loop()
        view = cls._views.get(loop)
        if view is None:
            api = unlimited_connection(spawner)
            view = cls(api, component=spawner.component_label, namespaces={spawner.namespace})
            view._end = asyncio.create_task(_close_at_the_end(api))
            cls._views[loop] = view
            view._look_after(spawner)
        # The first spawner may be that of a team's server, which tells nothing of the hub's own namespace.
        view.follow({spawner.namespace, *spawner.team_namespaces})
        return view

    def follow(self, namespaces: Collection[str]) -> None:
        """Look at these namespaces too: a changed catalogue may name a new one."""
        if new := self._namespaces.union(namespaces) - self._namespaces:
            self._namespaces |= new
            self._loaded = False
            self.cache.follow(new)

    async def ready(self, *, within: float = FIRST_LOOK) -> None:
        """Wait for the first look at the cluster, for a while; nothing is raised where there is none."""
        if not self._started:
            self._started = True
            await self.cache.start()
        if not self._loaded and await self.cache.wait_ready(within):
            self._loaded = True
            # What was just read lives as long as the hub; looking through it again and again would stop the loop.
            gc.freeze()
        await self.disks.ready(within=min(within, DISKS_WITHIN))

    def sees_pods(self, namespace: str) -> bool:
        """Whether a pod of this namespace that is not shown is not there."""
        health = self.cache.health_of(Source.PODS)
        everywhere = not health.partial or namespace in self._namespaces
        return health.loaded and health.healthy and everywhere

    def standing(self) -> Standing:
        """Return how old what is known is."""
        found = self.cache.health()
        kinds = [health for source, health in found.items() if source not in STORAGE]
        everywhere = not found[Source.PODS].partial
        known = everywhere and all(health.loaded and health.healthy for health in kinds)
        oldest = max(health.age for health in kinds)
        return Standing(known, int(oldest) if math.isfinite(oldest) else 0)

    async def close(self) -> None:
        """Stop looking; for tests, since a hub looks as long as it lives."""
        if self._sweep is not None:
            self._sweep.cancel()
        await self.disks.close()
        await self.cache.close()
        if self._end is not None:
            self._end.cancel()
            await asyncio.gather(self._end, return_exceptions=True)
        self._views.pop(asyncio.get_running_loop(), None)

    def _show_metrics(self) -> None:
        """Show the newest view in the metrics: a process is one hub, and one that was left behind shows nothing."""
        for metrics in HubView._metrics or ():
            metrics.close()
        HubView._metrics = ClusterMetrics(self.cache), DiskMetrics(self.disks)

    def _look_after(self, spawner: "ClusterSpawner") -> None:
        """Remove the pods of this hub that it has no record of, as long as it lives."""
        if spawner.hub_mark:
            sweep = OrphanSweep(self, mark=spawner.hub_mark, claims=claims_of(spawner.user.db))
            self._sweep = asyncio.create_task(sweep.run())

    def _pod_changed(self, change: ChangeType, pod: JsonObject) -> None:
        metadata = pod["metadata"]
        if change is ChangeType.DELETED:
            self.servers.drop(pod)
        elif (metadata.get("labels") or {}).get("component") == self._component:
            self.servers.show(pod)


async def _close_at_the_end(api: KubernetesApi) -> None:
    """Give connections back when JupyterHub, as it ends, cancels all that still runs."""
    try:
        await asyncio.Event().wait()
    finally:
        await api.close()
