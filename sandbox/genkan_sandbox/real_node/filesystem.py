"""What a node sees of this machine's disks: all of it, but nothing that it writes outside of the state directory stays.

Kubelet, containerd and their plug-ins have paths in them that no option changes. In a mount namespace of the node's own
these are other folders, so that a container engine of the machine's own is not in the way and nothing is to be cleaned.
"""

import os
import subprocess
from pathlib import Path

_LAYERED = (Path("/var/lib"), Path("/var/log"))
"""Folders that look as before, and whose changes are kept in memory and forgotten."""

_EMPTY = Path("/run")

_KEPT = ("kubelet", "containerd")
"""Folders of /var/lib that are in the state directory."""

TUNABLES = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What the kubelet sets for the whole machine, where it finds something else: component-helpers/node/util/sysctl."""


def furnish(state: Path, folder: Path) -> None:
    """Make this process's own view of the disks; it has a mount namespace of its own already.

    OSError or CalledProcessError: the kernel does not allow it.
    """
    before = os.open(state, os.O_PATH)
    _mount("--make-rprivate", "/")
    # Volumes that are mounted after a container's start are seen in it only below a shared mount.
    _mount("--make-rshared", "/")
    _mount("-t", "proc", "proc", "/proc")
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(scratch))
    for place in _LAYERED:
        _cover(place, scratch / place.name)
    for name in ("tunables", *_KEPT):
        (folder / name).mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(_EMPTY))
    if any(state.is_relative_to(place) for place in (*_LAYERED, _EMPTY)):
        state.mkdir(parents=True, exist_ok=True)
        _mount("--rbind", f"/proc/{os.getpid()}/fd/{before}", str(state))
    os.close(before)
    for name in _KEPT:
        place = Path("/var/lib", name)
        place.mkdir(exist_ok=True)
        _mount("--bind", str(folder / name), str(place))
    for path in ("/var/log/containers", "/var/log/pods", "/run/containerd", "/run/lock"):
        Path(path).mkdir(parents=True, exist_ok=True)
    _pretend(folder / "tunables")


def _cover(place: Path, scratch: Path) -> None:
    """Lay a folder in memory over one of the machine's."""
    for name in ("changes", "work"):
        (scratch / name).mkdir(parents=True)
    layers = f"lowerdir={place},upperdir={scratch / 'changes'},workdir={scratch / 'work'}"
    _mount("-t", "overlay", "-o", layers, "overlay", str(place))


def _pretend(folder: Path) -> None:
    """Show the kubelet its own values in the place of the machine's, so that it leaves those alone."""
    for name, value in TUNABLES.items():
        setting = Path("/proc/sys", name)
        if setting.exists():
            stand_in = folder / name.replace("/", ".")
            stand_in.write_text(f"{value}\n")
            _mount("--bind", str(stand_in), str(setting))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, stdin=subprocess.DEVNULL)
