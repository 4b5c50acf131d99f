"""A frozen view of the cluster at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from genkan_spawner.storage.fill import Fills

from .records import Amounts, LimitRangeRecord, NodeRecord, PodRecord, PriorityClassRecord, QuotaRecord
from .storage_view import StorageView


class Source(StrEnum):
    """The kinds of objects that a snapshot is made of."""

    NODES = "nodes"
    PODS = "pods"
    QUOTAS = "resourcequotas"
    PRIORITY_CLASSES = "priorityclasses"
    LIMIT_RANGES = "limitranges"
    CLAIMS = "persistentvolumeclaims"
    STORAGE_CLASSES = "storageclasses"
    VOLUMES = "persistentvolumes"
    STORAGE_DRIVERS = "csidrivers"


STORAGE = frozenset({Source.CLAIMS, Source.STORAGE_CLASSES, Source.VOLUMES, Source.STORAGE_DRIVERS})
"""What only the check of storage looks at."""


@dataclass(frozen=True, slots=True)
class Health:
    """How far one kind can be trusted."""

    loaded: bool
    """Whether it was ever read; what was never read is unknown, not empty."""
    healthy: bool
    """Whether the watch is up: a sign of life came lately."""
    age: float
    """Seconds since the last sign of life, as of the snapshot; infinite if there was none."""
    problem: str = ""
    """Why it is not healthy, for administrators."""
    partial: bool = False
    """Whether only the namespaces of the teams could be read: what others have there is not seen."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node with the pods that are bound to it."""

    node: NodeRecord
    pods: tuple[PodRecord, ...]
    used: Amounts
    """Requests of all its pods together; `pods` counts them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that checks may look at; taking one costs no request and no copy of what has not changed."""

    nodes: Mapping[str, NodeView]
    """By name."""
    pending: tuple[PodRecord, ...] = ()
    """Pods without a node, those included that the hub has just created and no watch has shown yet (assumed)."""
    quotas: Mapping[str, tuple[QuotaRecord, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By namespace."""
    limit_ranges: Mapping[str, tuple[LimitRangeRecord, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By namespace."""
    priority_classes: Mapping[str, PriorityClassRecord] = field(default_factory=lambda: MappingProxyType({}))
    """By name."""
    storage: StorageView = field(default_factory=StorageView)
    fills: Fills = field(default_factory=lambda: MappingProxyType({}))
    """How full the disks are of which that is known."""
    health: Mapping[Source, Health] = field(default_factory=lambda: MappingProxyType({}))
    assumed: tuple[PodRecord, ...] = ()
    """Those of `pending` that only the hub knows of so far."""
    namespaces: frozenset[str] | None = None
    """Those that are read where not all may be; None where nobody asks about others."""
    uncounted: tuple[PodRecord, ...] = ()
    """Those of `assumed` that are still to be created, so that quotas' `used` does not count them yet."""

    def knows(self, *sources: Source, namespace: str | None = None) -> bool:
        """Return whether all of these kinds were read and are followed; in a namespace, if one is given."""
        seen = namespace is None or self.namespaces is None or namespace in self.namespaces
        return all(
            (found := self.health.get(source)) is not None and found.healthy and (seen or not found.partial)
            for source in sources
        )

    def sees_everywhere(self, source: Source) -> bool:
        """Return whether a kind is known in all namespaces, and not only in those of the teams."""
        return self.knows(source) and not self.health[source].partial
