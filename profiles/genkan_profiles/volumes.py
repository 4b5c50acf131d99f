"""Volumes: storage beside the home."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from .documents import Row
from .fill import Fill
from .homes import HOME
from .names import Name, Slug
from .paths import MountPath, SubPath, is_within
from .quantities import Size
from .rows import Line, Restricted
from .violations import Violation, raise_violations

SHARED_MEMORY_PATH = "/dev/shm"  # noqa: S108  # a mount in the container

SYSTEM_FOLDERS = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt/conda",
    "/opt/jupyter",
    "/opt/nvidia",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
)
"""What images and the kernel have in containers; a volume there, or around them, leaves a server that cannot start."""


class Scratch(Row):
    """Room on the node's own disk, empty at each start and gone when the server stops."""

    size: Size
    """The most that a server may write; one that writes more is stopped by the node."""
    caches: bool = False
    """Whether libraries keep there what they can fetch or compile again (HF_HOME, PIP_CACHE_DIR and the like)."""


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
    gid: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """The group that a share's files belong to; servers that mount it are in this group."""
    fill: Fill | None = None
    """How full the claim's volume is, for one that many share."""
    hardware: Annotated[tuple[Slug, ...], Field(max_length=1000)] = ()
    """Slugs of the hardware that it is mounted on; without any it is mounted on all."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        raise_violations("Volume", [*self._misplaced(), *_hidden_by(self.mount_path)])
        return self

    def _misplaced(self) -> Iterator[Violation]:
        """Yield the fields that do not go together."""
        if (self.claim is None) == (self.scratch is None):
            yield Violation((), "A volume has either a claim or scratch.")
        elif self.scratch is not None:
            if self.read_only or self.sub_path:
                yield Violation(("scratch",), "Scratch is written to, and has no folders beforehand.")
            for field in ("gid", "fill"):
                if getattr(self, field) is not None:
                    yield Violation((field,), "This is for claims; scratch is each server's own.")


def _hidden_by(mount_path: str) -> Iterator[Violation]:
    """Yield what a volume must not hide from a server, if it does."""
    if is_within(mount_path, SHARED_MEMORY_PATH):
        yield Violation(("mount_path",), "This is where shared memory is; its size is the hardware's shared_memory.")
    elif is_within(HOME, mount_path):
        sentence = f"A volume here would hide the home, which is {HOME}; folders in the home can be had."
        yield Violation(("mount_path",), sentence)
    elif hidden := next(
        (row for row in SYSTEM_FOLDERS if is_within(mount_path, row) or is_within(row, mount_path)), ""
    ):
        sentence = (
            f"A volume here would hide what the image or the system has in {hidden}; take a folder such as /data."
        )
        yield Violation(("mount_path",), sentence)
