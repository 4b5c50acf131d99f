"""What is followed of storage."""

from typing import Any

from genkan_spawner.kinds import CLAIMS, CSI_DRIVERS, STORAGE_CLASSES, VOLUMES

from .snapshot import Source
from .source import Feed
from .storage_board import StorageBoard
from .storage_projection import claim_record, storage_class_record, storage_driver_record, volume_record


def storage_feeds(board: StorageBoard) -> dict[Source, Feed[Any]]:
    """Return one feed per kind."""
    return {
        Source.CLAIMS: Feed(CLAIMS, board.claims.table, claim_record),
        Source.STORAGE_CLASSES: Feed(STORAGE_CLASSES, board.classes.table, storage_class_record),
        Source.VOLUMES: Feed(VOLUMES, board.volumes.table, volume_record),
        Source.STORAGE_DRIVERS: Feed(CSI_DRIVERS, board.drivers.table, storage_driver_record),
    }
