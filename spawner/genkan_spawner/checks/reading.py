"""A snapshot of the cluster as it is now, by one list of each kind: for commands, which look once."""

import asyncio
from collections.abc import Collection
from typing import Any

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.cluster.board import Board
from genkan_spawner.cluster.projection import (
    limit_range_record,
    node_record,
    pod_record,
    priority_class_record,
    quota_record,
)
from genkan_spawner.cluster.snapshot import Health, Snapshot, Source
from genkan_spawner.cluster.source import Feed
from genkan_spawner.cluster.storage_board import StorageBoard
from genkan_spawner.cluster.storage_feeds import storage_feeds
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.kinds import LIMIT_RANGES, NODES, PODS, PRIORITY_CLASSES, QUOTAS, Kind


async def read_snapshot(api: KubernetesApi, *, namespaces: Collection[str] = ()) -> Snapshot:
    """List all kinds; one that cannot be read is unknown, and the others count all the same.

    Where what is in all namespaces may not be read, that of `namespaces` is, as a hub does.
    """
    board, storage = Board(), StorageBoard()
    feeds: dict[Source, Feed[Any]] = {
        Source.NODES: Feed(NODES, board.nodes, node_record),
        Source.PODS: Feed(PODS, board.pods, pod_record),
        Source.QUOTAS: Feed(QUOTAS, board.quotas, quota_record),
        Source.PRIORITY_CLASSES: Feed(PRIORITY_CLASSES, board.priority_classes, priority_class_record),
        Source.LIMIT_RANGES: Feed(LIMIT_RANGES, board.limit_ranges, limit_range_record),
        **storage_feeds(storage),
    }
    found = await asyncio.gather(*(_fill(api, feed, namespaces=namespaces) for feed in feeds.values()))
    view = board.view()
    return Snapshot(
        nodes=view.nodes,
        pending=view.pending,
        quotas=view.quotas,
        limit_ranges=view.limit_ranges,
        priority_classes=view.priority_classes,
        storage=storage.view(),
        health=dict(zip(feeds, found, strict=True)),
        namespaces=frozenset(namespaces),
    )


async def _fill(api: KubernetesApi, feed: Feed[Any], *, namespaces: Collection[str]) -> Health:
    kind = feed.kind
    try:
        raw, partial = await _listed(api, kind, namespaces=namespaces)
    except KubernetesError as error:
        sentence = f"The {kind.plural} cannot be read ({error.reason or 'no answer'})."
        return Health(loaded=False, healthy=False, age=float("inf"), problem=sentence)
    for one in raw:
        feed.table.put(feed.item(one))
    return Health(loaded=True, healthy=True, age=0.0, partial=partial)


async def _listed(api: KubernetesApi, kind: Kind, *, namespaces: Collection[str]) -> tuple[list[JsonObject], bool]:
    """Return the objects that may be read, and whether those are of the given namespaces alone."""
    try:
        return await api.list(kind), False
    except ForbiddenError:
        if not namespaces or not kind.namespaced:
            raise
    return [one for namespace in sorted(namespaces) for one in await api.list(kind, namespace=namespace)], True
