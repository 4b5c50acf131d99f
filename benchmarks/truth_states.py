"""Random clusters and random demands on them, the same for the same seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from genkan_spawner.api import JsonObject

GROUP = "benchmarks.genkan.dev/state"
"""The label of all nodes of one state; all of its pods ask for it, so that states do not touch each other."""

DEFAULT_CLASS = "truth-usual"
CLASSES = {"truth-low": 10, DEFAULT_CLASS: 50, "truth-mid": 100, "truth-never": 500, "truth-high": 1000}
MISSING_CLASS = "truth-missing"

GPU, MIG_SMALL, MIG_LARGE, AMD = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "nvidia.com/mig-3g.40gb", "amd.com/gpu"
DEVICES: tuple[dict[str, int], ...] = (
    {},
    {GPU: 1},
    {GPU: 2},
    {GPU: 4},
    {GPU: 8},
    {MIG_SMALL: 7},
    {MIG_SMALL: 4, MIG_LARGE: 1},
    {GPU: 2, MIG_LARGE: 2},
    {AMD: 4},
)
TAINTS = (
    {"key": "dedicated", "value": "ml", "effect": "NoSchedule"},
    {"key": "dedicated", "value": "batch", "effect": "NoSchedule"},
    {"key": "spot", "effect": "NoExecute"},
    {"key": "slow", "value": "yes", "effect": "PreferNoSchedule"},
)
TOLERATIONS = (
    {"key": "dedicated", "operator": "Exists"},
    {"key": "dedicated", "value": "ml"},
    {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"},
    {"key": "spot", "operator": "Exists", "effect": "NoExecute"},
    {"key": "spot", "operator": "Exists", "effect": "NoSchedule"},
    {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"},
    {"operator": "Exists"},
)
EVERYTHING = [{"operator": "Exists"}]


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A few nodes, what runs on them, the quotas of a namespace, and pods to come one after the other."""

    name: str
    namespace: str
    nodes: tuple[JsonObject, ...]
    residents: tuple[JsonObject, ...]
    quotas: tuple[JsonObject, ...]
    demands: tuple[JsonObject, ...]


@dataclass(slots=True)
class _Room:
    cpu: int
    memory: int
    pods: int
    devices: dict[str, int] = field(default_factory=dict)


