import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.agent.faults import fault_entry
from genkan_sandbox.agent.leftovers import marked_processes
from genkan_sandbox.agent.lifecycle import PodRun
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.records import project_pod
from genkan_sandbox.agent.sandboxing import Isolation
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError, UnreachableError
from genkan_spawner.kinds import CLAIMS, CONFIG_MAPS, EVENTS, PODS, SECRETS, VOLUMES

from ...support.fake_cluster import FakeCluster
from .machines import machine, told
from .manifests import container, gpus, node_record, pod

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.02; done"]
STUBBORN = ["sh", "-c", "trap '' TERM; while true; do sleep 0.02; done"]


class Kubelet:
    """Runs pods on a machine and follows their objects, as the agent does."""

    def __init__(self, cluster: FakeCluster, made: Machine) -> None:
        self.cluster = cluster
        self.machine = made
        self.node = node_record(resources={"nvidia.com/gpu": "2"})
        self.runs: dict[str, tuple[PodRun, asyncio.Task[None]]] = {}

    def start(self, raw: JsonObject) -> JsonObject:
        found = self.cluster.put(PODS, raw)
        run = PodRun(self.machine, project_pod(found), self.node)
        self.runs[found["metadata"]["name"]] = run, asyncio.create_task(run.run())
        return found

    async def delete(self, name: str, *, seconds: int) -> None:
        await self.cluster.delete(PODS, name, namespace="default", grace_seconds=seconds)
        found = self.cluster.find(PODS, name)
        run, _ = self.runs[name]
        if found is None:
            run.vanish()
        else:
            run.update(project_pod(found))

    async def gone(self, name: str) -> None:
        await asyncio.wait_for(self.runs[name][1], 20)

    async def until(self, name: str, met: Callable[[JsonObject], Any]) -> Any:
        return await self.cluster.until(lambda: (found := self.cluster.find(PODS, name)) and met(found["status"]))

    async def phase(self, name: str, phase: str) -> JsonObject:
        await self.until(name, lambda status: status["phase"] == phase)
        found = self.cluster.find(PODS, name)
        assert found is not None
        status: JsonObject = found["status"]
        return status

    def log(self, name: str, container: str = "notebook") -> str:
        path = self.machine.log_file(namespace="default", pod=name, uid=f"uid-{name}", container=container)
        return path.read_text()

    def processes(self) -> list[int]:
        return list(marked_processes(("GENKAN_SANDBOX_ID", self.machine.sandbox)))


@asynccontextmanager
async def running(cluster: FakeCluster, made: Machine) -> AsyncIterator[Kubelet]:
    kubelet = Kubelet(cluster, made)
    events = asyncio.create_task(made.events.run())
    try:
        yield kubelet
    finally:
        for run, _ in kubelet.runs.values():
            run.leave(seconds=0)
        await asyncio.gather(*(task for _, task in kubelet.runs.values()))
        events.cancel()
        await asyncio.gather(events, return_exceptions=True)
        assert kubelet.processes() == []


@pytest.fixture
async def kubelet(tmp_path: Path) -> AsyncIterator[Kubelet]:
    cluster = FakeCluster()
    async with running(cluster, machine(cluster, tmp_path)) as made:
        yield made


@pytest.fixture
async def either(tmp_path: Path, isolation: Isolation) -> AsyncIterator[Kubelet]:
    cluster = FakeCluster()
    async with running(cluster, machine(cluster, tmp_path, isolation=isolation)) as made:
        yield made


def sh(script: str, *, name: str = "notebook", **fields: Any) -> JsonObject:
    return container(name, command=["sh", "-c", script], **fields)


def state(status: JsonObject, index: int = 0) -> JsonObject:
    found: JsonObject = status["containerStatuses"][index]["state"]
    return found


def reason(status: JsonObject) -> str | None:
    for kind in ("waiting", "terminated"):
        for found in (status.get("containerStatuses") or [])[:1]:
            if kind in found["state"]:
                return str(found["state"][kind]["reason"])
    return None


