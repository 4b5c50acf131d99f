"""Whether verdicts come true when machines fill up: six pods on five workstations, in every order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from benchmarks.records import Finding, Outcome
from benchmarks.sandboxes import running_sandbox
from benchmarks.trials import End, Trial, try_all, until_gone
from benchmarks.truth_states import pod
from benchmarks.workbench import Workbench
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.preflight import examine
from genkan_spawner.checks.reading import read_snapshot
from genkan_spawner.kinds import PODS

METHOD = """\
Two workstations A (8 cores, 50 GB, two 2080 Ti) and three B (4 cores, 20 GB, one 1080). Four pods X (4 cores, 20 GB),
one Y (2 cores, 20 GB, one 2080 Ti) and one Z (4 cores, 30 GB) come one after the other, in each of the 30 orders,
under the scheduler's default policy and under the packing one. All of them fit, but only a scheduler that packs
leaves Z its place in every order. Before each start the verdict is asked for; it agrees if it says what the scheduler
then does."""

POLICIES = {"default": "false", "packing": "true"}
"""Each with its value of `packing` in a site file."""

GPU, PRODUCT = "nvidia.com/gpu", "nvidia.com/gpu.product"
FIRST_CARD, SECOND_CARD = "NVIDIA-GeForce-RTX-2080-Ti", "NVIDIA-GeForce-GTX-1080"
LOAD = "XXXXYZ"
SIZES: dict[str, JsonObject] = {
    "X": {"cpu": "4", "memory": "20Gi"},
    "Y": {"cpu": "2", "memory": "20Gi", GPU: "1"},
    "Z": {"cpu": "4", "memory": "30Gi"},
}
SITE = """\
description: Five workstations.
scheduler: {{packing: {packing}}}
pools:
  - {{name: a, count: 2, cpu: 8, memory: 50Gi, devices: [{{count: 2, product: {first}}}]}}
  - {{name: b, count: 3, cpu: 4, memory: 20Gi, devices: [{{count: 1, product: {second}}}]}}
namespaces: [{{name: genkan}}]
"""


@dataclass(frozen=True, slots=True)
class Order:
    """One order in which the pods came, and what was foretold and came of each."""

    order: str
    trials: tuple[Trial, ...]

    @property
    def complete(self) -> bool:
        """Whether every pod got a place."""
        return all(trial.truth.end is End.PLACED for trial in self.trials)


async def measure(bench: Workbench) -> Outcome:
    """Try all orders under each policy."""
    orders = sorted({"".join(order) for order in permutations(LOAD)})
    if bench.quick:
        orders = orders[::10]
    found = {policy: await _policy(bench, policy, orders) for policy in POLICIES}
    findings = [finding for policy, tried in found.items() for finding in _told(policy, tried)]
    return Outcome(title="Verdicts while workstations fill up", method=METHOD, findings=tuple(findings))


async def _policy(bench: Workbench, policy: str, orders: Sequence[str]) -> list[Order]:
    site = bench.folder / f"fixture-{policy}.yaml"
    _write_site(site, packing=POLICIES[policy])
    async with (
        running_sandbox(bench.folder / f"fixture-{policy}", "--site", str(site), "--no-hub", "--simulate") as sandbox,
        await KubernetesApi.connect(sandbox.ready.kubeconfig) as api,
    ):
        with bench.progress.step(f"Filling workstations in {len(orders)} orders, {policy} policy") as step:
            tried = []
            for number, order in enumerate(orders):
                step.update(fraction=number / len(orders))
                tried.append(Order(order, tuple([await _start(api, order, index) for index in range(len(order))])))
                await _clear(api, sandbox.ready.namespace)
    return tried


async def _start(api: KubernetesApi, order: str, index: int) -> Trial:
    kind = order[index]
    name = f"{order.lower()}-{index}"
    spec = {"nodeSelector": {PRODUCT: FIRST_CARD}} if kind == "Y" else {}
    manifest = pod(name, namespace="genkan", requests=SIZES[kind], limits=SIZES[kind], spec=spec)
    verdict = examine(demand_of(manifest), await read_snapshot(api))
    truths = await try_all(api, [manifest])
    return Trial(manifest, verdict, truths[name])


async def _clear(api: KubernetesApi, namespace: str) -> None:
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
    await api.request("DELETE", PODS.path(namespace=namespace), body=options)
    await until_gone(api, namespace)


def _write_site(file: Path, *, packing: str) -> None:
    file.write_text(SITE.format(packing=packing, first=FIRST_CARD, second=SECOND_CARD))


def _told(policy: str, tried: Sequence[Order]) -> tuple[Finding, ...]:
    trials = [trial for one in tried for trial in one.trials]
    agreed = sum(trial.agrees for trial in trials)
    agreeing = sum(all(trial.agrees for trial in one.trials) for one in tried)
    complete = sum(one.complete for one in tried)
    return (
        Finding(label=f"verdicts that came true, {policy} policy", text=f"{agreed} of {len(trials)}"),
        Finding(label=f"orders in which all did, {policy} policy", text=f"{agreeing} of {len(tried)}"),
        Finding(label=f"orders in which all pods fitted, {policy} policy", text=f"{complete} of {len(tried)}"),
        *(
            Finding(label=f"case {trial.manifest['metadata']['name']}, {policy} policy", text=trial.case)
            for trial in trials
            if not trial.agrees
        ),
    )
