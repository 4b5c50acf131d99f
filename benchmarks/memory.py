"""How much memory a sandbox takes, component by component."""

import asyncio

from benchmarks.records import MemoryReading, Outcome
from benchmarks.sandboxes import running_sandbox
from benchmarks.simulated_pods import PodCrowd
from benchmarks.workbench import Workbench

METHOD = """\
Resident memory as `genkan-sandbox status` tells it, children included, some seconds after the last change. Pages that
several processes share count for each of them. The simulated pods are on the site `large`, 130 nodes, and a server
answers on the address of each of them."""


async def measure(bench: Workbench) -> Outcome:
    """Read the memory of two sites with nothing to do, and of one with many pods."""
    count, settle = (50, 1.0) if bench.quick else (2000, 15.0)
    readings: list[MemoryReading] = []
    with bench.progress.step("Weighing the site datacenter"):
        async with running_sandbox(bench.folder / "datacenter", "--site", "datacenter") as sandbox:
            await asyncio.sleep(settle)
            readings.append(await sandbox.memory("`datacenter`, started"))
    with bench.progress.step(f"Weighing the site large with {count:,} simulated pods"):
        async with running_sandbox(bench.folder / "large", "--site", "large", "--simulate") as sandbox:
            await asyncio.sleep(settle)
            readings.append(await sandbox.memory("`large`, started"))
            async with PodCrowd.on(sandbox) as crowd:
                await crowd.grow(count)
                await asyncio.sleep(settle)
                readings.append(await sandbox.memory(f"`large`, {count:,} simulated pods"))
    return Outcome(title="Memory", method=METHOD, memory=tuple(readings))
