"""The cluster as it is now, in memory: one watch per kind for the whole hub, however many ask."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import LIMIT_RANGES, NODES, PODS, PRIORITY_CLASSES, QUOTAS
from genkan_spawner.watching import SILENCE_SECONDS, ChangeType

from .assumed import AssumedPods
from .board import Board
from .liveness import CALM, Clock, elapsed
from .projection import limit_range_record, node_record, pod_record, priority_class_record, quota_record
from .records import PodRecord
from .snapshot import Health, Snapshot, Source
from .source import Feed, Followed
from .storage_board import StorageBoard
from .storage_feeds import storage_feeds
from .table import Item

if TYPE_CHECKING:
    from genkan_spawner.storage.fill import Fills

log = logging.getLogger(__name__)

PodListener: TypeAlias = Callable[[ChangeType, JsonObject], None]
"""Gets each pod as the API has it, finished ones too; of one that went unseen there is only the metadata."""


class ClusterCache:
    """Follows nodes, pods, quotas, limit ranges, priority classes and storage, and shows them as snapshots.

    It outlives every failure of the API server. A kind that cannot be read is unhealthy by itself, and one that was
    never read is unknown, not empty. Where what is in all namespaces may not be read, those of `namespaces`
    are. `silence` is the seconds without a sign of life after which a watch counts as broken. `only` names the kinds
    that are followed, for who needs no others and should have the rights for no others.
    """

    def __init__(
        self,
        api: KubernetesApi,
        *,
        namespaces: Collection[str] | None = None,
        clock: Clock = elapsed,
        silence: float = SILENCE_SECONDS,
        only: Collection[Source] = tuple(Source),
    ) -> None:
        self._board = Board()
        self._storage = StorageBoard()
        self.fills: Callable[[], Fills] = dict
        """Tells how full the disks are of which somebody knows that."""
        self._assumed = AssumedPods(clock=clock)
        self._namespaces = frozenset(namespaces or ())
        self._listeners: list[PodListener] = []
        board = self._board
        feeds: dict[Source, Feed[Any]] = {
            Source.NODES: Feed(NODES, board.nodes, node_record),
            Source.PODS: Feed(PODS, board.pods, pod_record, seen=self._pod_seen, shown=self._pod_shown),
            Source.QUOTAS: Feed(QUOTAS, board.quotas, quota_record),
            Source.PRIORITY_CLASSES: Feed(PRIORITY_CLASSES, board.priority_classes, priority_class_record),
            **storage_feeds(self._storage),
            Source.LIMIT_RANGES: Feed(LIMIT_RANGES, board.limit_ranges, limit_range_record),
        }
        self._sources: dict[Source, Followed[Any]] = {
            source: Followed(api, feed, namespaces=namespaces or (), clock=clock, silence=silence * CALM.get(source, 1))
            for source, feed in feeds.items()
            if source in only
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def follow(self, namespaces: Collection[str]) -> None:
        """Follow these namespaces too, where all may not be read; at once, if that is so already."""
        self._namespaces |= frozenset(namespaces)
        for source in self._sources.values():
            source.follow(namespaces)

    async def start(self) -> None:
        """Begin to read; nothing is known yet when this returns."""
        for source in self._sources.values():
            source.start()

    async def close(self) -> None:
        """Stop reading. The API stays open for others."""
        await asyncio.gather(*(source.close() for source in self._sources.values()))

    async def wait_ready(self, timeout: float) -> bool:  # noqa: ASYNC109  # a wait without an end is of no use here
        """Wait until each kind was read or could not be, for so many seconds; return whether all of them were read."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(source.settled() for source in self._sources.values()))
        except TimeoutError:
            return False
        return all(health.loaded for health in self.health().values())

    def snapshot(self) -> Snapshot:
        """Return what is known now: no request, and no work but for what has changed since the last one."""
        view, assumed = self._board.view(), self._assumed.pods()
        return Snapshot(
            nodes=view.nodes,
            pending=view.pending + assumed if assumed else view.pending,
            quotas=view.quotas,
            limit_ranges=view.limit_ranges,
            priority_classes=view.priority_classes,
            storage=self._storage.view(),
            fills=self.fills(),
            health=self.health(),
            assumed=assumed,
            namespaces=self._namespaces,
            uncounted=self._assumed.uncounted(),
        )

    def health(self) -> Mapping[Source, Health]:
        """Return how far each kind can be trusted."""
        return MappingProxyType({source: followed.health() for source, followed in self._sources.items()})

    def health_of(self, source: Source) -> Health:
        """Return how far one kind can be trusted."""
        return self._sources[source].health()

    def counts(self) -> Mapping[Source, int]:
        """Return how many objects of each kind are kept."""
        return MappingProxyType({**self._board.counts(), **self._storage.counts()})

    def assume(self, pod: PodRecord) -> None:
        """Count a pod as pending that is being created, until the watch shows it, `forget`, or a minute has passed."""
        namesake = self._board.pods.get((pod.namespace, pod.name))
        self._assumed.assume(pod, namesake=namesake.uid if namesake is not None else None)

    def confirm(self, uid: str) -> None:
        """Note that an assumed pod was created: quotas count it by themselves from now on."""
        self._assumed.confirm(uid)

    def forget(self, uid: str) -> None:
        """Stop assuming a pod that did not come to be."""
        self._assumed.forget(uid)

    def subscribe(self, listener: PodListener) -> Callable[[], None]:
        """Tell a listener of each pod from now on, at once; call what is returned to end that.

        A listener from before `start` gets every pod; those of a list come as added. It must not wait.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _pod_seen(self, change: ChangeType, raw: JsonObject) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(change, raw)
            except Exception:
                log.exception("A listener failed at a change of a pod.")

    def _pod_shown(self, item: Item[PodRecord]) -> None:
        self._assumed.seen(item.key, uid=item.uid)
