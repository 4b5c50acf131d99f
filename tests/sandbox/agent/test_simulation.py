import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from genkan_sandbox.agent import addresses
from genkan_sandbox.agent.faults import fault_entry
from genkan_sandbox.agent.records import project_pod
from genkan_sandbox.agent.responder import VERSION_HEADER
from genkan_sandbox.agent.simulation import SimulatedPods
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import UnreachableError
from genkan_spawner.kinds import PODS

from ...support.fake_cluster import FakeCluster
from .machines import machine
from .manifests import container, gpus, node_record, pod

PORT = 18888


class Simulation:
    """Simulated pods whose objects are followed as the agent does."""

    def __init__(self, directory: Path) -> None:
        self.cluster = FakeCluster()
        self.machine = machine(self.cluster, directory, network="127.253")
        self.pods = SimulatedPods(self.machine)
        self.node = node_record(resources={"nvidia.com/gpu": "2"})

    def start(self, raw: JsonObject) -> None:
        self.pods.take(project_pod(self.cluster.put(PODS, raw)), self.node)

    def refresh(self, name: str = "pod") -> None:
        found = self.cluster.find(PODS, name)
        assert found is not None
        self.pods.update(project_pod(found))

    async def status(self, met: Callable[[JsonObject], Any], name: str = "pod") -> JsonObject:
        await self.cluster.until(lambda: (found := self.cluster.find(PODS, name)) and met(found["status"]))
        found = self.cluster.find(PODS, name)
        assert found is not None
        status: JsonObject = found["status"]
        return status

    async def running(self, name: str = "pod") -> JsonObject:
        return await self.status(lambda status: status["phase"] == "Running", name)


@pytest.fixture
async def simulation(tmp_path: Path) -> AsyncIterator[Simulation]:
    made = Simulation(tmp_path)
    task = asyncio.create_task(made.pods.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.pods.close()


async def answer(address: str, path: str = "/user/ann/api") -> tuple[int, str, JsonObject]:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://{address}:{PORT}{path}") as response,
    ):
        return response.status, response.headers[VERSION_HEADER], await response.json()


def served(**fields: Any) -> JsonObject:
    return pod(containers=[container(ports=[{"containerPort": PORT}])], **fields)


async def test_a_pod_runs_at_once_with_devices_and_one_write(simulation: Simulation) -> None:
    simulation.start(pod(containers=[container(resources=gpus(1)), container("other")]))
    status = await simulation.running()

    assert status["podIP"] == "127.253.1.1"
    assert {row["status"] for row in status["conditions"]} == {"True"}
    assert [row["ready"] for row in status["containerStatuses"]] == [True, True]
    assert status["containerStatuses"][0]["allocatedResourcesStatus"][0]["name"] == "nvidia.com/gpu"
    assert simulation.cluster.calls == {("PATCH", "pods"): 1}


async def test_a_pod_without_an_address_is_rejected(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "SIZE", 1)
    simulation.start(pod("first"))
    await simulation.running("first")
    simulation.start(pod("second", containers=[container(resources=gpus(1))]))
    status = await simulation.status(lambda status: status["phase"] == "Failed", "second")

    assert status["reason"] == "OutOfAddresses"
    assert "are in use" in status["message"]
    simulation.pods.vanish("uid-first")
    simulation.pods.vanish("uid-second")
    simulation.start(pod("third", containers=[container(resources=gpus(2))]))
    await simulation.running("third")


async def test_a_pod_with_a_port_answers_as_a_single_user_server(simulation: Simulation) -> None:
    simulation.start(served())
    address = (await simulation.running())["podIP"]
    status, version, body = await answer(address)

    assert status == 200
    assert version == body["version"]
    assert (await answer(address, "/user/ann/api/status"))[2]["kernels"] == 0


async def test_a_pod_that_is_deleted_is_gone_at_once(simulation: Simulation) -> None:
    simulation.start(served())
    address = (await simulation.running())["podIP"]
    await simulation.cluster.delete(PODS, "pod", namespace="default", grace_seconds=30)
    simulation.refresh()
    await simulation.cluster.until(lambda: simulation.cluster.find(PODS, "pod") is None)

    with pytest.raises(aiohttp.ClientConnectionError):
        await answer(address)
    simulation.pods.vanish("uid-pod")
    assert len(simulation.pods) == 0
    assert simulation.machine.addresses.hold("next") == "127.253.1.2"


async def test_an_open_connection_is_answered_no_more_after_the_end(simulation: Simulation) -> None:
    simulation.start(served())
    address = (await simulation.running())["podIP"]
    async with aiohttp.ClientSession() as client:
        async with client.get(f"http://{address}:{PORT}/api") as response:
            assert response.status == 200
        simulation.pods.vanish("uid-pod")
        with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientResponseError)):
            async with client.get(f"http://{address}:{PORT}/api", raise_for_status=True):
                pass


