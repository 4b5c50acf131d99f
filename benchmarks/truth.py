"""Whether verdicts come true: random clusters and demands against the real scheduler and the real quota admission."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from benchmarks.records import Finding, Outcome
from benchmarks.sandboxes import running_sandbox
from benchmarks.trials import End, Trial, try_all
from benchmarks.truth_states import CLASSES, DEFAULT_CLASS, GROUP, ClusterState, StateMaker, pod
from benchmarks.workbench import Workbench
from genkan_sandbox.control_plane.bootstrap import default_account
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.checks.preflight import examine
from genkan_spawner.checks.reading import read_snapshot
from genkan_spawner.cluster.snapshot import Snapshot
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import KINDS, LEASES, NAMESPACES, NODES, PODS, PRIORITY_CLASSES, QUOTAS

METHOD = """\
Random states of a cluster, each of one to four nodes of its own in a sandbox: whole cards, MIG slices and cards of
another vendor, few pod slots, taints, cordons, nodes that are not ready, pods of two namespaces and five priorities
(one that never preempts, one that is the cluster's default in every second round), quotas with and without scopes.
Three random pods come to each, one after the other: requests and limits, selectors, required affinity with all
operators, tolerations, priorities, deadlines, init containers. Before each one `examine` gives the verdict on the
state as it is listed; then the pod is created and admission and scheduler have their say. A trial agrees if both say
the same: refused by admission, placed, placed after others were pushed out, or not placed. *False free* is a start
that was promised and did not come, *false full* one that was refused and would have come. Left open is what even
Kubernetes decides now so, now so: room that is made by preemption while another pod of higher priority, which may not
preempt, waits for it."""

T = TypeVar("T")

NEIGHBOUR = "truth-neighbour"
LEASE_NAMESPACE = "kube-node-lease"

_AT_ONCE = 48
_RENEW_SECONDS = 10.0
_POLL = 0.1
_SETTLED_WITHIN = 60.0
_EVICTION = "node.kubernetes.io/not-ready:NoExecute"
"""Comes at a tenth of a node per second, and all pods tolerate it for five minutes."""

_STEPS = 3
"""Pods that come to one state."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many states there are, and how many of them at a time."""

    rounds: int
    states: int


FULL = Scale(rounds=8, states=90)
QUICK = Scale(rounds=1, states=12)


async def measure(bench: Workbench) -> Outcome:
    """Try round after round; the seeds are the numbers of the rounds, so that a case can be had again."""
    scale = QUICK if bench.quick else FULL
    trials: list[Trial] = []
    async with (
        running_sandbox(bench.folder / "truth", "--site", "empty", "--no-hub") as sandbox,
        await KubernetesApi.connect(sandbox.ready.kubeconfig) as api,
    ):
        court = Court(api)
        with bench.progress.step("Making namespaces and priorities"):
            await court.prepare(scale.states)
        for number in range(scale.rounds):
            with bench.progress.step(f"Trying verdicts, round {number + 1} of {scale.rounds}"):
                trials += await court.round(number, states=scale.states)
    counts, cases = disagreements_and_counts(trials)
    title = "Verdicts against the real scheduler and the real quotas"
    return Outcome(title=title, method=METHOD, findings=(*counts, *cases))


class Court:
    """Sets states up, tries their demands and clears them away."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def prepare(self, states: int) -> None:
        """Make what all rounds share."""
        for name, value in CLASSES.items():
            if name != DEFAULT_CLASS:
                await self._api.create(PRIORITY_CLASSES, _priority_class(name, value))
        await _each([_namespace(index) for index in range(states)] + [NEIGHBOUR], self._make_namespace)

    async def round(self, number: int, *, states: int) -> list[Trial]:
        """Set up so many states, try all of their demands, and clear up."""
        maker = StateMaker(number)
        made = [
            maker.make(f"t{number}-{index}", namespace=_namespace(index), neighbour=NEIGHBOUR, demands=_STEPS)
            for index in range(states)
        ]
        if with_default := number % 2 == 1:
            await self._api.create(PRIORITY_CLASSES, _priority_class(DEFAULT_CLASS, CLASSES[DEFAULT_CLASS]))
        trials: list[Trial] = []
        async with self._standing(made, number):
            for step in range(_STEPS):
                trials += await self._try([state.demands[step] for state in made])
        if with_default:
            await self._api.delete(PRIORITY_CLASSES, DEFAULT_CLASS)
        return trials

    async def _try(self, manifests: Sequence[JsonObject]) -> list[Trial]:
        snapshot = await self._settled()
        outlook = Outlook.of(snapshot)
        verdicts = [examine(demand_of(manifest), snapshot, outlook=outlook) for manifest in manifests]
        truths = await try_all(self._api, manifests)
        return [
            Trial(manifest, verdict, truths[manifest["metadata"]["name"]])
            for manifest, verdict in zip(manifests, verdicts, strict=True)
        ]

    async def _settled(self) -> Snapshot:
        """Wait until nothing changes any more: quotas count what is gone a moment later."""
        before = await read_snapshot(self._api)
        async with asyncio.timeout(_SETTLED_WITHIN):
            while True:
                await asyncio.sleep(3 * _POLL)
                now = await read_snapshot(self._api)
                if (now.nodes, now.pending, now.quotas) == (before.nodes, before.pending, before.quotas):
                    return now
                before = now

    @asynccontextmanager
    async def _standing(self, states: Sequence[ClusterState], number: int) -> AsyncIterator[None]:
        nodes = [node for state in states for node in state.nodes]
        probe = _probe_node(number)
        await _each([*nodes, probe], self._create)
        renewing = asyncio.create_task(self._renew([node["metadata"]["name"] for node in [*nodes, probe]]))
        try:
            await self._until_marked(nodes)
            await _each([resident for state in states for resident in state.residents], self._create)
            await _each([quota for state in states for quota in state.quotas], self._create)
            await self._until_in_force()
            await self._probe(number)
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            await self._clear(states, [node["metadata"]["name"] for node in [*nodes, probe]])

    async def _create(self, manifest: JsonObject) -> None:
        await self._api.create(KINDS[manifest["kind"]], manifest, namespace=manifest["metadata"].get("namespace"))

    async def _make_namespace(self, name: str) -> None:
        await self._api.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        await default_account(self._api, name)

    async def _renew(self, nodes: Sequence[str]) -> None:
        """Give the signs of life that kubelets give."""

        async def renew(name: str) -> None:
            now = datetime.now(tz=UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            lease = {
                "apiVersion": LEASES.api_version,
                "kind": LEASES.name,
                "metadata": {"name": name, "namespace": LEASE_NAMESPACE},
                "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now},
            }
            with suppress(KubernetesError):
                await self._api.apply(lease, field_manager="benchmark")

        while True:
            await _each(nodes, renew, at_once=4)
            await asyncio.sleep(_RENEW_SECONDS)

    async def _until_marked(self, nodes: Sequence[JsonObject]) -> None:
        """Wait until the control plane has marked what is cordoned or not ready, and nothing else."""
        wanted = {node["metadata"]["name"]: _marks(node) for node in nodes}
        async with asyncio.timeout(_SETTLED_WITHIN):
            while True:
                found = {node["metadata"]["name"]: _keys(node) for node in await self._api.list(NODES)}
                if all(found[name] - {_EVICTION} == marks for name, marks in wanted.items()):
                    return
                await asyncio.sleep(_POLL)

    async def _until_in_force(self) -> None:
        async with asyncio.timeout(_SETTLED_WITHIN):
            while True:
                if all("used" in quota.get("status", {}) for quota in await self._api.list(QUOTAS)):
                    return
                await asyncio.sleep(_POLL)

    async def _probe(self, number: int) -> None:
        """See a pod placed: the scheduler, which watches in order, then knows all that was there before."""
        name = f"probe-{number}"
        amounts = {"cpu": "1m"}
        spec = {"nodeSelector": {GROUP: name}}
        await self._create(pod(name, namespace=NEIGHBOUR, requests=amounts, limits=amounts, spec=spec))
        async with asyncio.timeout(_SETTLED_WITHIN):
            while True:
                found = await self._api.get(PODS, name, namespace=NEIGHBOUR)
                if "nodeName" in found["spec"]:
                    return
                await asyncio.sleep(_POLL)

    async def _clear(self, states: Sequence[ClusterState], nodes: Sequence[str]) -> None:
        namespaces = [*(state.namespace for state in states), NEIGHBOUR]
        await _each(namespaces, self._empty)
        await _each(nodes, self._remove_node)

    async def _empty(self, namespace: str) -> None:
        """Delete all quotas and pods of a namespace, the former first, so that nothing is counted for them."""
        for kind in (QUOTAS, PODS):
            options = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
            await self._api.request("DELETE", kind.path(namespace=namespace), body=options)

    async def _remove_node(self, name: str) -> None:
        with suppress(NotFoundError):
            await self._api.delete(NODES, name)
        with suppress(NotFoundError):
            await self._api.delete(LEASES, name, namespace=LEASE_NAMESPACE)


async def _each(items: Iterable[T], act: Callable[[T], Awaitable[None]], *, at_once: int = _AT_ONCE) -> None:
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await act(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


def _namespace(index: int) -> str:
    return f"truth-{index}"


def _priority_class(name: str, value: int) -> JsonObject:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        "globalDefault": name == DEFAULT_CLASS,
        "preemptionPolicy": "Never" if name.endswith("never") else "PreemptLowerPriority",
    }


def _probe_node(number: int) -> JsonObject:
    amounts = {"cpu": "1", "memory": "1Gi", "pods": "10"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"probe-{number}", "labels": {GROUP: f"probe-{number}"}},
        "status": {"allocatable": amounts, "capacity": amounts, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def _keys(node: JsonObject) -> set[str]:
    return {f"{taint['key']}:{taint['effect']}" for taint in node["spec"].get("taints", [])}


def _marks(node: JsonObject) -> set[str]:
    """Return the taints that a node will have when the control plane has seen it."""
    marks = _keys(node)
    if node["spec"].get("unschedulable"):
        marks.add("node.kubernetes.io/unschedulable:NoSchedule")
    if any(row["type"] == "Ready" and row["status"] != "True" for row in node["status"]["conditions"]):
        marks.add("node.kubernetes.io/not-ready:NoSchedule")
    return marks


def disagreements_and_counts(trials: Sequence[Trial]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the counts, and every disagreement whole."""
    total = len(trials)
    left_open = sum(trial.left_open for trial in trials)
    agreed = sum(trial.agrees for trial in trials)
    ends = {end: sum(trial.truth.end is end for trial in trials) for end in End}
    counts = (
        Finding(label="states tried", text=f"{total:,}"),
        Finding(label="agreement", text=f"{agreed:,} of {total - left_open:,} ({agreed / (total - left_open):.2%})"),
        Finding(label="left open", text=str(left_open)),
        Finding(label="false free", text=str(sum(trial.false_free for trial in trials))),
        Finding(label="false full", text=str(sum(trial.false_full for trial in trials))),
        Finding(label="what came", text=", ".join(f"{end}: {count:,}" for end, count in ends.items() if count)),
    )
    cases = [
        Finding(label=f"case {trial.manifest['metadata']['name']}", text=trial.case)
        for trial in trials
        if not trial.agrees and not trial.left_open
    ]
    return counts, tuple(cases)
