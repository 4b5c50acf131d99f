"""Processes that a benchmark starts, and that end with it whatever happens."""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_OF_AN_OUTER_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}


async def launch(
    command: Sequence[str],
    *,
    output: Path,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> asyncio.subprocess.Process:
    """Start a command so that it is asked to stop if this process is killed; what it prints goes to a file."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_AN_OUTER_MAKE}
    with output.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *bond(),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env={**inherited, **(environment or {})},
            start_new_session=True,
        )


def bond() -> list[str]:
    """Return the words before a command that tie its life to ours, where the system has them."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv is not None else []


async def end(process: asyncio.subprocess.Process, *, within: float) -> None:
    """Ask a process to stop, and kill it if it has not after so many seconds."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(within):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
