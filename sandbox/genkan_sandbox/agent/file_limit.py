"""How many files may be open: many for the agent, as many as usual for containers.

A program that closes all descriptors it could have, or keeps a table of them, takes minutes or gigabytes with the limit
that suits the agent.
"""

import contextlib
import resource
import shutil


def raise_file_limit() -> int:
    """Allow this process as many open files as the machine lets it; return how many it was allowed before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft


def limited(soft: int | None) -> list[str]:
    """Return what to put in front of a command so that it begins with a limit; nothing without util-linux."""
    program = shutil.which("prlimit")
    if soft is None or program is None:
        return []
    return [program, f"--nofile={'unlimited' if soft == resource.RLIM_INFINITY else soft}:", "--"]


def limit_files(pid: int, soft: int | None) -> None:
    """Set the limit of a process that has just been started; what it started before keeps the one it had."""
    if soft is None:
        return
    # A bubblewrap that is installed set-uid belongs to another user.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
