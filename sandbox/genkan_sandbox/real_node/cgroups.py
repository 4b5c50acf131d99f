"""The one group of processes below which the kernel limits a node's containers, in either version of its interface.

https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/admin-guide/cgroup-v1/index.html
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_INHERITED = ("cpuset.cpus", "cpuset.mems")
"""What a new group of version 1 does not take from the one above, and no process can be in it without."""

_WAIT_SECONDS = 5.0


def group_name(sandbox: str) -> str:
    """Name a sandbox's group, so that the next start finds what a killed one has left."""
    return f"genkan-{sandbox}"


def unified() -> bool:
    """Tell whether the kernel has one hierarchy for all controllers, version 2."""
    return (_ROOT / "cgroup.controllers").is_file()


def make_group(name: str) -> None:
    """Make an empty group below every controller."""
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for setting in _INHERITED:
            if not unified() and (hierarchy / setting).exists():
                (group / setting).write_text((hierarchy / setting).read_text())


def remove_group(name: str) -> None:
    """End what is still in a group, and remove it with all below; one that is not there is no fault."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while groups := [hierarchy / name for hierarchy in _hierarchies() if (hierarchy / name).is_dir()]:
        for group in groups:
            _remove(group)
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def _remove(group: Path) -> None:
    for folder, _, files in os.walk(group, topdown=False):
        if "cgroup.procs" in files:
            with suppress(OSError):
                for pid in Path(folder, "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
        with suppress(OSError):
            Path(folder).rmdir()


def _hierarchies() -> Iterator[Path]:
    if unified():
        yield _ROOT
        return
    if not _ROOT.is_dir():
        return
    # Names such as cpu,cpuacct are joined hierarchies; links stand for their parts.
    for place in _ROOT.iterdir():
        if place.is_dir() and not place.is_symlink() and (place / "cgroup.procs").exists():
            yield place
