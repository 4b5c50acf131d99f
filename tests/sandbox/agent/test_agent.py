import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.agent import faults, isolation
from genkan_sandbox.agent.agent import Agent
from genkan_sandbox.agent.faults import fault_entry
from genkan_sandbox.agent.leftovers import CONTAINER_VARIABLE, SANDBOX_VARIABLE, marked_processes
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.status import Terminated
from genkan_spawner.api import JsonObject, PatchType
from genkan_spawner.kinds import CONFIG_MAPS, NODES, PODS

from ...support.fake_cluster import FakeCluster
from .machines import machine
from .manifests import container, gpus, node, pod

SIMULATED = {"sandbox.genkan.dev/simulate": "true"}
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.02; done"]


@asynccontextmanager
async def agent(cluster: FakeCluster, made: Machine, **options: Any) -> AsyncIterator[Agent]:
    running = Agent(made, **options)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        running.stop()
        await asyncio.wait_for(task, 10)
        assert list(marked_processes((SANDBOX_VARIABLE, made.sandbox))) == []


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.put(NODES, node("a-0", resources={"nvidia.com/gpu": "2"}))
    return made


@pytest.fixture
def made(cluster: FakeCluster, tmp_path: Path) -> Machine:
    return machine(cluster, tmp_path, network="127.252")


def phase(cluster: FakeCluster, name: str) -> str | None:
    found = cluster.find(PODS, name)
    return None if found is None else str(found["status"]["phase"])


async def until(cluster: FakeCluster, name: str, wanted: str | None) -> JsonObject:
    await cluster.until(lambda: phase(cluster, name) == wanted)
    found = cluster.find(PODS, name) or {"status": {}}
    status: JsonObject = found["status"]
    return status


async def test_pods_run_end_and_are_removed(cluster: FakeCluster, made: Machine) -> None:
    async with agent(cluster, made):
        cluster.put(PODS, pod("server", containers=[container(command=SLEEP)]))
        cluster.put(PODS, pod("task", containers=[container(command=["true"])]))
        cluster.put(PODS, pod("simulated", annotations=SIMULATED))
        await until(cluster, "server", "Running")
        await until(cluster, "task", "Succeeded")
        await until(cluster, "simulated", "Running")
        for name in ("server", "task", "simulated"):
            await cluster.delete(PODS, name, namespace="default", grace_seconds=5)
        for name in ("server", "task", "simulated"):
            await until(cluster, name, None)


async def test_all_pods_can_be_simulated(cluster: FakeCluster, made: Machine) -> None:
    async with agent(cluster, made, simulate=True):
        cluster.put(PODS, pod(containers=[container(command=["no-such-command"])]))
        await until(cluster, "pod", "Running")


async def test_pods_without_a_node_or_of_foreign_nodes_are_left_alone(cluster: FakeCluster, made: Machine) -> None:
    cluster.put(NODES, node("foreign", managed=False))
    unplaced = pod("unplaced", annotations=SIMULATED)
    del unplaced["spec"]["nodeName"]
    cluster.put(PODS, unplaced)
    cluster.put(PODS, pod("there", annotations=SIMULATED, nodeName="foreign"))
    cluster.put(PODS, pod("here", annotations=SIMULATED))
    async with agent(cluster, made):
        await until(cluster, "here", "Running")

    assert [phase(cluster, name) for name in ("unplaced", "there")] == ["Pending", "Pending"]


async def test_a_pod_may_be_known_before_its_node(cluster: FakeCluster, made: Machine) -> None:
    async with agent(cluster, made):
        cluster.put(PODS, pod("early", annotations=SIMULATED, nodeName="late"))
        cluster.put(PODS, pod("here", annotations=SIMULATED))
        await until(cluster, "here", "Running")
        cluster.put(NODES, node("late"))
        await until(cluster, "early", "Running")


