"""Who owns the files of containers on this machine."""

import os
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65_534
"""The user and the group that stand for an administrator on a file server that trusts none."""


@dataclass(frozen=True, slots=True)
class Owners:
    """From a container's users and groups to those of the machine.

    Where containers are not kept apart by users, all files belong to whoever runs the sandbox.
    """

    first: int | None = None
    """The machine's id of the containers' user 0 and group 0; None where users are not kept apart."""

    @property
    def separate(self) -> bool:
        """Whether the users of containers are users of their own on this machine."""
        return self.first is not None

    def give(self, path: Path, *, uid: int = -1, gid: int = -1) -> None:
        """Make a file belong to a user or a group of containers, or to both."""
        if self.first is not None:
            shifted = (number if number < 0 else self.first + number for number in (uid, gid))
            os.chown(path, *shifted, follow_symlinks=False)
