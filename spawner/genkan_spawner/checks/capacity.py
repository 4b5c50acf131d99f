"""What is free on each node, computed once per snapshot and shared by all demands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from genkan_spawner.cluster.records import THOUSANDTHS, Amounts, PodRecord, Taint
from genkan_spawner.cluster.snapshot import NodeView, Snapshot

from .demand import PODS
from .placement import Placement
from .taints import CORDONED, NOT_READY, hard_taints, passing, untolerated


class Obstacle(StrEnum):
    """Why a pod may not go to a node, however empty it is; from what passes by itself to what stays."""

    DRAINED = "drained"
    """Taken out of use for new pods."""
    NOT_READY = "not ready"
    TROUBLED = "troubled"
    """The node says of itself that it is short of something, or not set up yet."""
    RESERVED = "reserved"
    """For pods with a toleration that this one lacks."""
    OTHER = "other"
    """Not among the nodes that the pod asks for."""


PASSING = frozenset({Obstacle.DRAINED, Obstacle.NOT_READY, Obstacle.TROUBLED})
"""Obstacles that may be gone at another time."""


@dataclass(slots=True)
class Spot:
    """One node and what is left of it."""

    view: NodeView
    taints: tuple[Taint, ...]
    free: Amounts
    """Allocatable less what all its pods ask for; negative where it is overcommitted."""
    _without: dict[int, Amounts] = field(default_factory=dict)
    _leaving: Amounts | None = None

    @classmethod
    def of(cls, view: NodeView) -> Self:
        """Count one node."""
        free, used = dict(view.node.allocatable), view.used
        for resource, amount in used.items():
            free[resource] = free.get(resource, 0) - amount
        if PODS not in used:
            free[PODS] = free.get(PODS, 0) - len(view.pods) * THOUSANDTHS
        return cls(view, hard_taints(view.node), free)

    @property
    def name(self) -> str:
        """The node's name."""
        return self.view.node.name

    def without_lower(self, priority: int) -> Amounts:
        """Return what is free when all pods of lower priority are gone."""
        found = self._without.get(priority)
        if found is None:
            found = self._without[priority] = self._freed_by(lambda pod: pod.priority < priority)
        return found

    def without_leaving(self) -> Amounts:
        """Return what is free when the pods that are ending are gone."""
        if self._leaving is None:
            self._leaving = self._freed_by(lambda pod: pod.terminating)
        return self._leaving

    def _freed_by(self, goes: Callable[[PodRecord], bool]) -> Amounts:
        going = [pod for pod in self.view.pods if goes(pod)]
        return more(self.free, going) if going else self.free


_newest: dict[str, Spot] = {}
"""The last spot of each node that was counted: from one snapshot to the next most views are the very same object."""


def _spot(view: NodeView) -> Spot:
    name = view.node.name
    known = _newest.get(name)
    if known is None or known.view is not view:
        known = _newest[name] = Spot.of(view)
    return known


@dataclass(slots=True)
class Capacity:
    """All nodes of a snapshot; what several demands have in common is worked out once."""

    snapshot: Snapshot
    spots: tuple[Spot, ...]
    _sorted: dict[Placement, "Sorted"] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Count all nodes."""
        return cls(snapshot, tuple(map(_spot, snapshot.nodes.values())))

    def sort(self, placement: Placement) -> "Sorted":
        """Part the nodes into those on which a pod may be and those on which it may not."""
        found = self._sorted.get(placement)
        if found is None:
            found = self._sorted[placement] = Sorted.of(self.spots, placement)
        return found


@dataclass(frozen=True, slots=True)
class Sorted:
    """The nodes as one placement sees them."""

    open: tuple[Spot, ...]
    closed: tuple[tuple[Spot, Obstacle], ...]

    @classmethod
    def of(cls, spots: Iterable[Spot], placement: Placement) -> Self:
        """Hold a placement against each node."""
        free, closed = [], []
        for spot in spots:
            obstacle = _obstacle(spot, placement)
            if obstacle is None:
                free.append(spot)
            else:
                closed.append((spot, obstacle))
        return cls(tuple(free), tuple(closed))


def admits(spot: Spot, placement: Placement) -> bool:
    """Return whether a pod may be on a node, however full it is."""
    return _obstacle(spot, placement) is None


def fits(requests: Amounts, free: Amounts, taken: Amounts | None = None) -> bool:
    """Return whether a pod's requests and its own place are there beside what is taken, as NodeResourcesFit does."""
    if taken:
        free = left(free, taken)
    if free.get(PODS, 0) < THOUSANDTHS:
        return False
    for resource, amount in requests.items():  # noqa: SIM110  # half the time of all(), thousands of times per form
        if amount > free.get(resource, 0) and amount > 0:
            return False
    return True


def left(free: Amounts, taken: Amounts | None) -> Amounts:
    """Return what is free beside what is taken."""
    if not taken:
        return free
    return {**free, **{resource: free.get(resource, 0) - amount for resource, amount in taken.items()}}


def more(free: Amounts, pods: Iterable[PodRecord]) -> dict[str, int]:
    """Return what is free when some pods are gone."""
    result = dict(free)
    for pod in pods:
        for resource, amount in pod.requests.items():
            if resource != PODS:
                result[resource] = result.get(resource, 0) + amount
        result[PODS] = result.get(PODS, 0) + THOUSANDTHS
    return result


def less(free: Amounts, requests: Amounts) -> dict[str, int]:
    """Return what is free when one pod more is there."""
    result = dict(free)
    for resource, amount in requests.items():
        if resource != PODS:
            result[resource] = result.get(resource, 0) - amount
    result[PODS] = result.get(PODS, 0) - THOUSANDTHS
    return result


def _obstacle(spot: Spot, placement: Placement) -> Obstacle | None:
    if not placement.chooses(spot.view.node):
        return Obstacle.OTHER
    taint = None if placement.node_name else untolerated(spot.taints, placement.tolerations)
    if taint is None:
        return None
    return _meaning(taint, [one for one in spot.taints if not passing(one)], placement)


def _meaning(taint: Taint, lasting: Iterable[Taint], placement: Placement) -> Obstacle:
    if untolerated(lasting, placement.tolerations) is not None:
        return Obstacle.RESERVED
    match taint.key:
        case CORDONED.key:
            return Obstacle.DRAINED
        case NOT_READY.key | "node.kubernetes.io/unreachable":
            return Obstacle.NOT_READY
        case _:
            return Obstacle.TROUBLED