async def test_after_a_restart_lost_pods_fail_and_others_go_on(cluster: FakeCluster, made: Machine) -> None:
    begun = {"name": "notebook", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    running = {"phase": "Running", "podIP": "127.252.9.9", "containerStatuses": [begun]}
    cluster.put(PODS, pod("lost", containers=[container(resources=gpus(1))], status=running))
    cluster.put(PODS, pod("half", restartPolicy="Always", status={"phase": "Pending", "containerStatuses": [begun]}))
    cluster.put(PODS, pod("simulated", annotations=SIMULATED, status=running))
    cluster.put(PODS, pod("fresh", containers=[container(command=["true"])]))
    cluster.put(PODS, pod("done", status={"phase": "Succeeded"}))
    deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    cluster.put(PODS, pod("going", status=running, metadata=deleted))
    cluster.put(PODS, pod("leaving", metadata=deleted))
    cluster.put(PODS, pod("ended", status={"phase": "Failed"}, metadata=deleted))
    async with agent(cluster, made):
        lost = await until(cluster, "lost", "Failed")
        await until(cluster, "half", "Failed")
        await until(cluster, "fresh", "Succeeded")
        await until(cluster, "going", None)
        await until(cluster, "leaving", None)
        await until(cluster, "ended", None)
        simulated = await cluster.until(lambda: "conditions" in (cluster.find(PODS, "simulated") or {})["status"])

    terminated = lost["containerStatuses"][0]["state"]["terminated"]
    assert (lost["reason"], terminated["exitCode"]) == ("NodeAgentRestarted", 137)
    assert "restarted" in lost["message"]
    assert simulated
    assert (cluster.find(PODS, "simulated") or {})["status"]["podIP"] == "127.252.9.9"
    assert (cluster.find(PODS, "done") or {})["status"] == {"phase": "Succeeded"}


async def test_a_pod_is_found_by_name_with_its_containers_as_they_are(cluster: FakeCluster, made: Machine) -> None:
    cluster.put(NODES, node("foreign", managed=False))
    cluster.put(PODS, pod("there", nodeName="foreign"))
    async with agent(cluster, made) as running:
        cluster.put(PODS, pod("task", containers=[container(command=["true"])]))
        cluster.put(PODS, pod("simulated", annotations=SIMULATED))
        await until(cluster, "simulated", "Running")
        await until(cluster, "task", "Succeeded")
        task, simulated = running.pod("default", "task"), running.pod("default", "simulated")
        assert task is not None
        assert simulated is not None
        view = running.view(task, "notebook")
        assert view is not None
        assert isinstance(view.state, Terminated)
        assert view.state.identity == view.identity
        assert running.view(task, "other") is None
        assert running.view(simulated, "notebook") is None
        assert running.pod("elsewhere", "task") is None
        assert running.pod("default", "there") is None


async def test_of_namesakes_the_latest_pod_is_found(cluster: FakeCluster, made: Machine) -> None:
    def uid() -> str | None:
        found = running.pod("default", "pod")
        return None if found is None else found.uid

    async with agent(cluster, made) as running:
        cluster.put(PODS, pod(annotations=SIMULATED, metadata={"uid": "first"}))
        await cluster.until(lambda: uid() == "first")
        cluster.put(PODS, pod(annotations=SIMULATED, metadata={"uid": "second"}))
        await cluster.until(lambda: uid() == "second")


async def test_processes_of_an_earlier_agent_are_ended(cluster: FakeCluster, made: Machine) -> None:
    orphan = await asyncio.create_subprocess_exec(
        "sleep", "600", env={SANDBOX_VARIABLE: made.sandbox, CONTAINER_VARIABLE: "uid/c", "PATH": "/usr/bin:/bin"}
    )
    async with agent(cluster, made):
        assert await orphan.wait() == -9


async def test_faults_are_heard_of_at_once(cluster: FakeCluster, made: Machine) -> None:
    where = {"name": faults.CONFIG_MAP, "namespace": faults.NAMESPACE}
    async with agent(cluster, made):
        cluster.put(CONFIG_MAPS, {"metadata": {**where, "name": "other"}, "data": fault_entry("image-missing")})
        cluster.put(CONFIG_MAPS, {"metadata": where, "data": fault_entry("out-of-memory")})
        await made.faults.changed(seconds=10)
        cluster.put(PODS, pod(containers=[container(command=SLEEP)]))
        await until(cluster, "pod", "Failed")
        cluster.remove(CONFIG_MAPS, faults.CONFIG_MAP, namespace=faults.NAMESPACE)
        await made.faults.changed(seconds=10)
        cluster.put(PODS, pod("next", containers=[container(command=SLEEP)]))
        await until(cluster, "next", "Running")


async def test_a_silent_node_hears_nothing_until_it_answers_again(cluster: FakeCluster, made: Machine) -> None:
    where = {"name": faults.CONFIG_MAP, "namespace": faults.NAMESPACE}
    cluster.put(CONFIG_MAPS, {"metadata": where, "data": {}})
    async with agent(cluster, made):
        for name in ("deleted", "removed"):
            cluster.put(PODS, pod(name, containers=[container(command=SLEEP)]))
            await until(cluster, name, "Running")
        await cluster.patch(
            CONFIG_MAPS,
            faults.CONFIG_MAP,
            {"data": fault_entry("silent-node", node="a-0")},
            namespace=faults.NAMESPACE,
            patch_type=PatchType.MERGE,
        )
        await made.faults.changed(seconds=10)
        cluster.put(PODS, pod("new", annotations=SIMULATED))
        await cluster.delete(PODS, "deleted", namespace="default", grace_seconds=0)
        await cluster.delete(PODS, "removed", namespace="default", grace_seconds=1)
        await asyncio.sleep(0.05)
        assert len(list(marked_processes((SANDBOX_VARIABLE, made.sandbox)))) >= 2
        assert phase(cluster, "new") == "Pending"
        cluster.remove(CONFIG_MAPS, faults.CONFIG_MAP, namespace=faults.NAMESPACE)
        await until(cluster, "new", "Running")
        await until(cluster, "removed", None)
        async with asyncio.timeout(10):
            while list(marked_processes((SANDBOX_VARIABLE, made.sandbox))):
                await asyncio.sleep(0.005)


async def test_a_pod_deleted_while_its_node_is_silent_is_never_started(cluster: FakeCluster, made: Machine) -> None:
    where = {"name": faults.CONFIG_MAP, "namespace": faults.NAMESPACE}

    async def started(name: str, **spec: Any) -> JsonObject:
        """Start a pod, and so see to it that all that was said before has been heard."""
        cluster.put(PODS, pod(name, annotations=SIMULATED, **spec))
        return await until(cluster, name, "Running")

    async with agent(cluster, made):
        cluster.put(PODS, pod("early", annotations=SIMULATED, nodeName="late"))
        cluster.put(PODS, pod("missed", annotations=SIMULATED, nodeName="late"))
        await started("one")
        cluster.put(CONFIG_MAPS, {"metadata": where, "data": fault_entry("silent-node", node="late")})
        await made.faults.changed(seconds=10)
        cluster.remove(PODS, "early")
        await started("two")
        cluster.forget(PODS, "missed")
        cluster.break_watches()
        await started("three")
        cluster.put(NODES, node("late"))
        cluster.put(NODES, node("other"))
        await started("four", nodeName="other")
        cluster.remove(CONFIG_MAPS, faults.CONFIG_MAP, namespace=faults.NAMESPACE)
        await made.faults.changed(seconds=10)
        five = await started("five", nodeName="late")

    assert five["podIP"] == "127.252.1.5"


async def test_the_cluster_is_told_how_containers_are_kept_apart(cluster: FakeCluster, made: Machine) -> None:
    running = Agent(made)
    task = asyncio.create_task(running.run(reason="bubblewrap is not installed."))
    found = await cluster.until(lambda: cluster.find(CONFIG_MAPS, isolation.CONFIG_MAP, namespace=isolation.NAMESPACE))
    running.stop()
    await task

    told = {"isolation": "none", "isolation-reason": "bubblewrap is not installed.", "users": "one"}
    assert found["data"] == told


async def test_a_part_that_fails_does_not_end_the_others(
    cluster: FakeCluster, made: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    async with agent(cluster, made):
        cluster.put(PODS, pod("first", annotations=SIMULATED))
        await until(cluster, "first", "Running")
        made.events.record(None)  # type: ignore[arg-type]  # a defect
        await cluster.until(lambda: "The agent's loop for events failed" in caplog.text)
        cluster.put(PODS, pod("second", annotations=SIMULATED))
        await until(cluster, "second", "Running")


async def test_after_a_watch_that_broke_what_was_missed_is_made_up_for(cluster: FakeCluster, made: Machine) -> None:
    for name in ("kept", "missed"):
        cluster.put(PODS, pod(name, containers=[container(command=SLEEP)]))
    cluster.put(PODS, pod("simulated", annotations=SIMULATED))
    async with agent(cluster, made):
        for name in ("kept", "missed", "simulated"):
            await until(cluster, name, "Running")
        before = set(marked_processes((SANDBOX_VARIABLE, made.sandbox)))
        cluster.forget(PODS, "missed")
        cluster.forget(PODS, "simulated")
        cluster.break_watches()
        cluster.put(PODS, pod("next", annotations=SIMULATED))
        await until(cluster, "next", "Running")
        await cluster.until(lambda: set(marked_processes((SANDBOX_VARIABLE, made.sandbox))) < before)

        assert phase(cluster, "kept") == "Running"
        assert made.addresses.hold("new") != made.addresses.hold("uid-kept")
    assert cluster.calls["DELETE", "pods"] == 0


async def test_a_pod_whose_cleanup_fails_can_be_deleted(
    cluster: FakeCluster, made: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(uid: str) -> None:
        raise OSError(5, "Input/output error", uid)

    monkeypatch.setattr(made.volumes, "remove", broken)
    cluster.put(PODS, pod("server", containers=[container(command=SLEEP)]))
    cluster.put(PODS, pod("task", containers=[container(command=["true"])]))
    async with agent(cluster, made):
        await until(cluster, "server", "Running")
        await cluster.until(lambda: "The task of pod default/task failed" in caplog.text)
        for name in ("server", "task"):
            await cluster.delete(PODS, name, namespace="default", grace_seconds=5)
            await until(cluster, name, None)

    assert "could not be removed: [Errno 5]" in caplog.text


async def test_a_lost_pod_whose_own_task_fails_is_begun_anew(
    cluster: FakeCluster, made: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(uid: str) -> None:
        monkeypatch.undo()
        raise ValueError(uid)

    monkeypatch.setattr(made.volumes, "remove", broken)
    cluster.put(PODS, pod("lost", status={"phase": "Running"}))
    async with agent(cluster, made):
        await cluster.until(lambda: "The task of pod default/lost failed" in caplog.text)
        await cluster.delete(PODS, "lost", namespace="default", grace_seconds=5)
        await until(cluster, "lost", None)


async def test_a_defect_fails_one_pod_only(
    cluster: FakeCluster, made: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    strange = pod("strange")
    strange["spec"]["restartPolicy"] = "Sometimes"
    cluster.put(PODS, strange)
    cluster.put(PODS, pod("fine", containers=[container(command=["true"])]))
    async with agent(cluster, made):
        await until(cluster, "fine", "Succeeded")
        status = await until(cluster, "strange", "Failed")
        assert status["reason"] == "NodeAgentError"
        await cluster.delete(PODS, "strange", namespace="default")
        await until(cluster, "strange", None)

    assert "'Sometimes' is not a valid RestartPolicy" in caplog.text
