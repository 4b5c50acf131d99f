"""How fast a sandbox brings simulated pods to Running, and whether it holds many of them."""

import asyncio
from dataclasses import dataclass

import httpx

from benchmarks.records import Finding, MemoryReading, Outcome, Series, Unit
from benchmarks.sandboxes import Sandbox, running_sandbox
from benchmarks.simulated_pods import Growth, PodCrowd
from benchmarks.workbench import Workbench
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import NODES

METHOD = """\
`genkan-sandbox up --simulate --site large --no-hub`: 130 nodes, 560 GPUs. The benchmark creates pods like those of
KubeSpawner through the API, 64 requests at a time, in the users' namespace, which has a quota. The rates are from the
first creation to the last acceptance, and to the last pod's Running as a watch tells it; each comes from a new sandbox.
In the last one pods are added, and after a while everything is counted and every pod's server is asked to answer."""

OPTIONS = ("--site", "large", "--simulate", "--no-hub")


@dataclass(frozen=True, slots=True)
class Scale:
    """How many, and for how long."""

    sandboxes: int
    rated: int
    """Pods whose creation is timed."""

    held: int
    """Pods at the end."""

    seconds: float
    """How long they are held."""


FULL = Scale(sandboxes=3, rated=2000, held=3000, seconds=60)
QUICK = Scale(sandboxes=1, rated=100, held=150, seconds=5)


async def measure(bench: Workbench) -> Outcome:
    """Rate a first crowd in several sandboxes, and hold a larger one in the last."""
    scale = QUICK if bench.quick else FULL
    growths: list[Growth] = []
    findings: tuple[Finding, ...] = ()
    readings: tuple[MemoryReading, ...] = ()
    for number in range(scale.sandboxes):
        title = f"Creating {scale.rated:,} simulated pods ({number + 1} of {scale.sandboxes})"
        with bench.progress.step(title):
            async with (
                running_sandbox(bench.folder / f"large-{number}", *OPTIONS) as sandbox,
                PodCrowd.on(sandbox) as crowd,
            ):
                growths.append(await crowd.grow(scale.rated))
                if number + 1 == scale.sandboxes:
                    before = await sandbox.status()
                    await crowd.grow(scale.held - scale.rated)
                    await asyncio.sleep(scale.seconds)
                    findings = await _count(sandbox, crowd, scale, before=before)
                    readings = (await sandbox.memory(f"{scale.held:,} simulated pods"),)
    return Outcome(
        title="Simulated pods", method=METHOD, series=_series(growths, scale), findings=findings, memory=readings
    )


def _series(growths: list[Growth], scale: Scale) -> tuple[Series, ...]:
    created = tuple(growth.count / growth.created for growth in growths)
    running = tuple(growth.count / growth.running for growth in growths)
    return (
        Series(label=f"{scale.rated:,} pods Running", unit=Unit.PODS_PER_SECOND, samples=running),
        Series(label=f"{scale.rated:,} pods created", unit=Unit.PODS_PER_SECOND, samples=created),
    )


async def _count(
    sandbox: Sandbox, crowd: PodCrowd, scale: Scale, *, before: dict[str, tuple[int, int]]
) -> tuple[Finding, ...]:
    """See what is left of everything after the pods were held."""
    async with await KubernetesApi.connect(sandbox.ready.kubeconfig) as api:
        nodes = await api.list(NODES)
    addresses = await crowd.addresses()
    answers = await _answering(addresses)
    after = await sandbox.status()
    ended = [name for name, (pid, _) in before.items() if after.get(name, (0, 0))[0] != pid]
    held = f"after {scale.seconds:.0f} s with {scale.held:,} pods"
    return (
        Finding(label=f"Running {held}", text=f"{len(addresses):,} of {scale.held:,}"),
        Finding(label=f"answering {held}", text=f"{answers:,} of {scale.held:,}"),
        Finding(label=f"nodes Ready {held}", text=f"{sum(map(_ready, nodes))} of {len(nodes)}"),
        Finding(label="components that ended meanwhile", text=", ".join(ended) or "none"),
    )


async def _answering(addresses: list[str]) -> int:
    """Count the addresses that answer 200, asking a few at a time."""
    waiting = iter(addresses)
    count = 0

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal count
        for address in waiting:
            try:
                answer = await client.get(f"http://{address}/api")
            except httpx.HTTPError:
                continue
            count += answer.status_code == httpx.codes.OK

    async with httpx.AsyncClient(timeout=10, trust_env=False) as client, asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(ask(client))
    return count


def _ready(node: JsonObject) -> bool:
    return any(row["type"] == "Ready" and row["status"] == "True" for row in node["status"].get("conditions", []))
