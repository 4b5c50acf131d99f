"""The home directory: there, writable, and with what newcomers find in it."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

MARKER = Path(".local/share/genkan/skeleton")
"""Says in a home that the skeleton was copied, so that what its user has deleted stays deleted."""

_FALLBACKS = ("/tmp", "/dev/shm", "/var/tmp")  # noqa: S108  # directories of others are never written to, see below


def temporary_directory(environ: Mapping[str, str]) -> Path | None:
    """Make a directory on the container's own disk or in its memory; None if there is no place for one.

    It is for this start and this user only.
    """
    for place in (environ.get("TMPDIR"), *_FALLBACKS):
        if place:
            try:
                return Path(tempfile.mkdtemp(prefix="genkan-", dir=place))
            except OSError:
                continue
    return None


def is_usable(home: Path) -> bool:
    """Return whether files can be made in a home; it is made where it is missing and may be."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return True
    except OSError:
        return False


def copy_skeleton(skeleton: Path, home: Path) -> list[str]:
    """Copy what is not there yet into a home, once in its life; return a sentence for each file that could not be.

    A full or read-only home is no reason not to start.
    """
    if os.path.lexists(home / MARKER):
        return []
    troubles = []
    for file in sorted(_files(skeleton)):
        target = home / file.relative_to(skeleton)
        if os.path.lexists(target):
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        except OSError as error:
            troubles.append(f"{target} could not be made: {error.strerror}.")
    if not troubles:
        troubles += _mark(home / MARKER)
    return troubles


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _mark(marker: Path) -> list[str]:
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError as error:
        return [f"{marker} could not be made: {error.strerror}."]
    return []
