import asyncio
from collections.abc import AsyncIterator

import pytest

from genkan_sandbox.agent import reports
from genkan_sandbox.agent.faults import FaultBoard, fault_entry
from genkan_sandbox.agent.reports import StatusReport
from genkan_sandbox.agent.status import PodView, now
from genkan_spawner.exceptions import ConflictError, KubernetesError, UnreachableError
from genkan_spawner.kinds import PODS

from ...support.fake_cluster import FakeCluster
from .manifests import pod, pod_record


class Reporting:
    """The report of one pod on a fake cluster."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.cluster.put(PODS, pod())
        self.faults = FaultBoard()
        self.report = StatusReport(self.cluster, pod_record(), faults=self.faults)

    def publish(self, phase: str) -> None:
        self.report.publish(PodView("uid-pod", phase, now(), "127.254.1.1", "127.254.0.1"))

    def phase(self) -> str:
        found = self.cluster.find(PODS, "pod")
        assert found is not None
        return str(found["status"]["phase"])


@pytest.fixture
async def reporting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reporting]:
    monkeypatch.setattr(reports, "_PAUSE_FIRST", 0.001)
    made = Reporting()
    task = asyncio.create_task(made.report.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_only_the_latest_status_is_written(reporting: Reporting) -> None:
    for phase in ("Pending", "Running", "Failed"):
        reporting.publish(phase)
    await reporting.report.written(seconds=10)

    assert reporting.phase() == "Failed"
    assert reporting.cluster.calls["PATCH", "pods"] == 1


@pytest.mark.parametrize(
    "failure", [UnreachableError("no answer"), ConflictError("busy", status=409), KubernetesError("sick", status=500)]
)
async def test_a_status_is_written_until_it_is_there(reporting: Reporting, failure: KubernetesError) -> None:
    failures = iter([failure] * 5)
    reporting.cluster.fails = lambda _method, _path: next(failures, None)
    reporting.publish("Running")
    await reporting.report.written(seconds=10)

    assert reporting.phase() == "Running"
    assert reporting.cluster.calls["PATCH", "pods"] == 6


async def test_a_pod_that_is_gone_needs_no_status(reporting: Reporting) -> None:
    reporting.cluster.remove(PODS, "pod")
    reporting.publish("Running")
    await reporting.report.written(seconds=10)

    assert reporting.cluster.calls["PATCH", "pods"] == 1


async def test_waiting_for_a_status_has_an_end(reporting: Reporting) -> None:
    reporting.faults.post(fault_entry("silent-node", node="a-0"))
    reporting.publish("Running")
    await reporting.report.written(seconds=0.01)
    assert reporting.phase() == "Pending"

    reporting.faults.post({})
    await reporting.report.written(seconds=10)
    assert reporting.phase() == "Running"
