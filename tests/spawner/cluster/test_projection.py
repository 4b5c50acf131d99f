"""Raw objects to records."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from genkan_spawner.checks.demand import Demand
from genkan_spawner.cluster.projection import node_record, pod_record, priority_class_record, quota_record
from genkan_spawner.cluster.records import (
    NodeRecord,
    PodRecord,
    PriorityClassRecord,
    QuotaRecord,
    ScopeRule,
    Taint,
    TaintEffect,
)

from ...support.objects import node, pod, priority_class, quota


def test_a_node_keeps_what_the_scheduler_looks_at() -> None:
    taints = [
        {"key": "gpu", "value": "yes", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
    ]
    raw = node("a", allocatable={"cpu": "7900m", "nvidia.com/gpu": 2}, labels={"x": "y"}, taints=taints)
    raw["spec"]["unschedulable"] = True
    assert node_record(raw) == NodeRecord(
        name="a",
        labels={"x": "y"},
        taints=(
            Taint("gpu", "yes", TaintEffect.NO_SCHEDULE),
            Taint("node.kubernetes.io/unschedulable", "", TaintEffect.NO_SCHEDULE),
        ),
        unschedulable=True,
        ready=True,
        allocatable={"cpu": 7900, "nvidia.com/gpu": 2000},
    )


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_node_is_ready_only_if_it_says_so(status: str) -> None:
    assert not node_record(node(ready=status)).ready


def test_a_node_without_labels_and_status_is_a_node() -> None:
    assert node_record({"metadata": {"name": "bare"}}) == NodeRecord(
        name="bare", labels={}, taints=(), unschedulable=False, ready=False, allocatable={}
    )


def test_a_pod_keeps_what_it_holds_and_no_label_that_nobody_needs() -> None:
    labels = {
        "component": "singleuser-server",
        "hub.jupyter.org/username": "alice",
        "job-name": "x",
        "genkan.dev/a": "b",
    }
    raw = pod(
        "jupyter-alice",
        node="gpu-0",
        requests={"cpu": "1", "nvidia.com/gpu": "2"},
        metadata={"labels": labels, "deletionTimestamp": "2026-11-01T11:00:00Z"},
        priority=1000,
        priorityClassName="normal",
        preemptionPolicy="Never",
    )
    assert pod_record(raw) == PodRecord(
        uid="uid-jupyter-alice",
        namespace="team",
        name="jupyter-alice",
        node="gpu-0",
        requests={"cpu": 1000, "nvidia.com/gpu": 2000},
        priority=1000,
        priority_class="normal",
        created=datetime(2026, 11, 1, 10, tzinfo=UTC),
        terminating=True,
        never_preempts=True,
        labels={k: v for k, v in labels.items() if k != "job-name"},
    )


def test_a_pod_that_waits_keeps_its_demand() -> None:
    raw = pod(schedulingGates=[{"name": "x"}], status={"nominatedNodeName": "gpu-1"})
    record = pod_record(raw)
    assert record is not None
    assert (record.node, record.gated, record.nominated_node) == (None, True, "gpu-1")
    assert isinstance(record.demand, Demand)
    assert record.demand.requests["cpu"] == record.requests["cpu"]


@pytest.mark.parametrize(
    ("conditions", "looked_at"), [([], False), ([{"type": "PodScheduled", "reason": "New"}], True)]
)
def test_it_is_told_whether_a_scheduler_has_said_anything(conditions: list[Any], *, looked_at: bool) -> None:
    record = pod_record(pod(status={"conditions": conditions}))
    assert record is not None
    assert record.looked_at is looked_at


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_not_kept(phase: str) -> None:
    assert pod_record(pod(node="gpu-0", phase=phase)) is None


def test_a_quota_is_what_its_status_says() -> None:
    raw = quota(
        hard={"requests.cpu": "10", "pods": "5"},
        used={"requests.cpu": "1500m", "pods": 2},
        scopes=["NotTerminating"],
        scopeSelector={
            "matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]},
                {"scopeName": "BestEffort", "operator": "Exists"},
            ]
        },
    )
    raw["spec"]["hard"] = {"requests.cpu": "20"}  # changed, and not in force yet
    assert quota_record(raw) == QuotaRecord(
        namespace="team",
        name="gpus",
        hard={"requests.cpu": 10_000, "pods": 5000},
        used={"requests.cpu": 1500, "pods": 2000},
        scopes=(
            ScopeRule("NotTerminating", "Exists"),
            ScopeRule("PriorityClass", "In", ("high",)),
            ScopeRule("BestEffort", "Exists"),
        ),
    )


def test_a_quota_without_a_status_limits_nothing_yet() -> None:
    raw = quota()
    del raw["status"]
    assert quota_record(raw).hard == {}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (priority_class("high", value=9), PriorityClassRecord("high", 9)),
        (
            priority_class("low", preemptionPolicy="Never", globalDefault=True),
            PriorityClassRecord("low", 1000, never_preempts=True, is_default=True),
        ),
    ],
    ids=["plain", "default that preempts nobody"],
)  # fmt: skip
def test_a_priority_class(raw: dict[str, object], expected: PriorityClassRecord) -> None:
    assert priority_class_record(raw) == expected


def test_amounts_that_cannot_be_read_are_left_out_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    bad = pod("odd", node="gpu-0", requests={"cpu": "many", "memory": "1Gi"})
    for _ in range(3):
        assert quota_record(quota("odd", hard={"pods": "5", "cpu": "lots"}, used={"cpu": "?"})).hard == {"pods": 5000}
        assert node_record(node("odd", allocatable={"cpu": "8", "memory": "32 GB"})).allocatable == {"cpu": 8000}
        record = pod_record(bad)
        assert record is not None
        assert set(record.requests) == {"memory"}
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == len(set(told)) == 4
    assert "The amount of cpu of quota team/odd cannot be read and is left out: 'lots' is no quantity" in told[0]


def test_the_same_labels_and_amounts_are_held_once() -> None:
    one, other = pod_record(pod("a", node="x")), pod_record(pod("b", node="x"))
    assert one is not None
    assert other is not None
    assert one.requests is other.requests
    assert one.labels is other.labels
