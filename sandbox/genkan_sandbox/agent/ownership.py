"""Who owns the files of containers on this machine.

Where root runs the sandbox with bubblewrap, the users and groups of containers are users and groups of their own on the
machine, shifted into a range that nothing else has. Elsewhere all of them are whoever runs the sandbox, and only what a
container mounts keeps it from the files of another.
"""

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIRST, COUNT = 0x7000_0000, 1 << 28
"""The machine's id of the containers' root, and how many ids there are from it on; systemd leaves this range unused.

https://systemd.io/UIDS-GIDS/
"""

USER, GROUP = 1000, 1000
"""Of a container whose security context names none."""

NOBODY = 65_534
"""The user and the group that stand for an administrator on a file server that trusts none."""

_MAP = f"0 {FIRST} {COUNT}\n{COUNT} 0 1\n"
"""Of the users' namespace: bubblewrap itself stays root of the machine, who opens volumes, and gives that up."""

_SECONDS, _POLL = 2.0, 0.002


@dataclass(frozen=True, slots=True)
class Owners:
    """From a container's users and groups to those of the machine."""

    namespace: int | None = None
    """A descriptor of the users' namespace; None where users are not kept apart."""
    setpriv: str = ""
    """The program that takes a container's user, and gives up every right over it."""

    @property
    def separate(self) -> bool:
        """Whether the users of containers are users of their own on this machine."""
        return self.namespace is not None

    def machine_id(self, number: int) -> int:
        """Return the machine's id of a container's user or group; -1 stays, as it stands for none."""
        return FIRST + number if self.separate and number >= 0 else number

    def give(self, path: Path, *, uid: int = -1, gid: int = -1) -> None:
        """Make a file belong to a user or a group of containers, or to both."""
        if self.separate:
            os.chown(path, self.machine_id(uid), self.machine_id(gid), follow_symlinks=False)

    def adopt(self, directory: Path) -> bool:
        """Give files of a sandbox that kept users apart in another way to the usual user; return whether it was needed.

        Only root can, and only root needs to.
        """
        if os.geteuid() != 0 or (directory.stat().st_uid >= FIRST) == self.separate:
            return False
        uid, gid = (self.machine_id(USER), self.machine_id(GROUP)) if self.separate else (0, 0)
        for entry, _ in _entries(directory):
            os.chown(entry, uid, gid)
        return True

    def apply_group(self, directory: Path, group: int, *, read_only: bool, unless_root_matches: bool) -> None:
        """Make all of a volume belong to a pod's fsGroup, and open it to that group.

        kubernetes pkg/volume/volume_linux.go
        """
        if not self.separate:
            return
        gid, wanted = self.machine_id(group), 0o440 if read_only else 0o660
        if unless_root_matches and _matches(directory.stat(), gid, wanted | 0o110):
            return
        for entry, mode in _entries(directory):
            os.chown(entry, -1, gid)
            if not stat.S_ISLNK(mode):
                entry.chmod(stat.S_IMODE(mode) | wanted | (stat.S_ISGID | 0o110 if stat.S_ISDIR(mode) else 0))


def separate_owners() -> Owners:
    """Make a namespace of users for all containers; where it cannot be had, return owners that are not kept apart."""
    setpriv, unshare = shutil.which("setpriv"), shutil.which("unshare")
    if os.geteuid() != 0 or setpriv is None or unshare is None:
        return Owners()
    try:
        return Owners(_namespace(unshare), os.path.realpath(setpriv))
    except OSError:
        return Owners()


def _namespace(unshare: str) -> int:
    """Return a descriptor of a new namespace, which lives as long as that is open."""
    own = Path("/proc/self/ns/user").readlink()
    with subprocess.Popen([unshare, "--user", "--", "cat"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        folder, deadline = Path("/proc", str(holder.pid)), time.monotonic() + _SECONDS
        while (folder / "ns/user").readlink() == own:
            if holder.poll() is not None or time.monotonic() > deadline:
                raise OSError("no namespace of users was made")
            time.sleep(_POLL)
        for name in ("uid_map", "gid_map"):
            (folder / name).write_text(_MAP)
        return os.open(folder / "ns/user", os.O_RDONLY | os.O_CLOEXEC)


def _matches(found: os.stat_result, gid: int, wanted: int) -> bool:
    mode = found.st_mode
    return found.st_gid == gid and stat.S_ISDIR(mode) and mode & wanted == wanted and bool(mode & stat.S_ISGID)


def _entries(directory: Path) -> Iterator[tuple[Path, int]]:
    """Yield a path to each entry of a directory, with its mode, and to the directory itself after what is in it.

    The paths are those of descriptors: a container that changes names meanwhile cannot lead root elsewhere.
    """
    for folder, folders, names, descriptor in os.fwalk(directory, topdown=False, follow_symlinks=False):
        for name in (*names, *(name for name in folders if Path(folder, name).is_symlink()), "."):
            try:
                entry = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            except FileNotFoundError:
                continue
            try:
                yield Path("/proc/self/fd", str(entry)), os.fstat(entry).st_mode
            finally:
                os.close(entry)
