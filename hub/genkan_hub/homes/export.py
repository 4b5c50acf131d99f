"""The homes in an export that is mounted here: folders, how large they are, and when they were written to."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from genkan_profiles import Homes

from .exceptions import HomesError

_BLOCK = 512
"""Bytes of what stat(2) calls a block."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder that is a home, or looks like one."""

    name: str
    """Within the folder of homes."""
    size: int | None
    """Bytes on the disk; None where they were not counted, or not all of them may be seen."""
    written_at: datetime | None
    """When something in it was last changed, as far as it may be seen."""


def folders_of(homes: Homes, root: Path, *, measured: bool) -> Iterator[Folder]:
    """Yield the folders of homes in an export, in the order of their names. Raises HomesError.

    Links and files are passed over. What leads to folders that are given by name is no home; all beside those are.
    """
    parent = root if homes.folder is None else root / homes.folder
    leading = {str(above) for folder in homes.folders.values() for above in PurePosixPath(folder).parents} - {"."}
    names = set(_folders_in(parent))
    for above in sorted(leading):
        # What is a link, or behind one, is no home: no server mounts it.
        if (parent / above).is_dir() and (parent / above).resolve() == parent.resolve() / above:
            names |= {f"{above}/{name}" for name in _folders_in(parent / above)}
    for name in sorted(names - leading):
        size, written_at = _measured(parent / name) if measured else (None, _touched(parent / name))
        yield Folder(name, size, written_at)


def _folders_in(parent: Path) -> Iterator[str]:
    try:
        with os.scandir(parent) as entries:
            yield from (entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError as e:
        raise HomesError(f"{parent}: The homes cannot be listed ({e.strerror}).") from e


def _touched(folder: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(folder.lstat().st_mtime, tz=UTC)
    except OSError:
        return None


def _measured(folder: Path) -> tuple[int | None, datetime | None]:
    """Return the bytes and the latest change below a folder; links are counted and not followed, files once."""
    size, latest, complete = 0, 0.0, True
    counted: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode):
                waiting.extend(Path(entry) for entry in os.scandir(path))
        except OSError:
            complete = False
            continue
        latest = max(latest, found.st_mtime)
        if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
            if (found.st_dev, found.st_ino) in counted:
                continue
            counted.add((found.st_dev, found.st_ino))
        size += found.st_blocks * _BLOCK
    return (size if complete else None), datetime.fromtimestamp(latest, tz=UTC) if latest else None
