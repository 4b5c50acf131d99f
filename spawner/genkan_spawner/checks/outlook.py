"""The cluster as the checks look at it: what is free, and which waiting pods will take some of it first.

Other pods that fit are placed in a simulation before the demand is looked at, in the order of the scheduler's queue.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self, TypeAlias

from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.cluster.snapshot import Snapshot, Source
from genkan_spawner.cluster.storage_records import ClaimRecord

from .capacity import Capacity, Spot, fits
from .demand import DEFAULT_SCHEDULER, Demand
from .free import Free, count_free, device_of
from .placement import Placement
from .priority import Standing, standing
from .simulation import Contender, Room, Simulation, Taken
from .wording import is_whole_gpu

UNHEARD = timedelta(minutes=1)
"""How long a pod that names a scheduler of its own is taken to wait for it without a word: there may be no such one."""

_Shape: TypeAlias = tuple[Placement, tuple[tuple[str, int], ...], int, bool]


@dataclass(slots=True)
class Outlook:
    """One snapshot, prepared for any number of demands."""

    capacity: Capacity
    nominated: tuple[PodRecord, ...]
    """Waiting pods for which room is being made on a node."""
    contenders: tuple[Contender, ...]
    """In the order of the scheduler's queue."""
    blocked: tuple[PodRecord, ...] = ()
    """Waiting pods without room that may not make any; in the order of the queue."""
    _empty: Taken = field(default_factory=dict)
    _holders: dict[tuple[str, str], list[PodRecord]] | None = None
    _marked: dict[tuple[str, str], list[ClaimRecord]] | None = None
    _free: dict[tuple[Placement, str], Free] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot, *, now: datetime | None = None) -> Self:
        """Prepare a snapshot."""
        capacity = Capacity.of(snapshot)
        waiting = sorted(
            (pod for pod in snapshot.pending if _is_waiting(pod, now or datetime.now(tz=UTC))), key=_queue_place
        )
        nominated = tuple(pod for pod in waiting if pod.nominated_node in snapshot.nodes)
        others = [pod for pod in waiting if pod.nominated_node not in snapshot.nodes]
        contenders = tuple(_contenders(capacity, (pod for pod in others if not _is_held(pod))))
        placed = {contender.pod.uid for contender in contenders if contender.room.now}
        blocked = tuple(pod for pod in others if pod.never_preempts and pod.uid not in placed and not _is_helpless(pod))
        return cls(capacity, nominated, contenders, blocked)

    @property
    def snapshot(self) -> Snapshot:
        """What all of this is about."""
        return self.capacity.snapshot

    def holders(self, namespace: str, claim: str) -> Sequence[PodRecord]:
        """Return the pods on nodes that mount a claim."""
        if self._holders is None:
            self._holders = {}
            for pod in (pod for view in self.snapshot.nodes.values() for pod in view.pods if pod.claims):
                for name in pod.claims:
                    self._holders.setdefault((pod.namespace, name), []).append(pod)
        return self._holders.get((namespace, claim), ())

    def marked(self, namespace: str, user: str) -> Sequence[ClaimRecord]:
        """Return the claims that are marked as a user's home."""
        if self._marked is None:
            self._marked = {}
            for claim in self.snapshot.storage.claims.values():
                if claim.user is not None:
                    self._marked.setdefault((claim.namespace, claim.user), []).append(claim)
        return self._marked.get((namespace, user), ())

    def free(self, demand: Demand) -> Free | None:
        """Return how many devices are free of the kind that a demand asks for, if it does and that is known."""
        resource = device_of(demand)
        if resource is None or not self.snapshot.knows(Source.NODES) or not self.snapshot.sees_everywhere(Source.PODS):
            return None
        key = demand.placement, resource
        if key not in self._free:
            self._free[key] = count_free(resource, self.capacity.sort(demand.placement).open)
        return self._free[key]

    def gpus(self, demands: Iterable[Demand]) -> tuple[int, int, int] | None:
        """Return how many whole GPUs are free, how many there are and on how many machines, for any of the demands."""
        spots: dict[tuple[str, str], Spot] = {}
        for demand in demands:
            resource = device_of(demand)
            if resource is None or not is_whole_gpu(resource) or self.free(demand) is None:
                continue
            spots |= {(resource, spot.name): spot for spot in self.capacity.sort(demand.placement).open}
        counts = [
            count_free(resource, [spot for (its, _), spot in spots.items() if its == resource])
            for resource in {resource for resource, _ in spots}
        ]
        if not counts:
            return None
        machines = sum(len(count.machines) for count in counts)
        return sum(count.free for count in counts), sum(count.total for count in counts), machines

    def standing(self, demand: Demand) -> Standing:
        """Return the priority that the demand would have."""
        return standing(demand, self.snapshot)

    def rivals(self, own: Standing) -> tuple[PodRecord, ...]:
        """Return the waiting pods that would be served before a demand if it made room by preemption.

        Those of its own priority respect the room that is made for it.
        """
        return tuple(pod for pod in self.blocked if pod.priority > own.value)

    def taken_before(self, demand: Demand, own: Standing) -> Taken:
        """Return what is taken by the waiting pods that the scheduler serves before the demand."""
        if not self.nominated and not self.contenders:
            return self._empty
        queue = Simulation(demand, self.capacity)
        for pod in self.nominated:
            if pod.priority >= own.value and not _same(pod, demand):
                queue.put(pod, pod.nominated_node or "")
        created = next((pod.created for pod in self.snapshot.pending if _same(pod, demand)), None)
        for contender in self.contenders:
            pod = contender.pod
            if pod.priority < own.value or _same(pod, demand):
                continue
            if pod.priority == own.value and created is not None and pod.created >= created:
                continue
            queue.place(contender)
        return queue.taken


