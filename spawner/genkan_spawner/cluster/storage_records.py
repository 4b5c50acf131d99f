"""What is kept of claims, their volumes and the classes that make volumes.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genkan_spawner.checks.placement import Term

WRITE_ONCE = "ReadWriteOnce"
"""Mounted by one node at a time, where the kind of storage enforces it."""

WRITE_ONCE_POD = "ReadWriteOncePod"
"""Mounted by one pod at a time; the scheduler enforces it."""


class Phase(StrEnum):
    """How far a claim has come."""

    PENDING = "Pending"
    BOUND = "Bound"
    LOST = "Lost"


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """One PersistentVolumeClaim."""

    namespace: str
    name: str
    uid: str
    phase: Phase
    size: int
    """What it asks for, in thousandths of a byte."""
    access_modes: tuple[str, ...]
    storage_class: str | None
    """None for the cluster's default, empty for volumes that were made by hand."""
    volume: str = ""
    """The name of its volume, once it has one."""
    selects: bool = False
    """Whether it asks for volumes with certain labels."""
    deleted: bool = False
    """Whether it is to go as soon as nothing uses it."""
    user: str | None = None
    """The user whose home KubeSpawner made it for; None where nothing says so."""

    @property
    def single_node(self) -> bool:
        """Whether one node at a time may mount it."""
        return bool(self.access_modes) and set(self.access_modes) <= {WRITE_ONCE, WRITE_ONCE_POD}

    @property
    def single_pod(self) -> bool:
        """Whether one pod at a time may mount it."""
        return self.access_modes == (WRITE_ONCE_POD,)


@dataclass(frozen=True, slots=True)
class StorageClassRecord:
    """One StorageClass."""

    name: str
    provisions: bool
    """Whether it makes volumes; else it only names those that were made by hand."""
    waits_for_pod: bool
    """Whether a volume is made only once a pod has a node (`WaitForFirstConsumer`)."""
    is_default: bool = False
    created: str = ""
    """When it was made, as the API writes it: of several defaults the newest counts."""


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """One PersistentVolume."""

    name: str
    free: bool
    """Whether no claim has it."""
    kept_for: tuple[str, str] | None
    """Namespace and name of the claim that it is bound to or kept for."""
    storage_class: str
    size: int
    access_modes: tuple[str, ...]
    terms: "tuple[Term, ...] | None" = None
    """The nodes that reach it: one of these has to hold; None for all nodes."""
    attached: bool | None = None
    """Whether it is attached to one node at a time; None where its driver decides."""
    driver: str = ""
    """The name of its CSI driver, if it has one."""


@dataclass(frozen=True, slots=True)
class StorageDriverRecord:
    """One CSIDriver."""

    name: str
    attaches: bool
    """Whether its volumes are attached to nodes; network file systems are not."""
