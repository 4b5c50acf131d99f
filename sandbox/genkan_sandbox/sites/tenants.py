"""Pods of other people, which are there before the first user comes."""

from typing import Annotated

from pydantic import Field

from genkan_profiles.documents import Row
from genkan_profiles.names import ExtendedResource, LabelKey, LabelValue, Name
from genkan_profiles.quantities import PositiveQuantity, parse_quantity

from .hardware import Pool, Taint, TaintEffect
from .labels import node_labels


class Toleration(Row):
    """A taint that a tenant's pods put up with, whatever its value."""

    key: LabelKey
    effect: TaintEffect | None = None
    """Every effect if not given."""


class Tenant(Row):
    """Equal pods of somebody else that are there before the first user comes; they run without a process."""

    name: Name
    namespace: str
    replicas: int = Field(default=1, ge=0, le=10_000)
    cpu: PositiveQuantity
    memory: PositiveQuantity
    devices: dict[ExtendedResource, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    gpu_utilisation: float = Field(default=0, ge=0, le=100)
    """Percent of the time in which its GPUs compute, as the sandbox's exporter of measurements tells."""
    gpu_memory: PositiveQuantity | None = None
    """What a pod uses of the memory of each of its GPUs, as that exporter tells."""
    priority_class: str | None = None
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()

    def fits(self, pool: Pool) -> bool:
        """Return whether one of these pods is let on a node of a pool and has room there while it is empty."""
        return (
            _enough(pool.cpu, self.cpu)
            and _enough(pool.memory, self.memory)
            and all(count <= pool.offered.get(resource, 0) for resource, count in self.devices.items())
            and all(self._tolerates(taint) for taint in pool.taints)
            and any(self.node_selector.items() <= node_labels(pool, index).items() for index in range(pool.count))
        )

    def _tolerates(self, taint: Taint) -> bool:
        return taint.effect is TaintEffect.PREFER_NO_SCHEDULE or any(
            toleration.key == taint.key and toleration.effect in {None, taint.effect} for toleration in self.tolerations
        )


def _enough(offered: str, asked: str) -> bool:
    return parse_quantity(asked) <= parse_quantity(offered)
