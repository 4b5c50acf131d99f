"""Small clusters for the checks, written as a test wants to read them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand, demand_of
from genkan_spawner.cluster.records import (
    LimitRangeRecord,
    NodeRecord,
    PodRecord,
    PriorityClassRecord,
    QuotaRecord,
    ScopeRule,
    Taint,
    TaintEffect,
)
from genkan_spawner.cluster.requests import parse_amounts
from genkan_spawner.cluster.snapshot import Health, NodeView, Snapshot, Source

GPU = "nvidia.com/gpu"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CLASSES = (
    PriorityClassRecord("low", 10),
    PriorityClassRecord("high", 1000),
    PriorityClassRecord("polite", 1000, never_preempts=True),
)


def amounts(text: str, **more: str) -> dict[str, int]:
    """Read `cpu=4 memory=16Gi gpu=2`."""
    rows = dict(row.split("=") for row in text.split())
    named = {GPU if name == "gpu" else name: value for name, value in (rows | more).items()}
    return parse_amounts(named, up=True)


def node(
    name: str = "a",
    size: str = "cpu=8 memory=32Gi gpu=2",
    *,
    labels: Mapping[str, str] | None = None,
    taints: Iterable[str] = (),
    cordoned: bool = False,
    ready: bool = True,
    slots: int = 110,
) -> NodeRecord:
    """Return a node; a taint is `key=value:effect`."""
    return NodeRecord(
        name=name,
        labels=labels or {},
        taints=tuple(map(_taint, taints)),
        unschedulable=cordoned,
        ready=ready,
        allocatable={**amounts(size), "pods": slots * 1000},
    )


def _taint(text: str) -> Taint:
    rest, _, effect = text.rpartition(":")
    key, _, value = rest.partition("=")
    return Taint(key, value, TaintEffect(effect))


def manifest(size: str = "cpu=1", name: str = "mine", **spec: Any) -> JsonObject:
    """Return a pod whose limits are its requests."""
    wanted = dict(row.split("=") for row in size.split())
    resources = {GPU if key == "gpu" else key: value for key, value in wanted.items()}
    return {
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"containers": [{"name": "notebook", "resources": {"limits": resources}}], **spec},
    }


def demand(size: str = "cpu=1", name: str = "mine", **spec: Any) -> Demand:
    return demand_of(manifest(size, name, **spec))


def pod(
    name: str,
    size: str = "cpu=1",
    *,
    on: str | None = None,
    priority: int = 0,
    age: float = 0,
    **fields: Any,
) -> PodRecord:
    """Return a pod on a node, or one that waits; `age` in seconds."""
    return PodRecord(
        uid=f"uid-{name}",
        namespace=fields.pop("namespace", "other"),
        name=name,
        node=on,
        requests=amounts(size),
        priority=priority,
        priority_class="",
        created=EPOCH - timedelta(seconds=age),
        demand=fields.pop("demand", demand(size, name) if on is None else None),
        **fields,
    )


def quota(hard: str, used: str = "", *, name: str = "share", scopes: Iterable[ScopeRule] = ()) -> QuotaRecord:
    return QuotaRecord("team", name, amounts(hard), amounts(used), tuple(scopes))


def snapshot(
    nodes: Iterable[NodeRecord] = (),
    pods: Iterable[PodRecord] = (),
    *,
    quotas: Iterable[QuotaRecord] = (),
    limit_ranges: Iterable[LimitRangeRecord] = (),
    classes: Iterable[PriorityClassRecord] = CLASSES,
    assumed: Iterable[PodRecord] = (),
    unknown: Iterable[Source] = (),
    partial: Iterable[Source] = (),
) -> Snapshot:
    """Put a cluster together; pods without a node wait. What is `partial` is seen in the namespace `team` alone."""
    every, guessed, blind, parts = [*pods, *assumed], tuple(assumed), set(unknown), set(partial)
    views = {one.name: _view(one, [pod for pod in every if pod.node == one.name]) for one in nodes}
    return Snapshot(
        nodes=views,
        pending=tuple(pod for pod in every if pod.node is None),
        quotas={"team": tuple(quotas)},
        limit_ranges={"team": tuple(limit_ranges)},
        priority_classes={row.name: row for row in classes},
        health={
            source: Health(source not in blind, source not in blind, age=0.0, partial=source in parts)
            for source in Source
        },
        namespaces=frozenset({"team"}),
        assumed=guessed,
        uncounted=guessed,
    )


def _view(one: NodeRecord, pods: list[PodRecord]) -> NodeView:
    used: dict[str, int] = {"pods": len(pods) * 1000}
    for held in pods:
        for name, amount in held.requests.items():
            used[name] = used.get(name, 0) + amount
    return NodeView(one, tuple(pods), used)
