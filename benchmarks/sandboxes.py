"""Sandboxes as benchmarks use them: the real command, timed, and ended whatever happens."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from benchmarks.exceptions import BenchmarkError
from benchmarks.processes import end, launch
from benchmarks.records import MemoryReading
from genkan_sandbox.state import StateDirectory
from genkan_sandbox.supervision.components import last_lines
from genkan_sandbox.supervision.leftovers import end_sandbox_processes

READY_WITHIN = 300.0
"""Seconds until a sandbox that is not ready has failed."""

STOPPED_WITHIN = 60.0
"""Seconds until a sandbox that does not stop is killed."""

_POLL = 0.01
"""Seconds between looks for the ready file: the error of a start's duration."""

_SANDBOX = (sys.executable, "-m", "genkan_sandbox")


class User(BaseModel):
    """One account of a sandbox."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    password: str
    groups: tuple[str, ...]
    admin: bool


class Ready(BaseModel):
    """What a sandbox says of itself when it is ready."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None
    users: tuple[User, ...]
    kubeconfig: Path
    namespace: str
    gpu_metrics: str
    """Where the GPUs tell Prometheus what they do."""

    pids: dict[str, int]

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the ready file, which is written whole or not at all."""
        return cls.model_validate_json(file.read_text())


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that is ready, or was."""

    state: StateDirectory
    process: asyncio.subprocess.Process
    ready: Ready
    ready_seconds: float
    """From the start of the command to the ready file."""

    @property
    def url(self) -> str:
        """Where the hub answers."""
        if self.ready.url is None:
            raise BenchmarkError("This sandbox was started without a hub.")
        return self.ready.url

    async def stop(self) -> float:
        """Ask it to stop, as Ctrl-C does, and return the seconds until the last process was gone."""
        started = time.monotonic()
        self.process.terminate()
        async with asyncio.timeout(STOPPED_WITHIN):
            await self.process.wait()
        return time.monotonic() - started

    async def status(self) -> dict[str, tuple[int, int]]:
        """Return process and resident bytes of each component, as `genkan-sandbox status` tells them."""
        command = (*_SANDBOX, "status", "--json", "--state", str(self.state.root))
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        answer, _ = await process.communicate()
        if process.returncode != 0:
            raise BenchmarkError(f"The sandbox in {self.state.root} runs no more.")
        return {part["name"]: (part["pid"], part["memory_bytes"]) for part in json.loads(answer)["components"]}

    async def memory(self, situation: str) -> MemoryReading:
        """Read the memory of each component."""
        status = await self.status()
        return MemoryReading(situation=situation, components={name: held for name, (_, held) in status.items()})


@asynccontextmanager
async def running_sandbox(root: Path, *options: str | Path) -> AsyncIterator[Sandbox]:
    """Run `genkan-sandbox up` on any free port with its state in `root`."""
    ready_file = root.with_name(f"{root.name}.ready.json")
    command = [*_SANDBOX, "up", "--port", "0", "--state", str(root), "--ready-file", str(ready_file)]
    async with _running([*command, *map(str, options)], root=root, ready_file=ready_file) as sandbox:
        yield sandbox


@asynccontextmanager
async def made_sandbox(root: Path, *, checkout: Path) -> AsyncIterator[Sandbox]:
    """Run `make up` in a checkout."""
    ready_file = root.with_name(f"{root.name}.ready.json")
    command = ["make", "-C", str(checkout), "up", "PORT=0", f"STATE={root}", f"READY_FILE={ready_file}"]
    async with _running(command, root=root, ready_file=ready_file) as sandbox:
        yield sandbox


@asynccontextmanager
async def _running(command: Sequence[str], *, root: Path, ready_file: Path) -> AsyncIterator[Sandbox]:
    output = root.with_name(f"{root.name}.output")
    started = time.monotonic()
    process = await launch(command, output=output)
    try:
        await _until_ready(process, ready_file, output)
        seconds = time.monotonic() - started
        yield Sandbox(state=StateDirectory(root), process=process, ready=Ready.read(ready_file), ready_seconds=seconds)
    finally:
        await _end(process, root)


async def _until_ready(process: asyncio.subprocess.Process, ready_file: Path, output: Path) -> None:
    try:
        async with asyncio.timeout(READY_WITHIN):
            while not _exists(ready_file):
                if process.returncode is not None:
                    raise BenchmarkError(
                        f"The sandbox ended with exit status {process.returncode}:\n{last_lines(output, 20)}"
                    )
                await asyncio.sleep(_POLL)
    except TimeoutError as e:
        raise BenchmarkError(
            f"The sandbox was not ready within {READY_WITHIN:.0f} seconds:\n{last_lines(output, 20)}"
        ) from e


def _exists(file: Path) -> bool:
    return file.exists()


async def _end(process: asyncio.subprocess.Process, root: Path) -> None:
    """Stop what still runs: in order if it can be, by force if not."""
    await end(process, within=STOPPED_WITHIN)
    state = StateDirectory.existing(root)
    if state is not None:
        await asyncio.to_thread(end_sandbox_processes, state.id)
