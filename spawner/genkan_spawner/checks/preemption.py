"""Whether the scheduler can make room on a node by ending pods of lower priority, and whether the room stays.

Follows DefaultPreemption: all pods of strictly lower priority go in thought; if the pod fits then, those that need not
go are spared, the more important ones first. PodDisruptionBudgets only choose between nodes and are left out.
"""

from collections.abc import Iterable, Sequence
from enum import Enum, auto

from genkan_spawner.cluster.records import PodRecord

from .capacity import Spot, admits, fits, left, less, more
from .demand import Demand
from .outlook import Outlook, placement_of
from .priority import Standing
from .simulation import Taken


class Preemption(Enum):
    """What comes of making room."""

    USELESS = auto()
    """No room can be made, or this pod may not make any."""
    CONTESTED = auto()
    """Room can be made, but another pod may be quicker to take it."""
    SUCCEEDS = auto()


def foresee_preemption(
    demand: Demand, own: Standing, spots: Iterable[Spot], *, outlook: Outlook, taken: Taken
) -> Preemption:
    """Return what comes of making room on the best of the nodes."""
    found = Preemption.USELESS
    if own.never_preempts or demand.placement.node_name:
        return found
    rivals = outlook.rivals(own)
    for spot in spots:
        room = spot.without_lower(own.value)
        if room is spot.free or not fits(demand.requests, room, taken.get(spot.name)):
            continue
        if not rivals or _keeps_room(demand, own, spot, rivals=rivals, taken=taken):
            return Preemption.SUCCEEDS
        found = Preemption.CONTESTED
    return found


def _keeps_room(demand: Demand, own: Standing, spot: Spot, *, rivals: Sequence[PodRecord], taken: Taken) -> bool:
    """Return whether there is room for the pod even if all others that wait for it are quicker.

    A waiting pod of higher priority that may not preempt by itself takes what somebody else's preemption frees, if the
    scheduler hears of it before it comes back to the one that made room: a matter of milliseconds. Then the latter
    tries again with what is left.
    """
    free = dict(left(spot.free, taken.get(spot.name)))
    lower = [pod for pod in spot.view.pods if pod.priority < own.value]
    waiting = [pod for pod in rivals if admits(spot, placement_of(pod))]
    while not fits(demand.requests, free):
        lower, victims = _spare(demand, free, lower)
        if not victims:
            return False
        free = more(free, victims)
        for rival in list(waiting):
            if fits(rival.requests, free):
                free = less(free, rival.requests)
                waiting.remove(rival)
    return True


def _spare(demand: Demand, free: dict[str, int], lower: Sequence[PodRecord]) -> tuple[list[PodRecord], list[PodRecord]]:
    """Part pods of lower priority into those that stay and those that have to go; nobody goes if it does not help."""
    room = more(free, lower)
    if not fits(demand.requests, room):
        return list(lower), []
    spared, victims = [], []
    for pod in sorted(lower, key=lambda one: (-one.priority, one.created)):
        with_it = less(room, pod.requests)
        if fits(demand.requests, with_it):
            room = with_it
            spared.append(pod)
        else:
            victims.append(pod)
    return spared, victims
