"""The cluster as the page shows it: everything that is known at one moment, put together."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from genkan_spawner.cluster.snapshot import Health, Snapshot, Source

from .holders import Holder, Kind, Ownership, State, holder_of, holder_without_pod
from .hub_report import HubReport
from .machines import Machine, MachineState, Slot, machine_of, state_of
from .measurements import Measurements
from .pod_facts import PodFactsBook


@dataclass(frozen=True, slots=True)
class Row:
    """A holder with what was measured of its GPUs."""

    holder: Holder
    slots: tuple[Slot, ...] = ()
    products: tuple[str, ...] = ()
    """Of these."""

    @property
    def utilisation(self) -> float | None:
        """Percent, the mean of its GPUs; None where none was measured."""
        found = [slot.utilisation for slot in self.slots if slot.utilisation is not None]
        return sum(found) / len(found) if found else None

    @property
    def memory(self) -> tuple[int, int] | None:
        """Bytes of its GPUs' memory in use and in all; None where one was not measured."""
        rows = [slot.measurement for slot in self.slots]
        found = [(row.memory_used, row.memory_size) for row in rows if row is not None]
        known = [(used, size) for used, size in found if used is not None and size is not None]
        if not known or len(known) < len(self.slots):
            return None
        return sum(used for used, _ in known), sum(size for _, size in known)

    @property
    def measured_at(self) -> float | None:
        """When the oldest of these was measured, in seconds since 1970."""
        moments = [row.at for slot in self.slots if (row := slot.measurement) is not None and row.at is not None]
        return min(moments, default=None)

    @property
    def idle_since(self) -> float | None:
        """Since when none of its GPUs computes, in seconds since 1970; None while one does or nobody knows."""
        moments = [slot.idle_since for slot in self.slots]
        if not moments or None in moments:
            return None
        return max(moment for moment in moments if moment is not None)


@dataclass(frozen=True, slots=True)
class KindTotal:
    """The GPUs of one kind in the whole cluster."""

    resource: str
    product: str
    total: int
    free: int
    """On machines that take new servers."""
    largest: int
    """The most that one machine has free."""
    idle: int
    """Held for longer than `idle_after` without computing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a picture can be trusted."""

    age: float
    """Seconds since the last sign of life of the watches of nodes and pods; infinite if there was none."""
    known: bool
    """Whether nodes and pods are both followed."""
    partial: bool = False
    """Whether only the pods of the hub's own namespaces are seen."""
    problems: tuple[str, ...] = ()
    """Sentences for administrators."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything at one moment."""

    at: datetime
    standing: Standing
    report: HubReport
    machines: tuple[Machine, ...]
    rows: tuple[Row, ...]
    kinds: tuple[KindTotal, ...]
    drained: int
    """Machines with GPUs that take nothing new on purpose."""
    not_ready: int
    """Machines with GPUs that do not answer."""
    snapshot: Snapshot = field(repr=False)
    """What it was made of."""

    @property
    def total(self) -> int:
        """All GPUs."""
        return sum(kind.total for kind in self.kinds)

    @property
    def free(self) -> int:
        """Those that a new server could get."""
        return sum(kind.free for kind in self.kinds)

    @property
    def idle(self) -> int:
        """Those that are held for long without computing."""
        return sum(kind.idle for kind in self.kinds)

    @property
    def waiting(self) -> int:
        """How many people wait for a machine."""
        return len({row.holder.user for row in self.rows if row.holder.state is State.WAITING})

    @property
    def mean_utilisation(self) -> float | None:
        """Percent, of the GPUs that somebody holds; None where none was measured."""
        cards = {
            row.key: row.utilisation
            for machine in self.machines
            for slot in machine.slots
            if slot.holder is not None and (row := slot.measurement) is not None and row.utilisation is not None
        }
        return sum(cards.values()) / len(cards) if cards else None


