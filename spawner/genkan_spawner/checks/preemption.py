"""Whether the scheduler can make room on a node by ending pods of lower priority, and whether the room stays.

Follows DefaultPreemption: all pods of strictly lower priority go in thought; if the pod fits then, those that need not
go are spared, the more important ones first. PodDisruptionBudgets only choose between nodes and are left out.
"""

from collections.abc import Iterable, Sequence

from genkan_spawner.cluster.records import PodRecord

from .capacity import Spot, admits, fits, less, more
from .demand import Demand
from .outlook import Outlook, Taken, left, placement_of
from .priority import Standing


def can_preempt(demand: Demand, own: Standing, spots: Iterable[Spot], *, outlook: Outlook, taken: Taken) -> bool:
    """Return whether room can be made on one of the nodes."""
    if own.never_preempts or demand.placement.node_name:
        return False
    rivals = outlook.rivals(own)
    for spot in spots:
        room = spot.without_lower(own.value)
        if room is spot.free or not fits(demand.requests, left(room, taken.get(spot.name))):
            continue
        if not rivals or _keeps_room(demand, own, spot, rivals=rivals, taken=taken):
            return True
    return False


def _keeps_room(demand: Demand, own: Standing, spot: Spot, *, rivals: Sequence[PodRecord], taken: Taken) -> bool:
    """Return whether the pod gets the room that is made for it.

    A waiting pod of higher priority that may not preempt by itself is served first as soon as somebody else's
    preemption frees enough for it; then the scheduler tries again with what is left.
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