def placement_of(pod: PodRecord) -> Placement:
    """Return where a waiting pod may go; anywhere, if that is not known."""
    return pod.demand.placement if isinstance(pod.demand, Demand) else Placement()


def _is_waiting(pod: PodRecord, now: datetime) -> bool:
    """Return whether a scheduler may place a pod."""
    if pod.gated or pod.terminating:
        return False
    named = isinstance(pod.demand, Demand) and pod.demand.scheduler != DEFAULT_SCHEDULER
    return pod.looked_at or not named or now - pod.created < UNHEARD


def _is_held(pod: PodRecord) -> bool:
    """Return whether something that no check foresees keeps a pod from nodes on which the scheduler found room.

    When that is gone the scheduler looks again, and its next word tells.
    """
    return pod.last_word is not None and pod.last_word.held


def _is_helpless(pod: PodRecord) -> bool:
    return pod.last_word is not None and pod.last_word.helpless


def _queue_place(pod: PodRecord) -> tuple[int, float, str]:
    return (-pod.priority, pod.created.timestamp(), pod.uid)


def _same(pod: PodRecord, demand: Demand) -> bool:
    return pod.name == demand.name and pod.namespace == demand.namespace


def _contenders(capacity: Capacity, pods: Iterable[PodRecord]) -> Iterator[Contender]:
    """Find those that fit somewhere; pods of the same shape fit on the same nodes."""
    rooms: dict[_Shape, Room] = {}
    for pod in pods:
        placement = placement_of(pod)
        shape = (placement, tuple(sorted(pod.requests.items())), pod.priority, pod.never_preempts)
        found = rooms.get(shape)
        if found is None:
            found = rooms[shape] = _room(capacity, pod, placement)
        if found.spots:
            yield Contender(pod, found)


def _room(capacity: Capacity, pod: PodRecord, placement: Placement) -> Room:
    """Find the nodes with room now or as soon as who is ending is gone; without any, those where room can be made."""
    spots = capacity.sort(placement).open
    found = tuple(spot for spot in spots if fits(pod.requests, spot.without_leaving()))
    now = any(fits(pod.requests, spot.free) for spot in found)
    if not found and not pod.never_preempts:
        found = tuple(spot for spot in spots if fits(pod.requests, spot.without_lower(pod.priority)))
    return Room(found, frozenset(spot.name for spot in found), now=now)
