import pytest

from genkan_sandbox.agent import removal
from genkan_sandbox.agent.records import project_pod
from genkan_sandbox.agent.removal import lost_patch, remove_pod
from genkan_spawner.exceptions import UnreachableError
from genkan_spawner.kinds import PODS

from ...support.fake_cluster import FakeCluster
from .manifests import container, pod, pod_record


async def test_a_pod_is_removed_as_soon_as_the_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_PAUSE_FIRST", 0.001)
    cluster = FakeCluster()
    record = project_pod(cluster.put(PODS, pod()))
    failures = iter([UnreachableError("no answer")] * 3)
    cluster.fails = lambda _method, _path: next(failures, None)

    await remove_pod(cluster, record)

    assert cluster.find(PODS, "pod") is None
    assert cluster.calls["DELETE", "pods"] == 4


async def test_a_namesake_and_a_pod_that_is_gone_are_left_alone() -> None:
    cluster = FakeCluster()
    cluster.put(PODS, pod(metadata={"uid": "another"}))

    await remove_pod(cluster, pod_record())
    await remove_pod(cluster, pod_record("gone"))

    assert cluster.find(PODS, "pod") is not None


def test_a_lost_pod_says_what_became_of_each_container() -> None:
    record = pod_record(init=[container("init")], containers=[container("a"), container("b")])
    status = lost_patch(record, host_address="127.254.0.1")["status"]

    assert (status["phase"], status["reason"]) == ("Failed", "NodeAgentRestarted")
    assert [row["state"]["terminated"]["exitCode"] for row in status["containerStatuses"]] == [137, 137]
    assert {row["state"]["terminated"]["reason"] for row in status["containerStatuses"]} == {"ContainerStatusUnknown"}
