"""One container process: start, signals, exit code."""

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from genkan_sandbox.agent.file_limit import limit_files, limited
from genkan_sandbox.agent.leftovers import CONTAINER_VARIABLE, SANDBOX_VARIABLE

MARKS = (SANDBOX_VARIABLE, CONTAINER_VARIABLE)
"""Variables by which a process is known to be a container's."""

KILLED = 128 + signal.SIGKILL
"""The exit code of a process that was killed."""

_UMASK = 0o022
"""Of a container's first process, whatever the agent's own is."""

_STARTING_SECONDS = 10.0
_STARTING_POLL = 0.002
_DYING_SECONDS = 2.0
_LOG_TAIL = 4096
_COMPLAINTS = ("bwrap: execvp ", "setpriv: failed to execute ")
_EXECUTION = re.compile(r"(?P<command>.*): (?P<reason>[^:]*)", re.DOTALL)
_NOT_EXECUTED = (126, 127)
_OWN_PROGRAMS = frozenset({"bwrap", "setpriv", "env"})
"""What runs before a container's command, in its place."""


class StartError(Exception):
    """A container's command could not be started; the text says why, without a path of the machine."""


@dataclass(frozen=True, slots=True)
class Pipes:
    """Descriptors that bubblewrap inherits."""

    status: int
    """It writes the process id and, if the command could be started, its exit code here, as JSON lines."""
    arguments: int
    """It reads more of its own arguments here: the container's variables, which hold secrets."""


class CommandLine(Protocol):
    """Makes the command once its descriptors are known."""

    def __call__(self, *, pipes: Pipes) -> Sequence[str]:
        """Return the command."""
        ...


@dataclass(frozen=True, slots=True)
class Launch:
    """What a container process is started from."""

    log: Path
    """Standard output and error are appended here; the file grows without bound."""
    environment: Mapping[str, str]
    command: Sequence[str] = ()
    """Run as it is, in a session of its own."""
    jailed: CommandLine | None = None
    """Run instead under bubblewrap, which itself gets none of the container's variables but the marks."""
    directory: Path | None = None
    """Working directory on the machine, where there is no bubblewrap."""
    open_files: int | None = None
    """The soft limit of open files; None is the agent's own."""
    namespace: int | None = None
    """A descriptor that bubblewrap inherits: the namespace of users, where containers' are kept apart."""
    owner: int | None = None
    """The machine's id of the container's user, who may open the log anew as /dev/stdout; None is the agent's own."""


@dataclass(slots=True)
class ContainerProcess:
    """A started command; under bubblewrap the process and the one inside, which signals are for."""

    process: asyncio.subprocess.Process
    inner: int
    exit: asyncio.Task[int]
    jailed: bool
    _reader: asyncio.Task[None] | None = field(default=None)

    @classmethod
    async def start(cls, launch: Launch) -> "ContainerProcess":
        """Start a command; when this returns, the command itself runs, or has run.

        A start that is cancelled is first brought to its end: bubblewrap, killed halfway, would leave a process behind.

        Raises StartError if it cannot be executed.
        """
        start = asyncio.create_task(cls._start(launch))
        try:
            return await asyncio.shield(start)
        except asyncio.CancelledError:
            with contextlib.suppress(StartError):
                container = await start
                container.kill()
                await container.exit
            raise

    @classmethod
    async def _start(cls, launch: Launch) -> "ContainerProcess":
        launch.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(launch.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if launch.owner is not None:
                os.fchown(log, launch.owner, -1)
            if launch.jailed is not None:
                return await _start_jailed(launch, launch.jailed, log)
            process = await _spawn(launch.command, environment=launch.environment, log=log, directory=launch.directory)
            limit_files(process.pid, launch.open_files)
            return cls(process, process.pid, asyncio.create_task(_exit_code(process)), jailed=False)
        except ValueError as e:
            raise StartError(str(e)) from e
        except OSError as e:
            reason = e.strerror or str(e)
            raise StartError(missing_command(launch.command[0], reason) if launch.command else reason) from e
        finally:
            os.close(log)

    def terminate(self) -> None:
        """Ask the command to end. As the first process of its container it ignores this unless it handles it."""
        self._signal(signal.SIGTERM, self.inner)

    def kill(self) -> None:
        """End the command and, under bubblewrap, all that it started."""
        if self.jailed:
            self._signal(signal.SIGKILL, self.inner)
            asyncio.get_running_loop().call_later(_DYING_SECONDS, self._signal, signal.SIGKILL, self.process.pid)
            return
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals, pid: int) -> None:
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


