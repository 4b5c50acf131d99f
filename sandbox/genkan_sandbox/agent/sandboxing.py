"""How a container is kept apart from the machine: the bubblewrap command line, or none where it does not work.

The container's root is an empty memory file system with the machine's programs bound into it read-only, so that nothing
else of the machine is visible and a volume can be mounted at any path. The network is shared: pods have addresses of
the machine's loopback network. Nothing limits CPU or memory.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from genkan_sandbox.agent.mounts import Bind
from genkan_sandbox.agent.processes import ContainerProcess, Launch, Pipes, StartError

HOME = "/home/jovyan"
"""The home of a container whose environment names none, as in the images of the Jupyter project."""

USER, GROUP = 1000, 1000
"""Of a container whose security context names none."""

_PROGRAMS = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "nix", "opt", "sbin", "usr")
_HIDDEN_FILES = ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers")
_HIDDEN_DIRECTORIES = ("/etc/ssh", "/etc/ssl/private", "/etc/sudoers.d")
_MEMORY_DIRECTORIES = ("/tmp", "/home", "/root", "/run", "/var/tmp")  # noqa: S108  # inside the container


class Isolation(StrEnum):
    """Whether containers are kept apart from the machine."""

    BUBBLEWRAP = "bubblewrap"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class HostView:
    """What of the machine every container sees, read-only."""

    directories: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    """Target and path, as `/bin -> usr/bin`."""
    hidden_files: tuple[str, ...] = ()
    hidden_directories: tuple[str, ...] = ()
    interpreter: tuple[str, ...] = ()
    """This Python and its environment, which may live under a home or /tmp that containers do not see."""
    resolver: str | None = None
    """Where /etc/resolv.conf leads, if that is under /run."""
    bubblewrap: str | None = None
    """The program; a container's PATH must not choose it."""

    @classmethod
    def read(cls, *, root: Path = Path("/")) -> "HostView":
        """Look at the machine once."""
        entries = [root / name for name in _PROGRAMS if os.path.lexists(root / name)]
        resolver = os.path.realpath(root / "etc/resolv.conf")
        return cls(
            directories=tuple(f"/{entry.name}" for entry in entries if entry.is_dir() and not entry.is_symlink()),
            links=tuple((str(entry.readlink()), f"/{entry.name}") for entry in entries if entry.is_symlink()),
            hidden_files=tuple(path for path in _HIDDEN_FILES if Path(path).is_file()),
            hidden_directories=tuple(path for path in _HIDDEN_DIRECTORIES if Path(path).is_dir()),
            interpreter=_interpreter(),
            resolver=resolver if resolver.startswith("/run/") and Path(resolver).is_file() else None,
            bubblewrap=shutil.which("bwrap"),
        )


@dataclass(frozen=True, slots=True)
class Jail:
    """One container as bubblewrap is to make it."""

    hostname: str
    working_directory: str
    user: int = USER
    group: int = GROUP
    binds: tuple[Bind, ...] = ()
    home: str = HOME
    accounts: tuple[Bind, ...] = field(default=())
    """Files over /etc/passwd and /etc/group, so that the container's user has a name."""


def bubblewrap_command(argv: Sequence[str], *, jail: Jail, host: HostView, pipes: Pipes) -> list[str]:
    """Return the command that runs a container's command in its jail."""
    hiding = [bind for bind in jail.binds if _hides(bind, host)]
    return [
        host.bubblewrap or "bwrap",
        *("--args", str(pipes.arguments), "--json-status-fd", str(pipes.status)),
        *("--die-with-parent", "--unshare-user", "--uid", str(jail.user), "--gid", str(jail.group)),
        *("--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts", "--hostname", jail.hostname),
        *_root(host),
        *_bound(jail.accounts),
        *("--dir", jail.home),
        *_bound(hiding),
        *_interpreter_binds(host),
        *_bound(bind for bind in jail.binds if bind not in hiding),
        *("--dir", jail.working_directory, "--chdir", jail.working_directory),
        *("--", *argv),
    ]


async def detect_isolation(host: HostView) -> tuple[Isolation, str]:
    """Try bubblewrap once, with all that containers use; return whether it works and why not."""
    if host.bubblewrap is None:
        return Isolation.NONE, "bubblewrap is not installed; on Debian: apt install bubblewrap."
    jail = Jail(hostname="trial", working_directory="/")
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory, "trial.log")
        command = partial(bubblewrap_command, ["/bin/sh", "-c", "exit 0"], jail=jail, host=host)
        try:
            process = await ContainerProcess.start(Launch(log=log, environment={"TRIAL": ""}, jailed=command))
        except StartError as e:
            reason = str(e)
        else:
            code = await process.exit
            if code == 0:
                return Isolation.BUBBLEWRAP, ""
            reason = f"a trial ended with {code}"
    return Isolation.NONE, f"bubblewrap does not work here, perhaps as user namespaces are disabled ({reason})."


def search_path() -> str:
    """Return the PATH of containers: this Python's commands first."""
    return f"{sys.prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _root(host: HostView) -> list[str]:
    command = ["--tmpfs", "/"]
    for path in host.directories:
        command += ["--ro-bind", path, path]
    for target, path in host.links:
        command += ["--symlink", target, path]
    for path in host.hidden_files:
        command += ["--ro-bind", "/dev/null", path]
    for path in host.hidden_directories:
        command += ["--tmpfs", path]
    command += ["--dev", "/dev", "--proc", "/proc"]
    for path in _MEMORY_DIRECTORIES:
        command += ["--tmpfs", path]
    command += ["--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    if host.resolver is not None:
        command += ["--ro-bind-try", host.resolver, host.resolver]
    return command


def _interpreter_binds(host: HostView) -> list[str]:
    return [word for path in host.interpreter for word in ("--ro-bind", path, path)]


def _bound(found: Iterable[Bind]) -> list[str]:
    command: list[str] = []
    for bind in found:
        command += ["--ro-bind" if bind.read_only else "--bind", str(bind.source), bind.target]
    return command


def _hides(bind: Bind, host: HostView) -> bool:
    """Whether a mount would hide this Python, as a volume at /home does with an environment under it."""
    return any(path.startswith(bind.target.rstrip("/") + "/") for path in host.interpreter)


def _interpreter() -> tuple[str, ...]:
    """Return what of this Python is outside the directories that containers see anyway, outer paths first."""
    named = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    paths = sorted(named | {os.path.realpath(path) for path in named})
    visible = tuple(f"/{name}/" for name in _PROGRAMS)
    outside = [path for path in paths if not f"{path}/".startswith(visible)]
    return tuple(path for path in outside if not any(path.startswith(f"{other}/") for other in outside))
