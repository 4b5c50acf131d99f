"""A snapshot of the cluster as it is now, by one list of each kind: for commands, which look once."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

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
from genkan_spawner.cluster.table import Table
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import LIMIT_RANGES, NODES, PODS, PRIORITY_CLASSES, QUOTAS, Kind

R = TypeVar("R")


async def read_snapshot(api: KubernetesApi) -> Snapshot:
    """List all kinds; one that cannot be read is unknown, and the others count all the same."""
    board, storage = Board(), StorageBoard()
    feeds = storage_feeds(storage)
    sources = (Source.NODES, Source.PODS, Source.QUOTAS, Source.PRIORITY_CLASSES, Source.LIMIT_RANGES)
    found = await asyncio.gather(
        _fill(api, NODES, board.nodes, node_record),
        _fill(api, PODS, board.pods, pod_record),
        _fill(api, QUOTAS, board.quotas, quota_record),
        _fill(api, PRIORITY_CLASSES, board.priority_classes, priority_class_record),
        _fill(api, LIMIT_RANGES, board.limit_ranges, limit_range_record),
        *(_fill(api, feed.kind, feed.table, feed.project) for feed in feeds.values()),
    )
    view = board.view()
    return Snapshot(
        nodes=view.nodes,
        pending=view.pending,
        quotas=view.quotas,
        limit_ranges=view.limit_ranges,
        priority_classes=view.priority_classes,
        storage=storage.view(),
        health=dict(zip((*sources, *feeds), found, strict=True)),
    )


async def _fill(api: KubernetesApi, kind: Kind, table: Table[R], project: Callable[[JsonObject], R | None]) -> Health:
    try:
        raw = await api.list(kind)
    except KubernetesError as error:
        sentence = f"The {kind.plural} cannot be read ({error.reason or 'no answer'})."
        return Health(loaded=False, healthy=False, age=float("inf"), problem=sentence)
    feed = Feed(kind, table, project)
    for one in raw:
        table.put(feed.item(one))
    return Health(loaded=True, healthy=True, age=0.0)