async def test_too_many_devices_reject_a_pod(simulation: Simulation) -> None:
    simulation.start(pod(containers=[container(resources=gpus(3))]))
    status = await simulation.status(lambda status: status["phase"] == "Failed")

    assert status["reason"] == "OutOfnvidia.com/gpu"
    simulation.refresh()
    simulation.start(pod("next", containers=[container(resources=gpus(2))]))
    await simulation.running("next")


async def test_devices_of_a_deleted_pod_are_free_before_its_object_goes(simulation: Simulation) -> None:
    simulation.start(pod("first", containers=[container(resources=gpus(2))]))
    await simulation.running("first")
    await simulation.cluster.delete(PODS, "first", namespace="default", grace_seconds=30)
    simulation.refresh("first")
    simulation.start(pod("second", containers=[container(resources=gpus(2))]))

    await simulation.running("second")


async def test_pods_are_taken_up_again_with_address_and_devices(simulation: Simulation, tmp_path: Path) -> None:
    simulation.start(pod("other"))
    simulation.start(served(metadata={"uid": "uid-pod"}))
    simulation.start(pod("gpu", containers=[container(resources=gpus(1))]))
    before = await simulation.running("gpu")
    address = (await simulation.running())["podIP"]
    await simulation.pods.close()

    again = Simulation(tmp_path)
    again.cluster = simulation.cluster
    task = asyncio.create_task(again.pods.run())
    for name in ("pod", "gpu"):
        found = simulation.cluster.find(PODS, name)
        assert found is not None
        again.pods.take(project_pod(found), again.node)
    async with asyncio.timeout(20):
        while True:
            try:
                assert (await answer(address))[0] == 200
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await again.pods.close()

    resources = before["containerStatuses"][0]["allocatedResourcesStatus"][0]["resources"]
    assert again.machine.ledger(again.node).held("uid-gpu") == {"nvidia.com/gpu": (resources[0]["resourceID"],)}
    assert again.machine.addresses.hold("uid-pod") == address
    assert simulation.cluster.calls["PATCH", "pods"] == 3


async def test_a_slow_start_is_slow_and_can_be_given_up(simulation: Simulation) -> None:
    slow = {"sandbox.genkan.dev/start-seconds": "3600"}
    simulation.start(pod("slow", annotations=slow))
    simulation.start(pod("soon", annotations={"sandbox.genkan.dev/start-seconds": "0.01"}))
    await simulation.running("soon")
    found = simulation.cluster.find(PODS, "slow")
    assert found is not None
    assert found["status"]["phase"] == "Pending"

    await simulation.cluster.delete(PODS, "slow", namespace="default", grace_seconds=30)
    simulation.refresh("slow")
    await simulation.cluster.until(lambda: simulation.cluster.find(PODS, "slow") is None)


async def test_a_status_that_another_spoils_is_written_again(simulation: Simulation) -> None:
    simulation.start(pod())
    await simulation.running()
    simulation.refresh()
    found = simulation.cluster.find(PODS, "pod")
    assert found is not None
    for row in found["status"]["conditions"]:
        row["status"] = "False"
    simulation.refresh()

    await simulation.status(lambda status: {row["status"] for row in status["conditions"]} == {"True"})


async def test_a_server_that_is_down_for_a_while_hurts_nobody(simulation: Simulation) -> None:
    failures = iter([UnreachableError("no answer")])
    simulation.cluster.fails = lambda _method, _path: next(failures, None)
    simulation.start(pod())

    await simulation.running()


async def test_a_silent_node_starts_nothing(simulation: Simulation) -> None:
    simulation.machine.faults.post(fault_entry("silent-node", node="a-0"))
    simulation.start(pod())
    await asyncio.sleep(0.01)
    assert simulation.cluster.calls["PATCH", "pods"] == 0
    simulation.machine.faults.post({})

    await simulation.running()


async def test_a_port_that_is_taken_is_no_reason_not_to_run(simulation: Simulation) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.253.1.1", PORT)
    try:
        simulation.start(served())
        await simulation.running()
    finally:
        server.close()
        await server.wait_closed()


async def test_many_pods(simulation: Simulation) -> None:
    for number in range(1000):
        simulation.start(pod(f"pod-{number}"))
    await simulation.cluster.until(lambda: simulation.cluster.calls["PATCH", "pods"] == 1000)

    addresses = {found["status"]["podIP"] for found in simulation.cluster.all(PODS)}
    assert len(addresses) == len(simulation.pods) == 1000


async def test_an_ended_or_deleted_pod_is_not_started(simulation: Simulation) -> None:
    simulation.start(pod("ended", status={"phase": "Succeeded"}))
    simulation.start(pod("deleted", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    await simulation.cluster.until(lambda: simulation.cluster.find(PODS, "deleted") is None)

    assert simulation.cluster.calls == {("DELETE", "pods"): 1}
