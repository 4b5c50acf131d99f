"""Named devices: which unit of a node's extended resources is held by which pod."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import NAMESPACE_DNS, uuid5

from genkan_sandbox.agent.records import ContainerRecord, DeviceOffer, Devices

_NAMES = uuid5(NAMESPACE_DNS, "devices.sandbox.genkan.dev")

VISIBLE = "NVIDIA_VISIBLE_DEVICES"
"""The variable by which NVIDIA's device plug-in tells a container its devices."""


class InsufficientDevicesError(Exception):
    """A node has fewer free devices than a pod asks for; the text is the kubelet's.

    kubernetes pkg/kubelet/lifecycle/predicate.go, InsufficientResourceError
    """

    def __init__(self, resource: str, *, requested: int, used: int, capacity: int) -> None:
        super().__init__(
            f"Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: {capacity}"
        )
        self.resource = resource
        self.impossible = requested > capacity
        """Whether the node could not give so many even if all were free."""

    @property
    def reason(self) -> str:
        """The reason that the kubelet puts into the pod's status."""
        return f"OutOf{self.resource}"


def device_name(node: str, offer: DeviceOffer, index: int) -> str:
    """Name one unit of a resource, the same at every start.

    `GPU-<uuid>` and `MIG-<uuid>` as nvidia-smi prints them, `GPU-<uuid>::<n>` for the units of a shared device as
    NVIDIA's device plug-in names them. Consecutive units of a shared resource are on different devices, so that
    sharing starts only when every device has a user.
    """
    base = offer.resource.removesuffix(".shared")
    kind = base.rpartition("/")[2].partition("-")[0].partition(".")[0].upper()
    if base == offer.resource and offer.replicas == 1:
        return f"{kind}-{uuid5(_NAMES, f'{node}/{base}/{index}')}"
    physical = max(offer.count // offer.replicas, 1)
    return f"{kind}-{uuid5(_NAMES, f'{node}/{base}/{index % physical}')}::{index // physical}"


def visible_devices(devices: Devices) -> str | None:
    """List NVIDIA's devices as a container's runtime expects them; None where there are none."""
    names = (
        name.partition("::")[0] for resource, held in devices if resource.startswith("nvidia.com/") for name in held
    )
    return ",".join(dict.fromkeys(names)) or None


@dataclass(slots=True)
class _Stock:
    """All devices of one resource, by name in the order in which they are given out."""

    holders: dict[str, str | None]

    def free(self) -> list[str]:
        return [name for name, holder in self.holders.items() if holder is None]


class DeviceLedger:
    """Who holds which device of one node."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._stocks: dict[str, _Stock] = {}

    def offer(self, offers: Iterable[DeviceOffer]) -> None:
        """Take on what the node has now; devices that went keep their holders until these end."""
        now = {offer.resource: offer for offer in offers}
        for resource in {*now, *self._stocks}:
            before = self._stocks.get(resource, _Stock({})).holders
            offer = now.get(resource)
            names = [device_name(self._node, offer, index) for index in range(offer.count)] if offer else []
            holders = {name: before.get(name) for name in names}
            holders.update({name: uid for name, uid in before.items() if uid is not None})
            self._stocks[resource] = _Stock(holders)

    def allocate(self, uid: str, containers: Iterable[ContainerRecord]) -> dict[str, Devices]:
        """Give each container of a pod its devices, or none to any of them.

        Init containers run before the others and use devices out of the same set, as with the kubelet.

        Raises
        ------
        InsufficientDevicesError
            if the node has not enough free devices of a resource.
        """
        containers = tuple(containers)
        totals = _totals(containers)
        pools: dict[str, list[str]] = {}
        for resource, requested in sorted(totals.items()):
            stock = self._stocks.get(resource, _Stock({}))
            mine = [name for name, holder in stock.holders.items() if holder == uid]
            free = [*mine, *stock.free()]
            if len(free) < requested:
                used = len(stock.holders) - len(free)
                raise InsufficientDevicesError(resource, requested=requested, used=used, capacity=len(stock.holders))
            pools[resource] = free[:requested]
        for resource, names in pools.items():
            self._stocks[resource].holders.update(dict.fromkeys(names, uid))
        return _dealt(containers, pools)

    def restore(self, uid: str, containers: Iterable[ContainerRecord]) -> dict[str, Devices]:
        """Note what a pod holds by its status, after the agent or the sandbox was started again."""
        held = {container.name: container.held for container in containers if container.held}
        for devices in held.values():
            for resource, names in devices:
                self._stocks.setdefault(resource, _Stock({})).holders.update(dict.fromkeys(names, uid))
        return held

    def release(self, uid: str) -> None:
        """Take back all that a pod holds."""
        for stock in self._stocks.values():
            stock.holders.update({name: None for name, holder in stock.holders.items() if holder == uid})

    def holder(self, name: str) -> str | None:
        """Return the uid of the pod that holds a device."""
        found = (stock.holders[name] for stock in self._stocks.values() if name in stock.holders)
        return next(found, None)

    def held(self, uid: str) -> dict[str, tuple[str, ...]]:
        """Return a pod's devices by resource."""
        found = {
            resource: tuple(name for name, holder in stock.holders.items() if holder == uid)
            for resource, stock in self._stocks.items()
        }
        return {resource: names for resource, names in found.items() if names}


def _totals(containers: Iterable[ContainerRecord]) -> dict[str, int]:
    """Add up a pod's containers; an init container counts only where it asks for more than all of them."""
    running: dict[str, int] = {}
    first: dict[str, int] = {}
    for container in containers:
        for resource, count in container.demands:
            if container.init:
                first[resource] = max(first.get(resource, 0), count)
            else:
                running[resource] = running.get(resource, 0) + count
    return {resource: max(first.get(resource, 0), running.get(resource, 0)) for resource in {*first, *running}}


def _dealt(containers: Iterable[ContainerRecord], pools: Mapping[str, list[str]]) -> dict[str, Devices]:
    given = dict.fromkeys(pools, 0)
    dealt: dict[str, Devices] = {}
    for container in containers:
        devices: list[tuple[str, tuple[str, ...]]] = []
        for resource, count in container.demands:
            start = 0 if container.init else given[resource]
            devices.append((resource, tuple(pools[resource][start : start + count])))
            if not container.init:
                given[resource] += count
        if devices:
            dealt[container.name] = tuple(devices)
    return dealt
