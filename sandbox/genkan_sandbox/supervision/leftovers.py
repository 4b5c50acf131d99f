"""Find and end every process of a sandbox, by the variable that each of them carries."""

import contextlib
import os
import time
from collections.abc import Iterator

import psutil

SANDBOX = "GENKAN_SANDBOX_ID"
"""Environment variable with the sandbox's id."""

COMPONENT = "GENKAN_SANDBOX_COMPONENT"
"""Environment variable with the component that started the process."""

_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""


def sandbox_processes(sandbox_id: str, *, component: str | None = None) -> list[psutil.Process]:
    """Return the processes of a sandbox, or of one component of it, except the calling one."""
    return list(_matching(sandbox_id, component))


def end_sandbox_processes(sandbox_id: str, *, component: str | None = None, grace: float = _GRACE) -> int:
    """End all of them and return how many there were; new ones that they start meanwhile are ended too."""
    ended = 0
    deadline = time.monotonic() + grace
    while processes := sandbox_processes(sandbox_id, component=component):
        ended = max(ended, len(processes))
        forced = time.monotonic() >= deadline
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill() if forced else process.terminate()
        psutil.wait_procs(processes, timeout=max(0.2, min(0.5, deadline - time.monotonic())))
        if time.monotonic() > deadline + 3 * _GRACE:
            break
    return ended


def _matching(sandbox_id: str, component: str | None) -> Iterator[psutil.Process]:
    own = os.getpid()
    for process in psutil.process_iter():
        if process.pid == own:
            continue
        try:
            environment = process.environ()
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
        except (psutil.Error, OSError):
            continue
        if environment.get(SANDBOX) == sandbox_id and component in {None, environment.get(COMPONENT)}:
            yield process
