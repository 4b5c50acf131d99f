"""Quotas as admission reads them: resources, scopes and what has to be given."""

from dataclasses import replace
from typing import Any

import pytest

from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.findings import State
from genkan_spawner.checks.quota import check_quota
from genkan_spawner.cluster.records import PriorityClassRecord, QuotaRecord, ScopeRule
from genkan_spawner.cluster.snapshot import Source

from .clusters import CLASSES, demand, manifest, pod, quota, snapshot

GPUS = "requests.nvidia.com/gpu"
NEIGHBOUR = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone", "namespaceSelector": {}}]
    }
}


def refused(size: str, *quotas: QuotaRecord, **spec: Any) -> bool:
    found = check_quota(demand(size, **spec), snapshot(quotas=quotas))
    return any(finding.state is State.REFUSED for finding in found)


@pytest.mark.parametrize(
    ("size", "hard", "used", "over"),
    [
        ("gpu=1", f"{GPUS}=4", f"{GPUS}=3", False),
        ("gpu=2", f"{GPUS}=4", f"{GPUS}=3", True),
        ("gpu=1", f"{GPUS}=0", f"{GPUS}=0", True),
        ("cpu=1", f"{GPUS}=0", f"{GPUS}=0", False),
        ("cpu=1", f"{GPUS}=1", f"{GPUS}=5", False),
        ("cpu=2", "requests.cpu=4", "requests.cpu=3", True),
        ("cpu=2", "cpu=4", "cpu=3", True),
        ("cpu=2", "limits.cpu=4", "limits.cpu=3", True),
        ("memory=2Gi", "memory=4Gi", "memory=3Gi", True),
        ("memory=2Gi", "requests.memory=4Gi", "requests.memory=2Gi", False),
        ("memory=2Gi", "limits.memory=4Gi", "limits.memory=3Gi", True),
        ("ephemeral-storage=2Gi", "requests.ephemeral-storage=1Gi", "", True),
        ("ephemeral-storage=2Gi", "limits.ephemeral-storage=1Gi", "", True),
        ("hugepages-2Mi=4Mi", "hugepages-2Mi=2Mi", "", True),
        ("hugepages-2Mi=4Mi", "requests.hugepages-2Mi=2Mi", "", True),
        ("cpu=1", "pods=3", "pods=3", True),
        ("cpu=1", "pods=3", "pods=2", False),
        ("cpu=1", "count/pods=3", "count/pods=3", True),
        ("cpu=1", "persistentvolumeclaims=1", "persistentvolumeclaims=1", False),
        ("cpu=1", "nvidia.com/gpu=0", "", False),
        ("nvidia.com/mig-1g.10gb=2", "requests.nvidia.com/mig-1g.10gb=1", "", True),
        ("nvidia.com/mig-1g.10gb=2", f"{GPUS}=1", "", False),
    ],
)
def test_each_resource_is_counted_by_its_names(size: str, hard: str, used: str, *, over: bool) -> None:
    assert refused(size, quota(hard, used)) is over


def scope(name: str, operator: str = "Exists", *values: str) -> ScopeRule:
    return ScopeRule(name, operator, values)


@pytest.mark.parametrize(
    ("rule", "spec", "counts"),
    [
        (scope("BestEffort"), {}, False),
        (scope("NotBestEffort"), {}, True),
        (scope("Terminating"), {}, False),
        (scope("Terminating"), {"activeDeadlineSeconds": 5}, True),
        (scope("NotTerminating"), {}, True),
        (scope("NotTerminating"), {"activeDeadlineSeconds": 5}, False),
        (scope("CrossNamespacePodAffinity"), {}, False),
        (scope("CrossNamespacePodAffinity"), {"affinity": NEIGHBOUR}, True),
        (scope("PriorityClass"), {}, False),
        (scope("PriorityClass"), {"priorityClassName": "low"}, True),
        (scope("PriorityClass", "DoesNotExist"), {}, True),
        (scope("PriorityClass", "DoesNotExist"), {"priorityClassName": "low"}, False),
        (scope("PriorityClass", "In", "low", "high"), {"priorityClassName": "low"}, True),
        (scope("PriorityClass", "In", "high"), {"priorityClassName": "low"}, False),
        (scope("PriorityClass", "In", "high"), {}, False),
        (scope("PriorityClass", "NotIn", "high"), {"priorityClassName": "low"}, True),
        (scope("PriorityClass", "NotIn", "low"), {"priorityClassName": "low"}, False),
        (scope("PriorityClass", "NotIn", "low"), {}, True),
        (scope("Novel"), {}, False),
    ],
    ids=lambda value: f"{value.scope} {value.operator}" if isinstance(value, ScopeRule) else "",
)
def test_a_quota_counts_what_is_in_its_scope(rule: ScopeRule, spec: dict[str, Any], *, counts: bool) -> None:
    assert refused("cpu=1", quota("pods=0", scopes=[rule]), **spec) is counts


def test_all_scopes_have_to_match() -> None:
    both = [scope("NotBestEffort"), scope("PriorityClass", "In", "low")]

    assert not refused("cpu=1", quota("pods=0", scopes=both))
    assert refused("cpu=1", quota("pods=0", scopes=both), priorityClassName="low")


def test_the_cluster_s_default_class_counts_as_named() -> None:
    classes = (*CLASSES, PriorityClassRecord("usual", 5, is_default=True))
    view = snapshot(quotas=[quota("pods=0", scopes=[scope("PriorityClass", "In", "usual")])], classes=classes)

    (found,) = check_quota(demand(), view)

    assert found.state is State.REFUSED