async def test_a_server_starts_runs_and_is_deleted(either: Kubelet) -> None:
    either.cluster.put(VOLUMES, {"metadata": {"name": "pv"}, "spec": {}})
    either.cluster.put(
        CLAIMS, {"metadata": {"name": "home"}, "spec": {"volumeName": "pv"}, "status": {"phase": "Bound"}}
    )
    made = pod(
        containers=[
            sh(
                f"echo $WHO at $ADDRESS $NVIDIA_VISIBLE_DEVICES in $(pwd) > proof; {SLEEP[-1]}",
                env=[
                    {"name": "WHO", "value": "ann"},
                    {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                resources=gpus(1),
                volumeMounts=[{"name": "home", "mountPath": "/home/jovyan"}],
            )
        ],
        volumes=[{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
    )
    either.start(made)
    status = await either.phase("pod", "Running")

    device = status["containerStatuses"][0]["allocatedResourcesStatus"][0]["resources"][0]["resourceID"]
    assert status["podIP"] == "127.254.1.1"
    assert status["containerStatuses"][0]["ready"]
    proof = either.machine.state / "volumes" / "pv" / "proof"
    async with asyncio.timeout(20):
        while not proof.is_file() or not proof.read_text():
            await asyncio.sleep(0.005)
    assert proof.read_text().startswith(f"ann at 127.254.1.1 {device} in ")

    await either.delete("pod", seconds=10)
    await either.gone("pod")
    assert either.cluster.find(PODS, "pod") is None
    assert either.processes() == []
    assert either.machine.ledger(either.node).held("uid-pod") == {}
    assert not (either.machine.state / "pods" / "uid-pod").exists()
    await either.cluster.until(lambda: ("Killing", "Stopping container notebook") in told(either.cluster))
    assert [row for row, _ in told(either.cluster)] == ["Pulling", "Pulled", "Created", "Started", "Killing"]


async def test_a_server_that_ignores_the_request_is_killed_after_its_grace(either: Kubelet) -> None:
    either.start(pod(containers=[container(command=STUBBORN)]))
    await either.phase("pod", "Running")
    await either.delete("pod", seconds=1)
    await either.gone("pod")

    assert either.cluster.find(PODS, "pod") is None


async def test_a_second_deletion_may_shorten_the_first(kubelet: Kubelet) -> None:
    kubelet.start(pod(containers=[container(command=STUBBORN)]))
    await kubelet.phase("pod", "Running")
    await kubelet.delete("pod", seconds=3600)
    await kubelet.delete("pod", seconds=1)
    await kubelet.gone("pod")


async def test_an_object_that_vanishes_takes_its_processes_with_it(either: Kubelet) -> None:
    either.start(pod(containers=[container(command=STUBBORN)]))
    await either.phase("pod", "Running")
    either.cluster.remove(PODS, "pod")
    either.runs["pod"][0].vanish()
    await either.gone("pod")

    assert either.cluster.calls["DELETE", "pods"] == 0


@pytest.mark.parametrize(("code", "phase", "why"), [(0, "Succeeded", "Completed"), (7, "Failed", "Error")])
async def test_a_pod_that_is_never_restarted_ends_with_its_exit_code(
    either: Kubelet, code: int, phase: str, why: str
) -> None:
    either.start(pod(containers=[sh(f"exit {code}")]))
    status = await either.phase("pod", phase)

    assert state(status)["terminated"]["exitCode"] == code
    assert reason(status) == why
    await either.delete("pod", seconds=30)
    await either.gone("pod")


async def test_a_container_that_fails_is_restarted_at_once_and_then_backs_off(kubelet: Kubelet) -> None:
    kubelet.start(pod(restartPolicy="OnFailure", containers=[sh("exit 3")]))
    await kubelet.until("pod", lambda status: reason(status) == "CrashLoopBackOff")
    status = await kubelet.phase("pod", "Running")

    own = status["containerStatuses"][0]
    name = "pod_default(uid-pod)"
    assert own["restartCount"] == 1
    assert own["lastState"]["terminated"]["exitCode"] == 3
    assert own["state"]["waiting"]["message"] == f"back-off 10s restarting failed container=notebook pod={name}"
    await kubelet.cluster.until(
        lambda: ("BackOff", f"Back-off restarting failed container notebook in pod {name}") in told(kubelet.cluster)
    )
    await kubelet.delete("pod", seconds=1)
    await kubelet.gone("pod")


async def test_on_failure_ends_with_success(kubelet: Kubelet) -> None:
    script = "test -e $HOME/again && exec echo two; touch $HOME/again; echo one; exit 1"
    mount = [{"name": "home", "mountPath": "/home/jovyan"}]
    made = pod(restartPolicy="OnFailure", containers=[sh(script, volumeMounts=mount)])
    made["spec"]["volumes"] = [{"name": "home", "emptyDir": {}}]
    kubelet.start(made)

    own = (await kubelet.phase("pod", "Succeeded"))["containerStatuses"][0]
    assert own["restartCount"] == 1
    assert own["lastState"]["terminated"]["containerID"] != own["containerID"]
    assert own["state"]["terminated"]["containerID"] == own["containerID"]
    assert (kubelet.log("pod"), kubelet.log("pod", "notebook.previous")) == ("two\n", "one\n")


async def test_init_containers_run_one_after_another_before_the_others(kubelet: Kubelet) -> None:
    mount = [{"name": "work", "mountPath": "/home/jovyan"}]
    made = pod(
        init=[sh("echo 1 >> f", name="one", volumeMounts=mount), sh("echo 2 >> f", name="two", volumeMounts=mount)],
        containers=[sh("echo 3 >> f; cat f", volumeMounts=mount)],
        volumes=[{"name": "work", "emptyDir": {}}],
    )
    kubelet.start(made)
    status = await kubelet.phase("pod", "Succeeded")

    assert kubelet.log("pod") == "1\n2\n3\n"
    assert [row["state"]["terminated"]["exitCode"] for row in status["initContainerStatuses"]] == [0, 0]


async def test_a_failed_init_container_fails_the_pod(kubelet: Kubelet) -> None:
    kubelet.start(pod(init=[sh("exit 4", name="init")], containers=[sh("exit 0")]))
    status = await kubelet.phase("pod", "Failed")

    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 4
    assert reason(status) == "PodInitializing"


async def test_sidecars_run_beside_and_end_after_the_others(kubelet: Kubelet) -> None:
    side = container("side", command=SLEEP, restartPolicy="Always")
    kubelet.start(pod(init=[side, sh("exit 0", name="init")], containers=[sh("exit 0")]))
    status = await kubelet.phase("pod", "Succeeded")

    assert "terminated" in status["initContainerStatuses"][0]["state"]
    assert kubelet.processes() == []


async def test_a_command_that_is_not_there_is_a_start_error(either: Kubelet) -> None:
    either.start(pod(containers=[container(command=["no-such-command"])]))
    terminated = state(await either.phase("pod", "Failed"))["terminated"]

    assert (terminated["exitCode"], terminated["reason"]) == (128, "StartError")
    assert 'exec: "no-such-command": executable file not found in $PATH' in terminated["message"]
    await either.cluster.until(lambda: any(row == "Failed" for row, _ in told(either.cluster)))
    assert [row for row, _ in told(either.cluster)] == ["Pulling", "Pulled", "Created", "Failed"]


async def test_too_many_devices_reject_the_pod(kubelet: Kubelet) -> None:
    kubelet.start(pod(containers=[sh("exit 0", resources=gpus(3))]))
    status = await kubelet.phase("pod", "Failed")

    words = "Node didn't have enough resource: nvidia.com/gpu, requested: 3, used: 0, capacity: 2"
    assert status["reason"] == "OutOfnvidia.com/gpu"
    assert status["message"] == f"Pod was rejected: {words}"
    await kubelet.cluster.until(lambda: ("OutOfnvidia.com/gpu", words) in told(kubelet.cluster))


async def test_a_pod_waits_for_devices_of_one_that_is_ending(kubelet: Kubelet) -> None:
    kubelet.start(pod("first", containers=[container(command=SLEEP, resources=gpus(2))]))
    await kubelet.phase("first", "Running")
    kubelet.start(pod("second", containers=[sh("exit 0", resources=gpus(2))]))
    await kubelet.delete("first", seconds=5)

    await kubelet.phase("second", "Succeeded")


async def test_a_secret_that_is_missing_holds_the_container_until_it_is_there(kubelet: Kubelet) -> None:
    env = [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}]
    kubelet.start(pod(containers=[sh("echo $K", env=env)]))
    await kubelet.until("pod", lambda status: reason(status) == "CreateContainerConfigError")
    await kubelet.cluster.until(lambda: ("Failed", 'Error: secret "keys" not found') in told(kubelet.cluster))
    kubelet.cluster.put(SECRETS, {"metadata": {"name": "keys"}, "data": {"k": "djE="}})

    await kubelet.phase("pod", "Succeeded")
    assert kubelet.log("pod") == "v1\n"


async def test_a_volume_that_is_missing_holds_the_pod_until_it_is_there(kubelet: Kubelet) -> None:
    kubelet.start(pod(containers=[sh("exit 0")], volumes=[{"name": "c", "configMap": {"name": "settings"}}]))
    words = 'MountVolume.SetUp failed for volume "c" : configmap "settings" not found'
    await kubelet.cluster.until(lambda: ("FailedMount", words) in told(kubelet.cluster))
    assert reason(await kubelet.phase("pod", "Pending")) == "ContainerCreating"
    kubelet.cluster.put(CONFIG_MAPS, {"metadata": {"name": "settings"}, "data": {}})

    await kubelet.phase("pod", "Succeeded")


async def test_a_mount_fault_holds_the_pod_until_it_is_over(kubelet: Kubelet) -> None:
    kubelet.machine.faults.post(fault_entry("mount-failure", volume="home"))
    kubelet.start(pod(containers=[sh("exit 0")], volumes=[{"name": "home", "emptyDir": {}}]))
    words = 'MountVolume.SetUp failed for volume "home" : mount failed: exit status 32'
    await kubelet.cluster.until(lambda: ("FailedMount", words) in told(kubelet.cluster))
    kubelet.machine.faults.post({})

    await kubelet.phase("pod", "Succeeded")


async def test_a_memory_fault_kills_the_process(either: Kubelet) -> None:
    either.start(pod(containers=[container(command=SLEEP)]))
    await either.phase("pod", "Running")
    either.machine.faults.post(fault_entry("out-of-memory", pod="pod"))
    terminated = state(await either.phase("pod", "Failed"))["terminated"]

    assert (terminated["exitCode"], terminated["reason"]) == (137, "OOMKilled")


async def test_a_pod_that_waits_for_its_image_can_be_deleted(kubelet: Kubelet) -> None:
    kubelet.machine.faults.post(fault_entry("image-missing"))
    kubelet.start(pod())
    await kubelet.until("pod", lambda status: reason(status) == "ImagePullBackOff")
    await kubelet.delete("pod", seconds=30)
    await kubelet.gone("pod")

    assert kubelet.cluster.find(PODS, "pod") is None


async def test_no_status_of_a_silent_node_is_written_until_it_answers_again(kubelet: Kubelet) -> None:
    kubelet.start(pod(containers=[sh("trap 'exit 5' TERM; while true; do sleep 0.02; done")]))
    await kubelet.phase("pod", "Running")
    kubelet.machine.faults.post(fault_entry("silent-node", node="a-0"))
    before = kubelet.cluster.calls["PATCH", "pods"]
    (pid, *_) = kubelet.processes()
    run, _ = kubelet.runs["pod"]
    run._containers[0]._process.terminate()  # type: ignore[union-attr]  # it runs
    async with asyncio.timeout(20):
        while pid in kubelet.processes():
            await asyncio.sleep(0.005)
    assert kubelet.cluster.calls["PATCH", "pods"] == before
    kubelet.machine.faults.post({})

    assert state(await kubelet.phase("pod", "Failed"))["terminated"]["exitCode"] == 5


async def test_a_server_that_is_down_for_a_while_hurts_nobody(kubelet: Kubelet) -> None:
    down = UnreachableError("The Kubernetes API server did not answer.")
    failures = iter([down] * 6)

    def fails(_method: str, _path: str) -> KubernetesError | None:
        return next(failures, None)

    kubelet.cluster.fails = fails
    kubelet.start(pod(containers=[sh("exit 0")]))

    await kubelet.phase("pod", "Succeeded")


async def test_a_status_that_another_spoils_is_written_again(kubelet: Kubelet) -> None:
    kubelet.start(pod(containers=[container(command=SLEEP)]))
    await kubelet.phase("pod", "Running")
    run, _ = kubelet.runs["pod"]
    found = kubelet.cluster.find(PODS, "pod")
    assert found is not None
    run.update(project_pod(found))
    (ready,) = (row for row in found["status"]["conditions"] if row["type"] == "Ready")
    ready["status"] = "False"
    run.update(project_pod(found))

    await kubelet.until("pod", lambda status: {"True"} == {row["status"] for row in status["conditions"]})


async def test_the_end_of_the_agent_ends_processes_and_leaves_objects(either: Kubelet) -> None:
    either.start(pod("kind", containers=[container(command=SLEEP)]))
    either.start(pod("unkind", containers=[container(command=STUBBORN)]))
    either.start(pod("done", containers=[sh("exit 0")]))
    await either.phase("kind", "Running")
    await either.phase("unkind", "Running")
    await either.phase("done", "Succeeded")
    for run, _ in either.runs.values():
        run.leave(seconds=0.1)
    for name in either.runs:
        await either.gone(name)

    assert either.processes() == []
    assert {found["metadata"]["name"] for found in either.cluster.all(PODS)} == {"kind", "unkind", "done"}


async def test_a_namesake_that_came_later_is_left_alone(kubelet: Kubelet) -> None:
    made = pod(containers=[sh("exit 0")])
    kubelet.cluster.put(PODS, pod(metadata={"uid": "another"}, containers=[sh("exit 0")]))
    run = PodRun(kubelet.machine, project_pod(made), kubelet.node)
    kubelet.runs["pod"] = run, asyncio.create_task(run.run())
    await asyncio.sleep(0.01)
    run.vanish()
    await kubelet.gone("pod")

    assert kubelet.cluster.calls["PATCH", "pods"] == 0
    assert kubelet.cluster.all(EVENTS) == []


async def test_daemons_end_with_their_container(either: Kubelet) -> None:
    either.start(pod(containers=[sh("(setsid sh -c 'setsid sleep 600' &) ; exit 0")]))
    await either.phase("pod", "Succeeded")

    async with asyncio.timeout(20):
        while either.processes():
            await asyncio.sleep(0.005)


async def test_a_command_with_a_zero_byte_is_a_start_error(either: Kubelet) -> None:
    either.start(pod(containers=[container(command=["echo", "a\0b"])]))

    assert state(await either.phase("pod", "Failed"))["terminated"]["reason"] == "StartError"


async def test_a_command_longer_than_the_kernel_takes_is_a_start_error(either: Kubelet) -> None:
    either.start(pod(containers=[container(command=["echo", "x" * 1_000_000])]))

    assert state(await either.phase("pod", "Failed"))["terminated"]["reason"] == "StartError"
