"""One supervised process: what it is, its start, its end and its log."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TAIL = 12
"""Lines of a log that a failure shows."""

_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Component:
    """What to start."""

    name: str
    """As people know it: `etcd`, `hub`."""

    command: tuple[str, ...]
    """The program and its arguments."""

    directory: Path
    """Where it runs."""

    log: Path
    """Where it writes; the one of the last sandbox run is kept beside it as NAME.previous.log."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside PATH, HOME and the locale."""

    grace: float = 5.0
    """Seconds between SIGTERM and SIGKILL."""

    def last_lines(self, count: int = TAIL) -> str:
        """Return the end of the log."""
        return last_lines(self.log, count)


def last_lines(log: Path, count: int) -> str:
    """Return the end of a file, however large it is."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES * max(1, count // TAIL)))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-count:])


class ComponentProcess:
    """A component while it runs, in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, component: Component, process: asyncio.subprocess.Process) -> None:
        self.component = component
        self.started = time.time()
        self._process = process

    @classmethod
    async def start(cls, component: Component, *, marks: Mapping[str, str]) -> "ComponentProcess":
        """Start the process; `marks` are the variables by which it and its children are found again."""
        with component.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *component.command,
                cwd=component.directory,
                env={**_base_environment(), **component.environment, **marks},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(component, process)

    @property
    def pid(self) -> int:
        """The process, which is also its session and group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    async def ended(self) -> int:
        """Wait for the end and return the exit status, negative for a signal."""
        return await self._process.wait()

    async def stop(self, *, grace: float) -> None:
        """End it: SIGTERM, and SIGKILL to its whole group after the grace."""
        if self.running:
            with suppress(ProcessLookupError):
                self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()


def _base_environment() -> dict[str, str]:
    """Pass on what programs need to work at all, and none of the user's other variables."""
    names = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER", "LOGNAME", "COVERAGE_PROCESS_START"}
    return {name: value for name, value in os.environ.items() if name in names}


def describe_exit(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
