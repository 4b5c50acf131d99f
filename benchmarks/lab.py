"""How long users wait for JupyterLab, with GenkanSpawner and with the stock KubeSpawner."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.records import Outcome, Series, Unit
from benchmarks.sandboxes import running_sandbox
from benchmarks.visitor import Visitor
from benchmarks.workbench import Workbench

STOCK = Path(__file__).with_name("stock") / "jupyterhub_config.py"

SPAWNERS: dict[str, tuple[str | Path, ...]] = {"GenkanSpawner": (), "KubeSpawner": ("--hub-config", STOCK)}
"""Each with the options of its sandbox."""

PROFILE = "cpu-small"

METHOD = """\
A user sends the form, follows the waiting page's events, and opens `/user/NAME/lab` through the proxy, over the
hub's sign-in and back, until it answers 200. Both spawners have a sandbox of their own, site `datacenter`, with the
same catalogue, homes and security settings; both sandboxes run all the time, and starts take turns: A B, B A, A B. One
start of each beforehand is not counted. A stop lasts from the request until the hub says that the server is gone."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that one spawner's user waited."""

    ready: list[float] = field(default_factory=list)
    lab: list[float] = field(default_factory=list)
    stop: list[float] = field(default_factory=list)


async def measure(bench: Workbench) -> Outcome:
    """Start and stop servers in turns."""
    rounds = 1 if bench.quick else 20
    waits = {name: Waits() for name in SPAWNERS}
    async with AsyncExitStack() as stack:
        visitors: dict[str, Visitor] = {}
        for name, options in SPAWNERS.items():
            with bench.progress.step(f"Starting a sandbox with {name}"):
                root = bench.folder / name.lower()
                sandbox = await stack.enter_async_context(running_sandbox(root, "--site", "datacenter", *options))
                visitors[name] = await stack.enter_async_context(Visitor.at(sandbox.url, sandbox.ready.users[0]))
                await _visit(visitors[name], Waits())
        with bench.progress.step("Starting servers") as step:
            for number in range(rounds):
                step.update(fraction=number / rounds)
                for name in list(SPAWNERS) if number % 2 == 0 else reversed(SPAWNERS):
                    await _visit(visitors[name], waits[name])
    return Outcome(title="From the click to JupyterLab", method=METHOD, series=_series(waits))


async def _visit(visitor: Visitor, waits: Waits) -> None:
    times = await visitor.start(PROFILE)
    waits.ready.append(times.ready)
    waits.lab.append(times.lab)
    waits.stop.append(await visitor.stop())


def _series(waits: dict[str, Waits]) -> tuple[Series, ...]:
    rows = [
        *((f"click to JupyterLab, {name}", found.lab) for name, found in waits.items()),
        *((f"click to the hub's word that it is ready, {name}", found.ready) for name, found in waits.items()),
        *((f"stop, {name}", found.stop) for name, found in waits.items()),
        ("click to JupyterLab, GenkanSpawner less KubeSpawner of the same round", _differences(waits)),
    ]
    return tuple(Series(label=label, unit=Unit.SECONDS, samples=tuple(samples)) for label, samples in rows)


def _differences(waits: dict[str, Waits]) -> list[float]:
    """Return by how much longer each start took with GenkanSpawner: what else was going on in a round cancels out."""
    ours, stock = (waits[name].lab for name in SPAWNERS)
    return [one - other for one, other in zip(ours, stock, strict=True)]
