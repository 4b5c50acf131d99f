"""How a container is kept apart from the machine: the bubblewrap command line, or none where it does not work.

The container's root is an empty memory file system with the machine's programs bound into it read-only, so that nothing
else of the machine is visible and a volume can be mounted at any path. The network is shared: pods have addresses of
the machine's loopback network. Nothing limits CPU or memory.
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePosixPath

from genkan_sandbox.agent.host import HostView
from genkan_sandbox.agent.mounts import Bind
from genkan_sandbox.agent.processes import ContainerProcess, Launch, Pipes, StartError

HOME = "/home/jovyan"
"""The home of a container whose environment names none, as in the images of the Jupyter project."""

USER, GROUP = 1000, 1000
"""Of a container whose security context names none."""

_MEMORY_DIRECTORIES = ("/tmp", "/home", "/root", "/run", "/var/tmp")  # noqa: S108  # inside the container


class Isolation(StrEnum):
    """Whether containers are kept apart from the machine."""

    BUBBLEWRAP = "bubblewrap"
    NONE = "none"


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


def _root(host: HostView) -> list[str]:
    command = ["--tmpfs", "/"]
    for path in host.directories:
        command += ["--ro-bind", path, path]
    for target, path in host.links:
        command += ["--symlink", target, path]
    for source, path in host.configuration:
        command += ["--ro-bind-try", source, path]
    command += _emptied(host.hidden_early)
    command += ["--dev", "/dev", "--proc", "/proc"]
    command += _emptied(_MEMORY_DIRECTORIES)
    command += ["--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    return command


def _interpreter_binds(host: HostView) -> list[str]:
    """Bind this Python, and empty what of it is hidden, which may in turn have some of this Python inside."""
    command: list[str] = []
    late = host.hidden_late
    for path in sorted({*host.interpreter, *late}, key=lambda path: PurePosixPath(path).parts):
        command += ["--ro-bind", path, path] if path in host.interpreter else _emptied([path])
    return command


def _emptied(paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in ("--tmpfs", path)]


def _bound(found: Iterable[Bind]) -> list[str]:
    command: list[str] = []
    for bind in found:
        command += ["--ro-bind" if bind.read_only else "--bind", str(bind.source), bind.target]
    return command


def _hides(bind: Bind, host: HostView) -> bool:
    """Whether a mount would hide this Python, as a volume at /home does with an environment under it."""
    return any(path.startswith(bind.target.rstrip("/") + "/") for path in host.interpreter)
