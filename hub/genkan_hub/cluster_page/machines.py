"""Machines with GPUs, device by device, and who holds each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from genkan_profiles.hardware import NVIDIA_GPU, NVIDIA_PRODUCT
from genkan_spawner.cluster.records import THOUSANDTHS, NodeRecord
from genkan_spawner.cluster.snapshot import NodeView

from .grants import Grant, is_gpu
from .holders import Holder
from .measurements import Measurement, Measurements

_HOST_NAME = "kubernetes.io/hostname"
_DRIVERS = (
    "nvidia.com/cuda.driver-version.full",
    "nvidia.com/cuda.driver-version.major",
    "nvidia.com/cuda.driver.major",
)
_MOST_SLOTS = 4096


class MachineState(StrEnum):
    """Whether new servers can go to a machine."""

    READY = "ready"
    DRAINED = "drained"
    """Cordoned: what runs goes on, and nothing new is placed."""
    NOT_READY = "not ready"
    """It does not answer Kubernetes."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One device, slice of a device or share of one."""

    holder: Holder | None
    """None while it is free."""
    device: str = ""
    """Its name; empty where nobody tells."""
    measurement: Measurement | None = None
    idle_since: float | None = None
    """Since when it is held and computes nothing, in seconds since 1970."""

    @property
    def index(self) -> str:
        """The number of its card on the machine, as nvidia-smi counts; empty where it was not measured."""
        return self.measurement.index if self.measurement is not None else ""

    @property
    def utilisation(self) -> float | None:
        """Percent; None where it was not measured."""
        return self.measurement.utilisation if self.measurement is not None else None


@dataclass(frozen=True, slots=True)
class DeviceGroup:
    """All devices of one kind in a machine."""

    resource: str
    product: str
    """As GPU Feature Discovery names the card; empty where there is no such label."""
    slots: tuple[Slot, ...]

    @property
    def free(self) -> int:
        """How many nobody holds."""
        return sum(slot.holder is None for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Machine:
    """One node with GPUs."""

    name: str
    state: MachineState
    driver: str
    groups: tuple[DeviceGroup, ...]

    @property
    def slots(self) -> Iterator[Slot]:
        """All its devices."""
        return (slot for group in self.groups for slot in group.slots)


def machine_of(
    view: NodeView, holders: Iterable[Holder], measurements: Measurements, *, gpus: frozenset[str], least: float
) -> Machine | None:
    """Return a node as a machine; None for one without GPUs.

    `holders` are those on it, `gpus` the resources that the catalogue calls GPUs, and `least` the percent of
    utilisation up to which a GPU counts as idle.
    """
    held: dict[str, list[tuple[Holder, Grant]]] = defaultdict(list)
    for holder in holders:
        for grant in holder.grants:
            held[grant.resource].append((holder, grant))
    offered = {name for name, amount in view.node.allocatable.items() if amount and is_gpu(name, named=gpus)}
    resources = sorted({*offered, *held}, key=lambda name: (name != NVIDIA_GPU, name))
    if not resources:
        return None
    slots = _Slots(view.node, measurements, least=least)
    groups = [DeviceGroup(name, _product(view.node, name), slots.of(name, held[name])) for name in resources]
    return Machine(view.node.name, state_of(view.node), _driver(view.node), tuple(groups))


def state_of(node: NodeRecord) -> MachineState:
    """Return whether new servers can go to a node."""
    if not node.ready:
        return MachineState.NOT_READY
    return MachineState.DRAINED if node.unschedulable else MachineState.READY


class _Slots:
    """Fills one node's devices in with their holders and with what was measured."""

    def __init__(self, node: NodeRecord, measurements: Measurements, *, least: float) -> None:
        self._node = node
        self._measurements = measurements
        self._least = least
        names = dict.fromkeys((node.name, node.labels.get(_HOST_NAME, node.name)))
        found = next((rows for name in names if (rows := measurements.by_node.get(name))), ())
        self._cards = [row for row in found if not row.slice]

    def of(self, resource: str, held: Sequence[tuple[Holder, Grant]]) -> tuple[Slot, ...]:
        """Return the devices of a resource, of which these are held."""
        slots = [slot for holder, grant in held for slot in self._held(holder, grant)]
        free = self._node.allocatable.get(resource, 0) // THOUSANDTHS - len(slots)
        free = max(0, min(free, _MOST_SLOTS))
        taken = {slot.measurement.key for slot in slots if slot.measurement is not None}
        # Only whole cards are named the same by the kubelet and by the exporter, and only then are the rest free.
        told = resource == NVIDIA_GPU and all(slot.device for slot in slots)
        idle = [row for row in self._cards if row.key not in taken][:free] if told else []
        slots += [Slot(None, row.device, row) for row in idle]
        slots += [Slot(None)] * (free - len(idle))
        return tuple(sorted(slots, key=_place))

    def _held(self, holder: Holder, grant: Grant) -> Iterator[Slot]:
        own = self._measurements.by_pod.get((holder.namespace, holder.pod), ())
        slices = iter([row for row in own if row.slice])
        names = list(grant.devices[: grant.count])
        if grant.resource == NVIDIA_GPU:
            others = [row.device for row in own if not row.slice and row.device not in names]
            names += others[: grant.count - len(names)]
        names += [""] * (min(grant.count, _MOST_SLOTS) - len(names))
        held_since = grant.since.timestamp()
        for name in names:
            row = (self._measurements.card(name) if name else None) or next(slices, None)
            idle = None if row is None else self._measurements.idle_since(row, held_since=held_since, least=self._least)
            yield Slot(holder, name, row, idle)


def _place(slot: Slot) -> tuple[bool, int, bool, str]:
    """Return where a slot stands: by the card's number, and where there is none what is held before what is free."""
    number = int(slot.index) if slot.index.isascii() and slot.index.isdigit() else None
    return number is None, number or 0, slot.holder is None, slot.device


def _product(node: NodeRecord, resource: str) -> str:
    labels: Mapping[str, str] = node.labels
    own = labels.get(f"{resource}.product", "") or labels.get(f"{resource.removesuffix('.shared')}.product", "")
    return own or (labels.get(NVIDIA_PRODUCT, "") if resource.startswith("nvidia.com/") else "")


def _driver(node: NodeRecord) -> str:
    return next((found for label in _DRIVERS if (found := node.labels.get(label))), "")
