"""How long `genkan-sandbox up` takes until the hub answers, and how long it takes to stop."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import ROOT
from benchmarks.records import Outcome, Series, Unit
from benchmarks.sandboxes import made_sandbox, running_sandbox
from benchmarks.workbench import Workbench

SITE = "datacenter"

METHOD = """\
The site `datacenter`, with its hub, from the command to the ready file. With a new state there are certificates to
make, a store to fill and a site to apply; a kept one has all that. The programs are in the cache either way. A stop
lasts from SIGTERM to the end of the last process. `make up` is on a kept state, in a virtual environment that is up to
date."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many samples."""

    starts: int
    """On a new state, and as many on a kept one."""

    makes: int
    """Of `make up`; 0 leaves it out, for it changes the checkout's environment where that is out of date."""


FULL = Scale(starts=5, makes=5)
QUICK = Scale(starts=1, makes=0)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds."""

    new: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    make: list[float] = field(default_factory=list)
    stop: list[float] = field(default_factory=list)


async def measure(bench: Workbench) -> Outcome:
    """Start and stop sandboxes, one after the other."""
    scale = QUICK if bench.quick else FULL
    times = Times()
    rounds = scale.starts + (scale.makes + 1 if scale.makes else 0)
    with bench.progress.step("Starting and stopping sandboxes") as step:
        for number in range(rounds):
            step.update(fraction=number / rounds)
            if number < scale.starts:
                with TemporaryDirectory(dir=bench.folder) as folder:
                    await _start(Path(folder) / "state", times.new, times.stop)
                    await _start(Path(folder) / "state", times.kept, times.stop)
            else:
                async with made_sandbox(bench.folder / "made", checkout=ROOT) as sandbox:
                    times.make.append(sandbox.ready_seconds)
    return Outcome(title="Start of a sandbox", method=METHOD, series=_series(times))


async def _start(root: Path, starts: list[float], stops: list[float]) -> None:
    async with running_sandbox(root, "--site", SITE) as sandbox:
        starts.append(sandbox.ready_seconds)
        stops.append(await sandbox.stop())


def _series(times: Times) -> tuple[Series, ...]:
    rows = {
        "ready, new state": times.new,
        "ready, kept state": times.kept,
        # The first one makes the state, and brings the environment up to date where it is not.
        "ready by `make up`, kept state": times.make[1:],
        "stop": times.stop,
    }
    return tuple(
        Series(label=label, unit=Unit.SECONDS, samples=tuple(samples)) for label, samples in rows.items() if samples
    )
