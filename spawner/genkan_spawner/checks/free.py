"""How many devices of one kind are free, in all and on each machine, for people to see."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genkan_spawner.cluster.records import THOUSANDTHS

from .demand import Demand
from .wording import is_device

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .capacity import Spot


@dataclass(frozen=True, slots=True)
class Free:
    """Devices of one kind on the machines that a demand may use."""

    resource: str
    machines: tuple[tuple[int, int], ...]
    """Free devices and all devices of each machine that has any; what is free comes first."""
    free: int
    total: int
    largest: int
    """Most free devices on one machine."""


def device_of(demand: Demand) -> str | None:
    """Return the kind of device that a demand asks for; of several, the first by name."""
    return min((name for name, amount in demand.requests.items() if amount and is_device(name)), default=None)


def count_free(resource: str, spots: "Iterable[Spot]") -> Free:
    """Count on nodes that are in service."""
    rows = [
        (max(spot.free.get(resource, 0), 0) // THOUSANDTHS, size // THOUSANDTHS)
        for spot in spots
        if (size := spot.view.node.allocatable.get(resource, 0)) > 0
    ]
    machines = tuple(sorted(rows, key=lambda row: (-row[0], -row[1])))
    free = sum(row[0] for row in machines)
    total = sum(row[1] for row in machines)
    return Free(resource, machines, free, total, machines[0][0] if machines else 0)