def picture_of(
    snapshot: Snapshot, book: PodFactsBook, report: HubReport, measurements: Measurements, *, now: datetime
) -> Picture:
    """Put together what the cluster, the hub and Prometheus say."""
    gpus = frozenset(report.catalogue.gpu_resources)
    holders = _holders(snapshot, book, report, gpus=gpus)
    by_node: dict[str | None, list[Holder]] = defaultdict(list)
    for holder in holders:
        by_node[holder.node].append(holder)
    least = report.settings.idle_utilisation
    found = {
        name: machine_of(view, by_node[name], measurements, gpus=gpus, least=least)
        for name, view in snapshot.nodes.items()
    }
    machines = tuple(machine for machine in found.values() if machine is not None)
    rows = _Rows(machines)
    idle_from = now.timestamp() - report.settings.idle_after
    states = [state_of(snapshot.nodes[machine.name].node) for machine in machines]
    return Picture(
        at=now,
        standing=standing_of(snapshot),
        report=report,
        machines=machines,
        rows=tuple(map(rows.of, holders)),
        kinds=_kinds(machines, idle_from=idle_from),
        drained=states.count(MachineState.DRAINED),
        not_ready=states.count(MachineState.NOT_READY),
        snapshot=snapshot,
    )


class _Rows:
    """The devices of each holder, gathered from all machines."""

    def __init__(self, machines: Iterable[Machine]) -> None:
        self._slots: dict[str, list[Slot]] = defaultdict(list)
        self._products: dict[str, dict[str, None]] = defaultdict(dict)
        for machine in machines:
            for group in machine.groups:
                for slot in group.slots:
                    if slot.holder is not None:
                        self._slots[slot.holder.key].append(slot)
                        self._products[slot.holder.key][group.product or group.resource] = None

    def of(self, holder: Holder) -> Row:
        return Row(holder, tuple(self._slots.get(holder.key, ())), tuple(self._products.get(holder.key, ())))


def standing_of(snapshot: Snapshot) -> Standing:
    """Return how far a snapshot can be trusted."""
    unknown = Health(loaded=False, healthy=False, age=math.inf)
    kinds = {source: snapshot.health.get(source, unknown) for source in (Source.NODES, Source.PODS)}
    return Standing(
        age=max(health.age for health in kinds.values()),
        known=all(health.loaded and health.healthy for health in kinds.values()),
        partial=kinds[Source.PODS].partial,
        problems=tuple(health.problem for health in snapshot.health.values() if health.problem),
    )


def _holders(snapshot: Snapshot, book: PodFactsBook, report: HubReport, *, gpus: frozenset[str]) -> list[Holder]:
    ownership = Ownership(report)
    bound = (pod for view in snapshot.nodes.values() for pod in view.pods)
    found = [
        holder
        for pod in (*bound, *snapshot.pending)
        if (holder := holder_of(pod, book, ownership, gpus=gpus)) is not None
    ]
    seen = {(holder.namespace, holder.pod) for holder in found if holder.kind is Kind.SERVER}
    found += map(holder_without_pod, ownership.without(seen))
    return sorted(found, key=_place)


def _place(holder: Holder) -> tuple[bool, str, str, str]:
    """Return where a holder stands: users' servers by their names, then what others have."""
    return holder.kind is Kind.OTHER, holder.user.casefold(), holder.namespace, holder.pod


def _kinds(machines: tuple[Machine, ...], *, idle_from: float) -> tuple[KindTotal, ...]:
    counts: Mapping[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
    for machine in machines:
        for group in machine.groups:
            free = group.free if machine.state is MachineState.READY else 0
            idle = sum(slot.idle_since is not None and slot.idle_since <= idle_from for slot in group.slots)
            counts[group.resource, group.product].append((len(group.slots), free, idle))
    return tuple(
        KindTotal(
            resource,
            product,
            total=sum(total for total, _, _ in rows),
            free=sum(free for _, free, _ in rows),
            largest=max(free for _, free, _ in rows),
            idle=sum(idle for _, _, idle in rows),
        )
        for (resource, product), rows in sorted(counts.items())
    )
