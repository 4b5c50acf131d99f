"""Fields that hold paths: folders in containers and in volumes, each with a single spelling."""

import posixpath
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field


def _literal(path: str) -> str:
    if "{" in path or "}" in path:
        raise ValueError("Braces cannot stand in a path: KubeSpawner would put something in their place.")
    return path


def _absolute(path: str) -> str:
    if not path.startswith("/") or path == "/" or ":" in path or not _is_plain(path):
        message = f"{path[:80]!r} cannot stand here: a mount path is absolute and without `..`, such as /data."
        raise ValueError(message)
    return path


def _relative(path: str) -> str:
    if path.startswith("/") or path.split("/", maxsplit=1)[0] in {".", ".."} or not _is_plain(path):
        message = f"{path[:80]!r} cannot stand here: a folder in a volume is relative and without `..`."
        raise ValueError(message)
    return path


def _is_plain(path: str) -> bool:
    """Return whether a path has no other spelling and no control characters."""
    normal = posixpath.normpath(path) == path and not path.startswith("//")
    return normal and not any(unicodedata.category(character) == "Cc" for character in path)


def is_within(path: str, folder: str) -> bool:
    """Return whether a path is this folder, or leads into it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


MountPath = Annotated[str, Field(max_length=500), AfterValidator(_absolute), AfterValidator(_literal)]
"""A folder in the container."""

SubPath = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_relative), AfterValidator(_literal)]
"""A folder in a volume."""

AbsolutePath = Annotated[str, Field(max_length=500), AfterValidator(_absolute)]
"""A file or folder where the hub runs."""
