"""Processes of containers found by the mark in their environment, wherever they hang in the process tree."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

SANDBOX_VARIABLE = "GENKAN_SANDBOX_ID"
"""The mark of all processes of one sandbox."""

CONTAINER_VARIABLE = "GENKAN_SANDBOX_CONTAINER"
"""The mark of all processes of one container, `POD-UID/NAME`."""

_MOST_ROUNDS, _QUIET_ROUNDS = 100, 2
_PAUSE = 0.005


def marked_processes(*marks: tuple[str, str]) -> Iterator[int]:
    """Yield processes that carry all marks, one with an empty value standing for any value.

    Raises ValueError for a sandbox without an id: nobody ever means the processes of all sandboxes.
    """
    if (SANDBOX_VARIABLE, "") in marks:
        raise ValueError("a sandbox without an id has no processes")
    wanted = [f"{name}={value}".encode() for name, value in marks]
    exact = [bool(value) for _, value in marks]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if all(
            any(variable == mark if whole else variable.startswith(mark) for variable in variables)
            for mark, whole in zip(wanted, exact, strict=True)
        ):
            yield int(entry.name)


def kill_container_processes(sandbox: str, *, container: str = "") -> int:
    """Kill what is left of one container, or of all containers of a sandbox; return how many processes there were.

    It looks again until it finds none twice in a row: processes may be starting others, and one that is just being
    started has no environment to be seen.
    """
    found: set[int] = set()
    quiet = 0
    for _ in range(_MOST_ROUNDS):
        pids = set(marked_processes((SANDBOX_VARIABLE, sandbox), (CONTAINER_VARIABLE, container)))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        found |= pids
        quiet = 0 if pids else quiet + 1
        if quiet == _QUIET_ROUNDS:
            break
        time.sleep(_PAUSE)
    return len(found)