async def _spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: int,
    directory: Path | None = None,
    keep: Sequence[int] = (),
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=dict(environment),
        cwd=directory,
        pass_fds=keep,
        start_new_session=True,
        umask=_UMASK,
    )


async def _start_jailed(launch: Launch, jailed: CommandLine, log: int) -> ContainerProcess:
    """Start bubblewrap and wait until the command has taken the place of its first process."""
    beginning = os.fstat(log).st_size
    marks = {name: value for name, value in launch.environment.items() if name in MARKS}
    arguments = _arguments(launch.environment)
    read, write = os.pipe2(os.O_CLOEXEC)
    try:
        pipes = Pipes(status=write, arguments=arguments)
        command = [*limited(launch.open_files), *jailed(pipes=pipes)]
        keep = [write, arguments, *([] if launch.namespace is None else [launch.namespace])]
        process = await _spawn(command, environment=marks, log=log, keep=keep)
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
        os.close(arguments)
    report = _Report()
    reader = asyncio.create_task(report.read(read))
    container = ContainerProcess(process, process.pid, asyncio.create_task(_exit_code(process)), jailed=True)
    container._reader = reader  # noqa: SLF001  # kept from the garbage collector
    try:
        await asyncio.wait_for(report.begun.wait(), _STARTING_SECONDS)
    except TimeoutError as e:
        container.kill()
        raise StartError(f"bubblewrap did not begin within {_STARTING_SECONDS:.0f} s") from e
    container.inner = report.pid or process.pid
    limit_files(container.inner, launch.open_files)
    await _executed(container)
    if container.exit.done():
        await reader
    if container.exit.done() and report.exit_code is None:
        raise StartError(_complaint(launch.log, beginning) or "the container ended before its command began")
    if container.exit.done() and launch.namespace is not None and report.exit_code in _NOT_EXECUTED:
        complaint = _complaint(launch.log, beginning)
        if complaint:
            raise StartError(complaint)
    return container


def _arguments(environment: Mapping[str, str]) -> int:
    """Return a descriptor from which bubblewrap reads the container's variables: other users can see command lines."""
    words = [word for name, value in environment.items() for word in ("--setenv", name, value)]
    descriptor = os.memfd_create("bubblewrap-arguments", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(b"".join(os.fsencode(word) + b"\0" for word in words))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


class _Report:
    """What bubblewrap says about the command, line by line until it ends."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.exit_code: int | None = None
        self.begun = asyncio.Event()

    async def read(self, descriptor: int) -> None:
        reader = asyncio.StreamReader()
        pipe = os.fdopen(descriptor, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            while line := await reader.readline():
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    self.pid = said.get("child-pid", self.pid)
                    self.exit_code = said.get("exit-code", self.exit_code)
                self.begun.set()
        finally:
            self.begun.set()
            transport.close()


async def _executed(container: ContainerProcess) -> None:
    """Wait until the inner process is no longer bubblewrap's own, or has ended."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_STARTING_SECONDS):
            while not container.exit.done():
                program = _program(container.inner)
                if program and program not in _OWN_PROGRAMS:
                    return
                await asyncio.wait([container.exit], timeout=_STARTING_POLL if program else None)


def _program(pid: int) -> str:
    """Return the name of the program that a process runs; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""


async def _exit_code(process: asyncio.subprocess.Process) -> int:
    """Return an exit code as a shell gives it: 128 and the signal's number for a process that was killed."""
    code = await process.wait()
    return 128 - code if code < 0 else code


def _complaint(log: Path, beginning: int) -> str:
    """Return the last words in a container's log of what was to start it; nothing where there are none."""
    with log.open("rb") as file:
        file.seek(max(beginning, log.stat().st_size - _LOG_TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    own = [line for line in lines if line.startswith(("bwrap: ", "setpriv: "))]
    if not own:
        return ""
    for beginning_words in _COMPLAINTS:
        match = _EXECUTION.fullmatch(own[-1].removeprefix(beginning_words))
        if own[-1].startswith(beginning_words) and match is not None:
            return missing_command(match["command"], match["reason"])
    return own[-1].partition(": ")[2]


def missing_command(command: str, reason: str = "No such file or directory") -> str:
    """Say in the runtime's words that a command cannot be executed."""
    if "/" not in command:
        return f'exec: "{command}": executable file not found in $PATH'
    what = f"stat {command}: " if reason.startswith("No such") else ""
    return f'exec: "{command}": {what}{reason[:1].lower()}{reason[1:]}'
