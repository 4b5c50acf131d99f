"""What is known of storage at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from .storage_records import ClaimRecord, StorageClassRecord, StorageDriverRecord, VolumeRecord

ClaimKey: TypeAlias = tuple[str, str]
"""Namespace and name of a claim."""


@dataclass(frozen=True, slots=True)
class StorageView:
    """Claims, and what their volumes are made of."""

    claims: Mapping[ClaimKey, ClaimRecord] = field(default_factory=lambda: MappingProxyType({}))
    classes: Mapping[str, StorageClassRecord] = field(default_factory=lambda: MappingProxyType({}))
    volumes: Mapping[str, VolumeRecord] = field(default_factory=lambda: MappingProxyType({}))
    drivers: Mapping[str, StorageDriverRecord] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def default_class(self) -> StorageClassRecord | None:
        """The class of claims that name none; of several the newest, as Kubernetes takes it."""
        defaults = sorted((row for row in self.classes.values() if row.is_default), key=lambda row: row.name)
        return max(defaults, key=lambda row: row.created, default=None)

    def attaches(self, volume: VolumeRecord) -> bool:
        """Return whether a volume is attached to one node at a time; a driver that is not described attaches."""
        if volume.attached is not None:
            return volume.attached
        driver = self.drivers.get(volume.driver)
        return driver is None or driver.attaches
