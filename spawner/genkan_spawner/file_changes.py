"""Whether files have changed, without reading them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from genkan_profiles.reading import document_files

SETTLED = 2.0
"""Seconds after which a change shows in a file's times; some file systems count in whole seconds, FAT in two."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Which files there are and how each looks from outside; equal ones mean unchanged files, if they had settled."""

    files: tuple[tuple[str, ...], ...]
    newest: float
    """When one of them was last written, in seconds since 1970; 0 if none can be looked at."""


def signature_of(path: Path) -> Signature:
    """Look at a file, or at those of a directory that are read.

    Links are followed, so that a ConfigMap's switch to another folder shows. What cannot be looked at is part of the
    signature too.
    """
    looks: list[tuple[str, ...]] = []
    newest = 0.0
    for file in document_files(path):
        try:
            found = file.stat()
        except (OSError, ValueError) as error:
            looks.append((str(file), repr(error)))
            continue
        newest = max(newest, found.st_mtime)
        looks.append((str(file), *map(str, _identity(found))))
    return Signature(tuple(looks), newest)


def is_settled(signature: Signature) -> bool:
    """Return whether a later change would show; a file that was just written may change again within one tick."""
    return not 0 <= time.time() - signature.newest < SETTLED


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
