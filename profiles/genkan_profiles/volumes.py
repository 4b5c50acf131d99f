"""Volumes: storage beside the home."""

import posixpath
import unicodedata
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from .documents import Row
from .names import Name, Slug
from .quantities import PositiveQuantity
from .rows import Line, Restricted
from .violations import Violation, raise_violations

SHARED_MEMORY_PATH = "/dev/shm"  # noqa: S108  # a mount in the container


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


MountPath = Annotated[str, Field(max_length=500), AfterValidator(_absolute), AfterValidator(_literal)]
"""A folder in the container."""

SubPath = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_relative), AfterValidator(_literal)]
"""A folder in a volume."""


class Scratch(Row):
    """Room on the node's own disk, empty at each start and gone when the server stops."""

    size: PositiveQuantity
    """The most that a server may write; one that writes more is stopped by the node."""


class Volume(Restricted):
    """Storage beside the home: a data set, a share, scratch."""

    slug: Annotated[Slug, Field(max_length=50)]
    """Its name in the pod, after `catalogue-`."""
    display_name: Line
    """What people call it."""
    mount_path: MountPath
    """Where servers find it."""
    claim: Name | None = None
    """An existing PersistentVolumeClaim in the namespace of the servers."""
    sub_path: SubPath | None = None
    """The folder in the claim; by default all of it."""
    scratch: Scratch | None = None
    """Instead of a claim: room on the node's own disk."""
    read_only: bool = False
    """Whether servers may only read it."""
    hardware: Annotated[tuple[Slug, ...], Field(max_length=1000)] = ()
    """Slugs of the hardware that it is mounted on; without any it is mounted on all."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if (self.claim is None) == (self.scratch is None):
            violations.append(Violation((), "A volume has either a claim or scratch."))
        elif self.scratch is not None and (self.read_only or self.sub_path):
            violations.append(Violation(("scratch",), "Scratch is written to, and has no folders beforehand."))
        if self.mount_path == SHARED_MEMORY_PATH or self.mount_path.startswith(f"{SHARED_MEMORY_PATH}/"):
            sentence = "This is where shared memory is; its size is the hardware's shared_memory."
            violations.append(Violation(("mount_path",), sentence))
        raise_violations("Volume", violations)
        return self
