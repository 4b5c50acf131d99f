"""Claims, volumes and classes put together as the check of storage wants them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .shelf import Shelf
from .snapshot import Source
from .storage_view import ClaimKey, StorageView

if TYPE_CHECKING:
    from .storage_records import ClaimRecord, StorageClassRecord, StorageDriverRecord, VolumeRecord


class StorageBoard:
    """One shelf per kind."""

    def __init__(self) -> None:
        self.claims: Shelf[ClaimKey, ClaimRecord] = Shelf(lambda row: (row.namespace, row.name))
        self.classes: Shelf[str, StorageClassRecord] = Shelf(lambda row: row.name)
        self.volumes: Shelf[str, VolumeRecord] = Shelf(lambda row: row.name)
        self.drivers: Shelf[str, StorageDriverRecord] = Shelf(lambda row: row.name)
        self._view = StorageView()

    def view(self) -> StorageView:
        """Return the state of this moment; the same object as long as nothing changes."""
        found = (self.claims.view(), self.classes.view(), self.volumes.view(), self.drivers.view())
        known = (self._view.claims, self._view.classes, self._view.volumes, self._view.drivers)
        if any(new is not old for new, old in zip(found, known, strict=True)):
            self._view = StorageView(*found)
        return self._view

    def counts(self) -> Mapping[Source, int]:
        """Return how many objects of each kind are kept."""
        return {
            Source.CLAIMS: len(self.claims.table),
            Source.STORAGE_CLASSES: len(self.classes.table),
            Source.VOLUMES: len(self.volumes.table),
            Source.STORAGE_DRIVERS: len(self.drivers.table),
        }
