"""How a container is kept apart from the machine: the bubblewrap command line, or none where it does not work.

The container's root is an empty memory file system with the machine's programs bound into it read-only, so that nothing
else of the machine is visible and a volume can be mounted at any path. The network is shared: pods have addresses of
the machine's loopback network. Nothing limits CPU or memory.
"""

import logging
import resource
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePosixPath

from genkan_sandbox.agent.host import HostView
from genkan_sandbox.agent.mounts import Bind
from genkan_sandbox.agent.ownership import GROUP, USER, Owners, separate_owners
from genkan_sandbox.agent.processes import ContainerProcess, Launch, Pipes, StartError

log = logging.getLogger(__name__)

HOME = "/home/jovyan"
"""The home of a container whose environment names none, as in the images of the Jupyter project."""

_MEMORY_DIRECTORIES = {
    "/tmp": "1777",  # noqa: S108  # inside the container
    "/home": "755",
    "/root": "711",
    "/run": "755",
    "/var/tmp": "1777",  # noqa: S108
}
"""With the rights that they have in any image; /root may lead to this Python."""

_FULL = (
    "This volume is full, as a fault of the sandbox wants it; its files are there again when the fault is over. " * 2
)
_ENV = "/usr/bin/env"
_RIGHTS = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH")
"""Over the containers' users, until the command is executed; the last enters a home of mode 700."""

_DROPPED = ("--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs", "--pdeathsig=KILL")
_LOADERS = ("GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "MALLOC_", "NLSPATH", "LD_")
"""Beginnings of variables by which programs load others' code, which must not happen before rights are given up."""


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
    groups: tuple[int, ...] = ()
    """The user's groups beside `group`, where users are kept apart."""
    owners: Owners = field(default_factory=Owners)
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the command gets of its environment after all rights are given up."""


def bubblewrap_command(argv: Sequence[str], *, jail: Jail, host: HostView, pipes: Pipes) -> list[str]:
    """Return the command that runs a container's command in its jail."""
    hiding = [bind for bind in jail.binds if _hides(bind, host)]
    return [
        host.bubblewrap or "bwrap",
        *("--args", str(pipes.arguments), "--json-status-fd", str(pipes.status)),
        *("--die-with-parent", *_user(jail)),
        *("--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts", "--hostname", jail.hostname),
        *_root(host),
        *_bound(jail.accounts),
        *(*_way(jail.home), "--perms", "0777", "--dir", jail.home),
        *_bound(hiding),
        *_interpreter_binds(host),
        *_bound(bind for bind in jail.binds if bind not in hiding),
        *(*_way(jail.working_directory), "--dir", jail.working_directory, "--chdir", jail.working_directory),
        *("--", *_as_user(jail), *argv),
    ]


def loaders(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment by which programs load others' code."""
    return {name: value for name, value in environment.items() if name.startswith(_LOADERS)}


def _user(jail: Jail) -> list[str]:
    if jail.owners.namespace is None:
        return ["--unshare-user", "--uid", str(jail.user), "--gid", str(jail.group)]
    return [
        *("--userns", str(jail.owners.namespace), "--cap-drop", "ALL"),
        *(word for right in _RIGHTS for word in ("--cap-add", right)),
    ]


def _as_user(jail: Jail) -> list[str]:
    """Return what takes the container's user and gives up all rights, where bubblewrap itself has not done so."""
    if not jail.owners.separate:
        return []
    groups = [f"--groups={','.join(map(str, jail.groups))}"] if jail.groups else ["--clear-groups"]
    command = [jail.owners.setpriv, f"--reuid={jail.user}", f"--regid={jail.group}", *groups, *_DROPPED, "--"]
    if jail.variables:
        command += [_ENV, *(f"{name}={value}" for name, value in jail.variables.items())]
    return command


async def detect_isolation(host: HostView) -> tuple[Isolation, str]:
    """Try bubblewrap once, with all that containers use; return whether it works and why not."""
    if host.bubblewrap is None:
        return Isolation.NONE, "bubblewrap is not installed; on Debian: apt install bubblewrap."
    reason = await _trial(host, ["/bin/sh", "-c", "exit 0"], owners=Owners())
    if not reason:
        return Isolation.BUBBLEWRAP, ""
    return Isolation.NONE, f"bubblewrap does not work here, perhaps as user namespaces are disabled ({reason})."


async def detect_owners(host: HostView) -> Owners:
    """Try once whether the users of containers can be users of their own here, and can run this Python."""
    owners = separate_owners()
    if not owners.separate:
        return owners
    reason = await _trial(host, [sys.executable, "-c", "import json"], owners=owners)
    if not reason:
        return owners
    log.warning("The users of containers are not kept apart: %s.", reason)
    return Owners()


async def _trial(host: HostView, argv: Sequence[str], *, owners: Owners) -> str:
    """Return why a command does not run in a jail; nothing if it does."""
    jail = Jail(hostname="trial", working_directory="/", owners=owners)
    with tempfile.TemporaryDirectory() as directory:
        command = partial(bubblewrap_command, argv, jail=jail, host=host)
        launch = Launch(
            log=Path(directory, "trial.log"), environment={"TRIAL": ""}, jailed=command, namespace=owners.namespace
        )
        try:
            process = await ContainerProcess.start(launch)
        except StartError as e:
            return str(e)
        code = await process.exit
    return f"a trial ended with {code}" if code else ""


def _root(host: HostView) -> list[str]:
    command = ["--tmpfs", "/"]
    for path in host.directories:
        command += ["--ro-bind", path, path]
    for target, path in host.links:
        command += [*_way(path), "--symlink", target, path]
    for source, path in host.configuration:
        command += [*_way(path), "--ro-bind-try", source, path]
    command += _emptied(host.hidden_early)
    command += ["--dev", "/dev", "--proc", "/proc"]
    for path, rights in {**_MEMORY_DIRECTORIES, "/dev/shm": "1777"}.items():  # noqa: S108
        command += [*_way(path), "--perms", rights, "--tmpfs", path]
    processors = "/sys/devices/system/cpu"
    command += [*_way(processors), "--ro-bind-try", processors, processors]
    return command


def _interpreter_binds(host: HostView) -> list[str]:
    """Bind this Python, and empty what of it is hidden, which may in turn have some of this Python inside."""
    command: list[str] = []
    late = host.hidden_late
    for path in sorted({*host.interpreter, *late}, key=lambda path: PurePosixPath(path).parts):
        command += [*_way(path), "--ro-bind", path, path] if path in host.interpreter else _emptied([path])
    return command


def _emptied(paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in ("--tmpfs", path)]


def _bound(found: Iterable[Bind]) -> list[str]:
    command: list[str] = []
    for bind in found:
        command += _way(bind.target)
        if bind.full:
            # A link of this length takes the only page that there is.
            command += ["--perms", "0777", "--size", str(resource.getpagesize()), "--tmpfs", bind.target]
            command += ["--symlink", _FULL, f"{bind.target}/full"]
        else:
            command += ["--ro-bind" if bind.read_only else "--bind", str(bind.source), bind.target]
    return command


def _way(path: str) -> list[str]:
    """Make the directories above a path, which bubblewrap by itself makes for their owner alone."""
    above = reversed(PurePosixPath(path).parents)
    return [word for parent in above if str(parent) != "/" for word in ("--dir", str(parent))]


def _hides(bind: Bind, host: HostView) -> bool:
    """Whether a mount would hide this Python, as a volume at /home does with an environment under it."""
    return any(path.startswith(bind.target.rstrip("/") + "/") for path in host.interpreter)
