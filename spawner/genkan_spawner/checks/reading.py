"""A snapshot of the cluster as it is now, by one list of each kind: for commands, which look once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.cluster.board import Board
from genkan_spawner.cluster.projection import node_record, pod_record, priority_class_record, quota_record
from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.cluster.snapshot import Health, Snapshot, Source
from genkan_spawner.cluster.table import Item, Table, key_of
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import NODES, PODS, PRIORITY_CLASSES, QUOTAS, Kind

from .demand import demand_of

R = TypeVar("R")


async def read_snapshot(api: KubernetesApi) -> Snapshot:
    """List all kinds; one that cannot be read is unknown, and the others count all the same."""
    board = Board()
    found = await asyncio.gather(
        _fill(api, NODES, board.nodes, node_record),
        _fill(api, PODS, board.pods, _pod),
        _fill(api, QUOTAS, board.quotas, quota_record),
        _fill(api, PRIORITY_CLASSES, board.priority_classes, priority_class_record),
    )
    view = board.view()
    return Snapshot(
        nodes=view.nodes,
        pending=view.pending,
        quotas=view.quotas,
        priority_classes=view.priority_classes,
        health=dict(zip((Source.NODES, Source.PODS, Source.QUOTAS, Source.PRIORITY_CLASSES), found, strict=True)),
    )


async def _fill(api: KubernetesApi, kind: Kind, table: Table[R], project: Callable[[JsonObject], R | None]) -> Health:
    try:
        raw = await api.list(kind)
    except KubernetesError as error:
        sentence = f"The {kind.plural} cannot be read ({error.reason or 'no answer'})."
        return Health(loaded=False, healthy=False, age=float("inf"), problem=sentence)
    for one in raw:
        table.put(Item(key_of(one), one["metadata"].get("uid", ""), "", project(one)))
    return Health(loaded=True, healthy=True, age=0.0)


def _pod(raw: JsonObject) -> PodRecord | None:
    """Keep what a pod that waits asks for, too."""
    record = pod_record(raw)
    if record is None or record.node is not None or record.demand is not None:
        return record
    return replace(record, demand=demand_of(raw))