@pytest.mark.parametrize(
    ("hard", "missing"),
    [
        ("requests.memory=8Gi", True),
        ("memory=8Gi", True),
        ("limits.memory=8Gi", True),
        ("requests.cpu=8", False),
        ("cpu=8", False),
        ("limits.cpu=8", True),
        ("pods=8", False),
        (f"{GPUS}=8", False),
    ],
)
def test_what_a_quota_limits_has_to_be_given(hard: str, *, missing: bool) -> None:
    wanted = demand_of({"metadata": {"namespace": "team"}, "spec": {"containers": [_requesting("cpu")]}})

    (found,) = check_quota(wanted, snapshot(quotas=[quota(hard)]))

    assert (found.state is State.REFUSED) is missing
    if missing:
        assert found.message.endswith("Tell an administrator: the hardware has to be completed.")
        assert not found.ever


def _requesting(resource: str) -> dict[str, Any]:
    return {"name": "a", "resources": {"requests": {resource: "1"}}}


def test_pods_that_only_the_hub_knows_of_count_too() -> None:
    assumed = [pod("first", "gpu=1", namespace="team"), pod("foreign", "gpu=9")]
    view = snapshot(quotas=[quota(f"{GPUS}=2", f"{GPUS}=1")], assumed=assumed)

    (found,) = check_quota(demand("gpu=1", "second"), view)

    assert (found.state, found.used) == (State.REFUSED, "2")


def test_assumed_pods_count_where_they_are_in_scope() -> None:
    rule = [scope("PriorityClass", "In", "low")]
    other = pod("first", namespace="team", demand=demand("cpu=1", "first", priorityClassName="high"))
    same = pod("first", namespace="team", demand=demand("cpu=1", "first", priorityClassName="low"))
    unread = pod("first", namespace="team", demand=None)
    mine = demand(priorityClassName="low")

    states = [
        check_quota(mine, snapshot(quotas=[quota("pods=1", scopes=rule)], assumed=[assumed]))[0].state
        for assumed in (other, same, unread)
    ]

    assert states == [State.READY, State.REFUSED, State.READY]


def test_a_refusal_carries_the_numbers() -> None:
    view = snapshot(quotas=[quota(f"{GPUS}=4 requests.memory=64Gi", f"{GPUS}=3 requests.memory=60Gi", name="vision")])

    gpus, memory = check_quota(demand("gpu=2 memory=16Gi"), view)

    assert (gpus.resource, gpus.requested, gpus.used, gpus.limit, gpus.over_by) == (GPUS, "2", "3", "4", "1")
    assert (memory.requested, memory.used, memory.limit, memory.over_by) == ("16Gi", "60Gi", "64Gi", "12Gi")
    assert gpus.quota == "vision"


@pytest.mark.parametrize(
    ("size", "hard", "used", "sentence", "ever"),
    [
        (
            "gpu=2",
            f"{GPUS}=4",
            f"{GPUS}=3",
            (
                "Your team has 1 GPU left of its share of 4, and this needs 2. "
                "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share."
            ),
            True,
        ),
        (
            "gpu=2",
            f"{GPUS}=4",
            f"{GPUS}=4",
            (
                "Your team's share of GPUs is used up: 4 of 4 GPUs are in use, and this needs 2. "
                "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share."
            ),
            True,
        ),
        (
            "memory=16Gi",
            "requests.memory=64Gi",
            "requests.memory=60Gi",
            (
                "Your team has 4 GB of memory left of its share of 64 GB, and this needs 16 GB. "
                "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share."
            ),
            True,
        ),
        (
            "gpu=8",
            f"{GPUS}=4",
            "",
            (
                "This needs 8 GPUs, and your team's whole share is 4. "
                "Choose smaller hardware, or ask an administrator for a larger share."
            ),
            False,
        ),
        (
            "gpu=1",
            f"{GPUS}=0",
            "",
            "Your team has no share of GPUs, and this needs 1 GPU. Choose other hardware, or ask an administrator.",
            False,
        ),
        (
            "cpu=1",
            "pods=3",
            "pods=3",
            (
                "Your team may run 3 servers at a time, and 3 are running. "
                "Stop one first, or ask an administrator for a larger share."
            ),
            True,
        ),
        (
            "cpu=1",
            "pods=0",
            "",
            "Your team has no share here: it may run no servers. Choose another team, or ask an administrator.",
            False,
        ),
    ],
)
def test_a_refusal_is_a_sentence(size: str, hard: str, used: str, sentence: str, *, ever: bool) -> None:
    (found,) = check_quota(demand(size), snapshot(quotas=[quota(hard, used)]))

    assert (found.message, found.ever) == (sentence, ever)


def test_where_all_is_well_the_scarcest_device_is_told() -> None:
    view = snapshot(quotas=[quota(f"{GPUS}=4 pods=10", f"{GPUS}=1 pods=9"), quota(f"{GPUS}=9", name="wide")])

    (found,) = check_quota(demand("gpu=1"), view)

    assert (found.state, found.resource, found.used, found.limit) == (State.READY, GPUS, "1", "4")


def test_other_namespaces_do_not_matter() -> None:
    foreign = demand_of({**manifest("gpu=1"), "metadata": {"namespace": "elsewhere"}})

    (found,) = check_quota(foreign, snapshot(quotas=[quota(f"{GPUS}=0")]))

    assert found.state is State.READY


def test_what_was_never_read_is_unknown() -> None:
    (found,) = check_quota(demand(), snapshot(unknown=[Source.QUOTAS]))

    assert found.state is State.UNKNOWN


@pytest.mark.parametrize(("namespace", "state"), [("team", State.READY), ("elsewhere", State.UNKNOWN)])
def test_a_share_is_known_where_its_namespace_is_read(namespace: str, state: State) -> None:
    asking = replace(demand("gpu=1"), namespace=namespace)

    (found,) = check_quota(asking, snapshot(partial=[Source.QUOTAS]))

    assert found.state is state
