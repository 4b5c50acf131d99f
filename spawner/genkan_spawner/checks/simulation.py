"""Waiting pods put on nodes in thought, before a demand is looked at.

Where one of them could go to several nodes, it is put where it is in the demand's way: what the scheduler prefers is
the site's policy, and a promise that is broken is worse than one that is made a second later. Room only shrinks while
pods are put somewhere, so that what was found full for one pod is not looked at again for its like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from genkan_spawner.cluster.records import THOUSANDTHS, Amounts, PodRecord

from .capacity import Capacity, Spot, fits
from .demand import PODS, Demand

Taken: TypeAlias = Mapping[str, Amounts]
"""What pods that come first take away, by node; `pods` counts them."""


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """The nodes that have room for pods of one shape, will have it soon, or could make some."""

    spots: tuple[Spot, ...]
    names: frozenset[str]
    now: bool
    """Whether one of them has it now."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A waiting pod for which there is or will be room on at least one node."""

    pod: PodRecord
    room: Room


class _Counting(Enum):
    """What of a node is taken for free."""

    FREE = auto()
    LEAVING = auto()
    """What the pods that are ending hold, too."""
    LOWER = auto()
    """What the pods of lower priority hold, too."""


class Simulation:
    """Puts pods on nodes, one after the other."""

    def __init__(self, demand: Demand, capacity: Capacity) -> None:
        self._demand = demand
        spots = capacity.sort(demand.placement).open
        self._hopeful = {spot.name: spot for spot in spots if fits(demand.requests, spot.free)}
        self._harmless: set[Room] = set()
        self._first: dict[tuple[Room, _Counting], int] = {}
        self.taken: dict[str, dict[str, int]] = {}

    def put(self, pod: PodRecord, node: str) -> None:
        """Count a pod on a node."""
        taken = self.taken.setdefault(node, {})
        for resource, amount in pod.requests.items():
            if resource != PODS:
                taken[resource] = taken.get(resource, 0) + amount
        taken[PODS] = taken.get(PODS, 0) + THOUSANDTHS
        spot = self._hopeful.get(node)
        if spot is not None and not fits(self._demand.requests, spot.free, taken):
            del self._hopeful[node]

    def place(self, contender: Contender) -> None:
        """Put a pod in the demand's way, else where it fits, else where it will, else where it can make room."""
        pod, room = contender.pod, contender.room
        spot = self._in_the_way(pod, room) or self._next(pod, room, _Counting.FREE)
        spot = spot or self._next(pod, room, _Counting.LEAVING)
        if spot is None and not pod.never_preempts:
            spot = self._next(pod, room, _Counting.LOWER)
        if spot is not None:
            self.put(pod, spot.name)

    def _in_the_way(self, pod: PodRecord, room: Room) -> Spot | None:
        if room in self._harmless:
            return None
        for name, spot in self._hopeful.items():
            if name in room.names and fits(pod.requests, spot.free, self.taken.get(name)):
                return spot
        self._harmless.add(room)
        return None

    def _next(self, pod: PodRecord, room: Room, counting: _Counting) -> Spot | None:
        """Return the first node that is not full yet."""
        for index in range(self._first.get((room, counting), 0), len(room.spots)):
            spot = room.spots[index]
            if fits(pod.requests, _room_of(spot, pod, counting), self.taken.get(spot.name)):
                self._first[room, counting] = index
                return spot
        self._first[room, counting] = len(room.spots)
        return None


def _room_of(spot: Spot, pod: PodRecord, counting: _Counting) -> Amounts:
    match counting:
        case _Counting.FREE:
            return spot.free
        case _Counting.LEAVING:
            return spot.without_leaving()
        case _Counting.LOWER:
            return spot.without_lower(pod.priority)
