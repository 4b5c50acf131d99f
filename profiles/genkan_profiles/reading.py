"""The files of a document: which there are, and what they hold."""

import os
import stat
from pathlib import Path
from typing import NoReturn

from .exceptions import DocumentError, Position, Problem

MAX_BYTES = 1024 * 1024
"""The largest document that is read; a person's file is a thousand times smaller."""

MAX_FILES = 100
"""The most files of a directory that are read."""


def document_files(path: Path) -> tuple[Path, ...]:
    """Return the files of a directory that are read as one document, in the order of their names.

    Those are its *.yaml and *.yml, without the hidden ones among which a mounted ConfigMap keeps its versions. What is
    no directory, or cannot be listed, stands for itself.
    """
    try:
        return listed_files(path)
    except (OSError, ValueError):
        return (path,)


def listed_files(directory: Path) -> tuple[Path, ...]:
    """Return the same for a directory only; raises OSError for what is none, or cannot be listed."""
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries if _is_document(entry)]
    return tuple(directory / name for name in sorted(names))


def is_directory(path: Path) -> bool:
    """Return whether a path leads to a directory; a path that leads nowhere does not."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def read_file(path: Path) -> bytes:
    """Return what a file holds, at most MAX_BYTES; raises DocumentError with a sentence for whatever is in the way."""
    source = str(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            refuse(source, "This is a directory, not a file.")
        if not stat.S_ISREG(mode):
            refuse(source, "This is no ordinary file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        refuse(source, "There is no such file.")
    except PermissionError:
        refuse(source, "This file may not be read by the user that runs this.")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its name is not valid"
        refuse(source, f"This file cannot be read: {reason}.")
    if len(content) > MAX_BYTES:
        refuse(source, f"The file is larger than {MAX_BYTES // 1024} KiB, the most that is read.")
    return content


def decoded(content: bytes, *, source: str) -> str:
    """Return the text of a file; raises DocumentError at the first byte that is not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        position = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise DocumentError(
            [Problem(source, position, "", "This byte is not UTF-8; save the file as UTF-8.")]
        ) from error


def refuse(source: str, sentence: str) -> NoReturn:
    """Raise DocumentError about a file as a whole."""
    raise DocumentError([Problem(source, None, "", sentence)])


def _is_document(entry: os.DirEntry[str]) -> bool:
    if not entry.name.endswith((".yaml", ".yml")) or entry.name.startswith("."):
        return False
    try:
        return not entry.is_dir()
    except OSError:
        return True
