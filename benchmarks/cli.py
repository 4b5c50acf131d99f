"""The command `python -m benchmarks`."""

import asyncio
import signal
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
import typer

from benchmarks import catalogue, cluster_page, cost, fixture, form, lab, memory, pods, race, start, storm, truth
from benchmarks.exceptions import BenchmarkError
from benchmarks.machine import ROOT, describe_commit, describe_machine, describe_versions, load_average
from benchmarks.records import Conditions, Result, Results
from benchmarks.rendering import render, render_result
from benchmarks.workbench import Benchmark, Workbench
from genkan_sandbox.binaries import Binaries, prepare
from genkan_sandbox.exceptions import SandboxError
from genkan_sandbox.progress import Progress, open_progress
from genkan_sandbox.state import default_cache_directory
from genkan_spawner.exceptions import KubernetesError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class Name(StrEnum):
    """What can be measured."""

    START = "start"
    LAB = "lab"
    MEMORY = "memory"
    PODS = "pods"
    RACE = "race"
    FORM = "form"
    STORM = "storm"
    COST = "cost"
    TRUTH = "truth"
    FIXTURE = "fixture"
    CATALOGUE = "catalogue"
    CLUSTER_PAGE = "cluster-page"


BENCHMARKS: dict[Name, Benchmark] = {
    Name.START: start.measure,
    Name.LAB: lab.measure,
    Name.MEMORY: memory.measure,
    Name.PODS: pods.measure,
    Name.RACE: race.measure,
    Name.FORM: form.measure,
    Name.STORM: storm.measure,
    Name.COST: cost.measure,
    Name.TRUTH: truth.measure,
    Name.FIXTURE: fixture.measure,
    Name.CATALOGUE: catalogue.measure,
    Name.CLUSTER_PAGE: cluster_page.measure,
}

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def measure(
    names: Annotated[list[Name] | None, typer.Argument(help="Which ones; all of them unless named.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few samples, to see that it works.")] = False,
    full: Annotated[bool, typer.Option("--full", help="As many as promises name; `storm` then takes an hour.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where RESULTS.md and results.json go.", show_default="benchmarks, if not quick"
        ),
    ] = None,
) -> None:
    """Measure Genkan on sandboxes of its own, print the tables and write them down."""
    folder = output or (None if quick else ROOT / "benchmarks")
    progress = open_progress()
    try:
        asyncio.run(_run(names or list(Name), quick=quick, full=full, folder=folder, progress=progress))
    except* (BenchmarkError, KubernetesError, SandboxError, httpx.HTTPError) as group:
        progress.say(f"benchmarks: {_first(group)}")
        raise typer.Exit(1) from None
    except* (KeyboardInterrupt, asyncio.CancelledError):
        progress.say("benchmarks: interrupted; results from before are kept.")
        raise typer.Exit(INTERRUPTED) from None


async def _run(names: list[Name], *, quick: bool, full: bool, folder: Path | None, progress: Progress) -> None:
    """Run one benchmark after the other and write down each as soon as it is done."""
    _end_on_signals()
    binaries = await asyncio.to_thread(prepare, cache=default_cache_directory(), progress=progress)
    for name in dict.fromkeys(names):
        result = await _measure(name, binaries, quick=quick, full=full, progress=progress)
        sys.stdout.write(f"{render_result(result)}\n")
        sys.stdout.flush()
        if folder is not None:
            _write(folder, result)


async def _measure(name: Name, binaries: Binaries, *, quick: bool, full: bool, progress: Progress) -> Result:
    started, load_before = datetime.now(tz=UTC).replace(microsecond=0), load_average()
    with TemporaryDirectory(prefix="genkan-benchmark-") as folder:
        outcome = await BENCHMARKS[name](
            Workbench(Path(folder), progress=progress, quick=quick, binaries=binaries, full=full)
        )
    conditions = Conditions(
        started=started,
        commit=describe_commit(),
        machine=describe_machine(),
        versions=describe_versions(binaries),
        load_before=load_before,
        load_after=load_average(),
        quick=quick,
    )
    return Result(name=name, outcome=outcome, conditions=conditions)


def _write(folder: Path, result: Result) -> None:
    """Put the result beside those of other benchmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    records = folder / "results.json"
    earlier = Results.model_validate_json(records.read_text()) if records.exists() else Results()
    results = earlier.with_result(result)
    records.write_text(results.model_dump_json(indent=1) + "\n")
    (folder / "RESULTS.md").write_text(render(results))


def _end_on_signals() -> None:
    """Let SIGTERM and a closed terminal end the sandboxes as Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def main() -> None:
    """Run the command."""
    app(prog_name="python -m benchmarks")
