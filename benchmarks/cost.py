"""What the view of the cluster takes in memory and processor time."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.exceptions import BenchmarkError
from benchmarks.instruments.watch_cost import WatchCost
from benchmarks.machine import ROOT
from benchmarks.processes import bond
from benchmarks.records import Outcome, Series, Table, Unit
from benchmarks.summaries import percentile
from benchmarks.workbench import Workbench

METHOD = """\
`ClusterCache` alone in a process, with 130 nodes. Lists and watch come from a server of the benchmark's own, in another
process, because the real one takes minutes to be filled with so many pods; a pod has about eight kilobytes, as the API
server keeps it. After everything is loaded, twenty pods change and five snapshots are taken each second. Memory is what
the process has grown by, and at its most; stalls are how late the event loop came back from a sleep of 10 ms. The stock
KubeSpawner has no such view."""

CHANGES_PER_SECOND = 20

SIZES, QUICK_SIZES = (10_000, 50_000), (500,)
ROUNDS, QUICK_ROUNDS = 3, 1
SECONDS, QUICK_SECONDS = 20.0, 1.0

_MODULES = "benchmarks.instruments"


async def measure(bench: Workbench) -> Outcome:
    """Measure several sizes in turns."""
    sizes = QUICK_SIZES if bench.quick else SIZES
    costs: dict[int, list[WatchCost]] = {size: [] for size in sizes}
    for number in range(QUICK_ROUNDS if bench.quick else ROUNDS):
        for size in sizes:
            with bench.progress.step(f"Following {size:,} pods, round {number + 1}"):
                async with _feed(size) as url:
                    kubeconfig = _write_kubeconfig(bench.folder / "feed.kubeconfig", url)
                    seconds = QUICK_SECONDS if bench.quick else SECONDS
                    costs[size].append(await _weigh(kubeconfig, seconds=seconds))
    return Outcome(title="The view of the cluster", method=METHOD, series=_series(costs), tables=(_table(costs),))


@asynccontextmanager
async def _feed(pods: int) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *bond(),
        *(sys.executable, "-m", f"{_MODULES}.feed", str(pods), str(CHANGES_PER_SECOND)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        url = (await process.stdout.readline()).decode().strip() if process.stdout is not None else ""
        if not url:
            raise BenchmarkError("The server that the pods should come from did not start.")
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _weigh(kubeconfig: Path, *, seconds: float) -> WatchCost:
    process = await asyncio.create_subprocess_exec(
        *bond(),
        *(sys.executable, "-m", f"{_MODULES}.watch_cost", str(kubeconfig), str(seconds)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise BenchmarkError("The view of the cluster could not be measured; its process ended early.")
    return WatchCost.model_validate_json(printed)


def _write_kubeconfig(path: Path, url: str) -> Path:
    name = "feed"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {}}],
    }
    path.write_text(json.dumps(document))
    return path


def _series(costs: dict[int, list[WatchCost]]) -> tuple[Series, ...]:
    rows = [
        *((f"until {size:,} pods are loaded", [one.load_seconds for one in found]) for size, found in costs.items()),
        *((f"processor time of that, {size:,} pods", [one.load_cpu for one in found]) for size, found in costs.items()),
    ]
    return tuple(Series(label=label, unit=Unit.SECONDS, samples=tuple(samples)) for label, samples in rows)


def _table(costs: dict[int, list[WatchCost]]) -> Table:
    head = (
        "pods",
        "memory",
        "at most",
        "stall p99, loading",
        "max",
        "processor, following",
        "stall p99",
        "max",
        "first snapshot",
        "snapshot p99",
    )
    return Table(title="Medians of the rounds", head=head, rows=tuple(_row(*item) for item in costs.items()))


def _row(size: int, found: list[WatchCost]) -> tuple[str, ...]:
    def middle(values: list[float]) -> float:
        return percentile(values, 50)

    return (
        f"{size:,}",
        f"{middle([one.grown / 1e6 for one in found]):.0f} MB",
        f"{middle([one.peak / 1e6 for one in found]):.0f} MB",
        *(f"{1000 * middle([percentile(one.load_stalls, p) for one in found]):.0f} ms" for p in (99, 100)),
        f"{100 * middle([one.following_cpu / one.following_seconds for one in found]):.1f} %",
        *(f"{1000 * middle([percentile(one.following_stalls, p) for one in found]):.0f} ms" for p in (99, 100)),
        f"{1000 * middle([one.first_snapshot for one in found]):.1f} ms",
        f"{1000 * middle([percentile(one.snapshots, 99) for one in found]):.1f} ms",
    )
