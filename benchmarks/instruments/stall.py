"""How long a hub's event loop is held up: the latency of its health page, asked again and again.

A process of its own, `python -m benchmarks.instruments.stall URL`, so that nothing but the hub makes an answer late. It
says when it begins, asks until its standard input is closed, and then prints the latencies in seconds, as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from benchmarks.exceptions import BenchmarkError
from benchmarks.machine import ROOT
from benchmarks.processes import bond

EVERY = 0.05
"""Seconds between questions, whether the last one was answered or not."""

_ENDS_WITHIN = 60.0
"""Seconds from the end of the block to the last answer."""

_BEGUN = b"begun\n"

PATIENCE = aiohttp.ClientTimeout(total=30)


@dataclass(slots=True)
class Latencies:
    """Seconds; empty until the probe has ended."""

    samples: list[float] = field(default_factory=list)


@asynccontextmanager
async def probing(url: str) -> AsyncIterator[Latencies]:
    """Ask a page for as long as the block runs; the latencies are there after it."""
    latencies = Latencies()
    process = await asyncio.create_subprocess_exec(
        *bond(),
        sys.executable,
        "-m",
        "benchmarks.instruments.stall",
        url,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_ENDS_WITHIN):
            if process.stdout is None or await process.stdout.readline() != _BEGUN:
                raise BenchmarkError("The page whose latency is to be measured does not answer.")
        yield latencies
        async with asyncio.timeout(_ENDS_WITHIN):
            printed, _ = await process.communicate(b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise BenchmarkError("The page whose latency is measured stopped answering.")
    latencies.samples += json.loads(printed)


async def probe(url: str, *, begun: Callable[[], None], until: asyncio.Event) -> list[float]:
    """Return the seconds from when each question was due to its answer, and tell of a first one that does not count."""
    latencies: list[float] = []
    asked: set[asyncio.Task[None]] = set()

    async def ask(due: float) -> None:
        async with session.get(url) as answer:
            await answer.read()
            answer.raise_for_status()
        latencies.append(time.monotonic() - due)

    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        await ask(time.monotonic())
        latencies.clear()
        begun()
        due = time.monotonic()
        while not until.is_set():
            asked.add(asyncio.create_task(ask(due)))
            due += EVERY
            await asyncio.sleep(due - time.monotonic())
        await asyncio.gather(*asked)
    return latencies


async def _main(url: str) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)

    def say_begun() -> None:
        sys.stdout.buffer.write(_BEGUN)
        sys.stdout.flush()

    sys.stdout.write(json.dumps(await probe(url, begun=say_begun, until=ended)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