class StateMaker:
    """Makes states by a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # cases, not secrets

    def make(self, name: str, *, namespace: str, neighbour: str, demands: int) -> ClusterState:
        """Make one state; residents are in its namespace or the neighbour's."""
        rooms: dict[str, _Room] = {}
        nodes = [self._node(name, index, rooms) for index in range(self._random.randint(1, 4))]
        offered = [kind for room in rooms.values() for kind in room.devices]
        return ClusterState(
            name=name,
            namespace=namespace,
            nodes=tuple(nodes),
            residents=tuple(self._residents(name, rooms, (namespace, neighbour))),
            quotas=tuple(self._quotas(name, namespace)),
            demands=tuple(
                self._demand(name, namespace, index, nodes=list(rooms), offered=offered) for index in range(demands)
            ),
        )

    def _chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def _node(self, state: str, index: int, rooms: dict[str, _Room]) -> JsonObject:
        pick, name = self._random.choice, f"{state}-{index}"
        devices = dict(pick(DEVICES))
        room = _Room(
            cpu=pick((2000, 4000, 8000, 16000)),
            memory=pick((8, 16, 32, 64)),
            pods=self._random.randint(1, 4) if self._chance(12) else 110,
            devices=devices,
        )
        rooms[name] = room
        amounts = {
            "cpu": f"{room.cpu}m",
            "memory": f"{room.memory}Gi",
            "ephemeral-storage": "100Gi",
            "pods": str(room.pods),
            **{resource: str(count) for resource, count in devices.items()},
        }
        labels = {GROUP: state, "kubernetes.io/hostname": name, "kind": pick("ab"), "zone": pick("xy")}
        if self._chance(75):
            labels["rank"] = pick(("1", "2", "3", "10", "007", "one"))
        taints = {row["key"]: dict(row) for row in TAINTS if self._chance(8)}
        spec: JsonObject = {"taints": list(taints.values())}
        if self._chance(10):
            spec["unschedulable"] = True
        ready = "False" if self._chance(8) else "True"
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": spec,
            "status": {
                "capacity": amounts,
                "allocatable": dict(amounts),
                "conditions": [{"type": "Ready", "status": ready, "reason": "Benchmark", "message": ""}],
            },
        }

    def _residents(self, state: str, rooms: dict[str, _Room], namespaces: Sequence[str]) -> Iterator[JsonObject]:
        """Fill nodes with pods as far as they fit; they are put there without the scheduler."""
        number = 0
        for node, room in rooms.items():
            for _ in range(self._random.randint(0, 5)):
                cpu, memory = self._random.choice((0, 500, 1000, 2000, 4000)), self._random.choice((1, 2, 4, 8, 16))
                devices = {kind: self._random.randint(1, free) for kind, free in room.devices.items() if free > 0}
                devices = {kind: count for kind, count in devices.items() if self._chance(60)}
                if room.pods < 1 or cpu > room.cpu or memory > room.memory:
                    continue
                room.cpu, room.memory, room.pods = room.cpu - cpu, room.memory - memory, room.pods - 1
                for kind, count in devices.items():
                    room.devices[kind] -= count
                amounts = {"cpu": f"{cpu}m", "memory": f"{memory}Gi"} | {k: str(v) for k, v in devices.items()}
                spec = {"nodeName": node, "tolerations": EVERYTHING} | self._priority(missing=False)
                where = self._random.choice(namespaces)
                yield pod(f"{state}-resident-{number}", namespace=where, requests=amounts, limits=amounts, spec=spec)
                number += 1

    def _priority(self, *, missing: bool = True) -> JsonObject:
        if missing and self._chance(3):
            return {"priorityClassName": MISSING_CLASS}
        names = [name for name in CLASSES if name != DEFAULT_CLASS]
        return {"priorityClassName": self._random.choice(names)} if self._chance(75) else {}

    def _quotas(self, state: str, namespace: str) -> Iterator[JsonObject]:
        for index in range(self._random.choice((0, 0, 0, 1, 1, 2))):
            spec: JsonObject = {"hard": self._hard(), **self._scopes()}
            if spec.get("scopes") == ["BestEffort"]:
                spec["hard"] = {"pods": str(self._random.randint(0, 3))}
            yield {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": f"{state}-{index}", "namespace": namespace},
                "spec": spec,
            }

    def _hard(self) -> dict[str, str]:
        upto = self._random.randint
        offers = {
            "pods": str(upto(1, 12)),
            "count/pods": str(upto(2, 14)),
            "cpu": str(upto(2, 24)),
            "requests.cpu": f"{upto(4, 48) * 500}m",
            "requests.memory": f"{upto(4, 80)}Gi",
            "limits.cpu": str(upto(4, 32)),
            "limits.memory": f"{upto(8, 96)}Gi",
            f"requests.{GPU}": str(upto(0, 8)),
            f"requests.{MIG_SMALL}": str(upto(0, 7)),
        }
        names = self._random.sample(list(offers), self._random.randint(1, 3))
        return {name: offers[name] for name in names}

    def _scopes(self) -> JsonObject:
        kind = self._random.randrange(10)
        if kind == 0:
            return {"scopes": ["NotBestEffort"]}
        if kind == 1:
            return {"scopes": ["BestEffort"]}
        if kind == 2:  # noqa: PLR2004  # one of ten
            return {"scopes": [self._random.choice(("Terminating", "NotTerminating"))]}
        if kind < 7:  # noqa: PLR2004  # four of ten
            operator = self._random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
            row: JsonObject = {"scopeName": "PriorityClass", "operator": operator}
            if operator in {"In", "NotIn"}:
                row["values"] = self._random.sample(list(CLASSES), self._random.randint(1, 3))
            return {"scopeSelector": {"matchExpressions": [row]}}
        return {}

    def _demand(
        self, state: str, namespace: str, index: int, *, nodes: Sequence[str], offered: Sequence[str]
    ) -> JsonObject:
        requests: JsonObject = {}
        if not self._chance(8):
            requests = {
                "cpu": f"{self._random.choice((0, 250, 500, 1000, 2000, 4000))}m",
                "memory": f"{self._random.choice((1, 1, 2, 4, 8, 16))}Gi",
            }
        device = {}
        if self._chance(50):
            kind = self._random.choice((*offered, *offered, *offered, GPU, MIG_SMALL, MIG_LARGE, AMD))
            device = {kind: str(self._random.choice((1, 1, 1, 1, 2, 4)))}
        limits = requests | device if self._chance(70) else device
        if requests and self._chance(10):
            requests["ephemeral-storage"] = self._random.choice(("1Gi", "60Gi", "200Gi"))
        if requests and self._chance(8):
            del requests[self._random.choice(list(requests))]
        name = f"{state}-demand-{index}"
        spec = self._placing(state, nodes) | self._priority() | self._shape()
        return pod(name, namespace=namespace, requests=requests | device, limits=limits, spec=spec)

    def _placing(self, state: str, nodes: Sequence[str]) -> JsonObject:
        spec: JsonObject = {"nodeSelector": {GROUP: state}}
        if self._chance(15):
            spec["nodeSelector"]["kind"] = self._random.choice("abc")
        if self._chance(35):
            spec["tolerations"] = self._random.sample(TOLERATIONS, self._random.randint(1, 2))
        if self._chance(25):
            spec["affinity"] = {"nodeAffinity": self._affinity(nodes)}
        return spec

    def _shape(self) -> JsonObject:
        """Return what changes how a pod counts."""
        spec: JsonObject = {}
        if self._chance(3):
            spec |= self._random.choice(({"priority": 100}, {"preemptionPolicy": "Never"}))
        if self._chance(6):
            whole = {"cpu": "12", "memory": "48Gi"}
            spec["resources"] = self._random.choice(({"limits": whole}, {"requests": whole}))
        if self._chance(12):
            spec["activeDeadlineSeconds"] = 100_000
        if self._chance(10):
            first = {"requests": {"cpu": self._random.choice(("100m", "3")), "memory": "1Gi"}}
            kind: JsonObject = self._random.choice(({}, {}, {"restartPolicy": "Always"}))
            spec["initContainers"] = [container("first", first) | kind]
        return spec

    def _affinity(self, nodes: Sequence[str]) -> JsonObject:
        terms = [self._term(nodes) for _ in range(self._random.randint(1, 2))]
        return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}

    def _term(self, nodes: Sequence[str]) -> JsonObject:
        if self._chance(15):
            operator = self._random.choice(("In", "NotIn"))
            return {
                "matchFields": [{"key": "metadata.name", "operator": operator, "values": [self._random.choice(nodes)]}]
            }
        rows: tuple[dict[str, Any], ...] = (
            {"key": "kind", "operator": "In", "values": self._random.sample("abc", 2)},
            {"key": "kind", "operator": "NotIn", "values": [self._random.choice("ab")]},
            {"key": "rank", "operator": "NotIn", "values": ["1", "2"]},
            {"key": "rank", "operator": "Exists"},
            {"key": "rank", "operator": "DoesNotExist"},
            {"key": "rank", "operator": "Gt", "values": [self._random.choice(("0", "2", "5"))]},
            {"key": "rank", "operator": "Lt", "values": [self._random.choice(("3", "10"))]},
            {"key": "zone", "operator": "In", "values": [self._random.choice("xy")]},
        )
        return {"matchExpressions": self._random.sample(rows, self._random.randint(1, 2))}


def container(name: str, resources: JsonObject) -> JsonObject:
    """Return a container as the manifest of a pod has it."""
    return {"name": name, "image": "registry.example.org/benchmarks/nothing:1", "resources": resources}


def pod(name: str, *, namespace: str, requests: JsonObject, limits: JsonObject, spec: JsonObject) -> JsonObject:
    """Return a pod that holds resources and is gone as soon as it is deleted."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [container("main", {"requests": requests, "limits": limits})],
            **spec,
        },
    }
