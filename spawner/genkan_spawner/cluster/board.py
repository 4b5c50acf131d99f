"""All records put together as checks want them: pods on their nodes, quotas in their namespaces.

What a change concerns is marked and put together anew when somebody next looks; all else stays the very same object.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from .namespaced import Namespaced
from .records import (
    THOUSANDTHS,
    Amounts,
    LimitRangeRecord,
    NodeRecord,
    PodRecord,
    PriorityClassRecord,
    QuotaRecord,
)
from .snapshot import NodeView, Source
from .table import Key, Table

T = TypeVar("T")

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BoardView:
    """What the board shows at one moment."""

    nodes: Mapping[str, NodeView]
    pending: tuple[PodRecord, ...]
    quotas: Mapping[str, tuple[QuotaRecord, ...]]
    limit_ranges: Mapping[str, tuple[LimitRangeRecord, ...]]
    priority_classes: Mapping[str, PriorityClassRecord]


class Board:
    """One table per kind, and the views that are made of them."""

    def __init__(self) -> None:
        self.nodes: Table[NodeRecord] = Table(changed=self._node_changed)
        self.pods: Table[PodRecord] = Table(changed=self._pod_changed)
        self._by_quota: Namespaced[QuotaRecord] = Namespaced()
        self._by_range: Namespaced[LimitRangeRecord] = Namespaced()
        self.quotas: Table[QuotaRecord] = Table(changed=self._by_quota.changed)
        self.limit_ranges: Table[LimitRangeRecord] = Table(changed=self._by_range.changed)
        self.priority_classes: Table[PriorityClassRecord] = Table(changed=self._class_changed)
        self._node_records: dict[str, NodeRecord] = {}
        self._bound: dict[str, dict[Key, PodRecord]] = {}
        self._waiting: dict[Key, PodRecord] = {}
        self._class_records: dict[str, PriorityClassRecord] = {}
        self._dirty_nodes: set[str] = set()
        self._dirty_waiting = self._dirty_classes = False
        self._view = BoardView(_NONE, (), _NONE, _NONE, _NONE)

    def counts(self) -> Mapping[Source, int]:
        """Return how many objects of each kind are kept."""
        return {
            Source.NODES: len(self.nodes),
            Source.PODS: len(self.pods),
            Source.QUOTAS: len(self.quotas),
            Source.PRIORITY_CLASSES: len(self.priority_classes),
            Source.LIMIT_RANGES: len(self.limit_ranges),
        }

    def view(self) -> BoardView:
        """Return the state of this moment; its cost is that of what changed since the last one."""
        if self._has_news():
            self._view = BoardView(
                nodes=self._node_views(),
                pending=_in_order(self._waiting.values()) if self._dirty_waiting else self._view.pending,
                quotas=self._by_quota.view(),
                limit_ranges=self._by_range.view(),
                priority_classes=self._class_view(),
            )
            self._dirty_waiting = self._dirty_classes = False
        return self._view

    def _has_news(self) -> bool:
        own = self._dirty_nodes or self._dirty_waiting or self._dirty_classes
        return bool(own) or self._by_quota.news or self._by_range.news

    def _node_views(self) -> Mapping[str, NodeView]:
        if not self._dirty_nodes:
            return self._view.nodes
        views = dict(self._view.nodes)
        for name in self._dirty_nodes:
            if (node := self._node_records.get(name)) is None:
                views.pop(name, None)
            else:
                pods = _in_order(self._bound.get(name, {}).values())
                views[name] = NodeView(node=node, pods=pods, used=_used(pods))
        self._dirty_nodes.clear()
        return _sorted(views, like=self._view.nodes)

    def _class_view(self) -> Mapping[str, PriorityClassRecord]:
        if not self._dirty_classes:
            return self._view.priority_classes
        return MappingProxyType(dict(sorted(self._class_records.items())))

    def _node_changed(self, before: NodeRecord | None, after: NodeRecord | None) -> None:
        if before is not None:
            self._dirty_nodes.add(before.name)
            del self._node_records[before.name]
        if after is not None:
            self._dirty_nodes.add(after.name)
            self._node_records[after.name] = after

    def _pod_changed(self, before: PodRecord | None, after: PodRecord | None) -> None:
        if before is not None:
            self._pods_at(before.node).pop((before.namespace, before.name), None)
        if after is not None:
            self._pods_at(after.node)[after.namespace, after.name] = after
        if before is not None and before.node is not None and not self._bound[before.node]:
            del self._bound[before.node]

    def _pods_at(self, node: str | None) -> dict[Key, PodRecord]:
        if node is None:
            self._dirty_waiting = True
            return self._waiting
        self._dirty_nodes.add(node)
        return self._bound.setdefault(node, {})

    def _class_changed(self, before: PriorityClassRecord | None, after: PriorityClassRecord | None) -> None:
        self._dirty_classes = True
        if before is not None:
            del self._class_records[before.name]
        if after is not None:
            self._class_records[after.name] = after


def _sorted(views: dict[str, T], *, like: Mapping[str, T]) -> Mapping[str, T]:
    """Put views in the order of their names, unless names and order are those of before."""
    return MappingProxyType(views if views.keys() == like.keys() else dict(sorted(views.items())))


def _in_order(pods: Iterable[PodRecord]) -> tuple[PodRecord, ...]:
    """Sort pods by age, so that a view does not depend on the order in which they became known."""
    return tuple(sorted(pods, key=lambda pod: (pod.created, pod.namespace, pod.name)))


def _used(pods: tuple[PodRecord, ...]) -> Amounts:
    total = {"pods": len(pods) * THOUSANDTHS}
    for pod in pods:
        for name, amount in pod.requests.items():
            total[name] = total.get(name, 0) + amount
    return MappingProxyType(total)
