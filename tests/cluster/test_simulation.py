"""Simulated pods: hundreds without a process each, that answer as servers would; and an agent that is killed."""

import asyncio
from importlib.metadata import version

import httpx

from genkan_sandbox.sites import Device
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import NODES, PODS

from ..support.cluster import WITHIN, Cluster
from ..support.sandbox import SandboxRun
from ..support.shells import WAIT, Shells, conditions, container_status, on

GPU = "nvidia.com/gpu"
PORT = 8888
SERVER = {"ports": [{"name": "notebook-port", "containerPort": PORT}]}
MANY, SERVERS = 500, 50


def server_url(pod: JsonObject) -> str:
    return f"http://{pod['status']['podIP']}:{PORT}/api"


async def answers(pod: JsonObject) -> httpx.Response:
    """Ask a pod's server until it answers."""
    async with asyncio.timeout(WITHIN), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                return await client.get(server_url(pod))
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def until_refused(pod: JsonObject) -> None:
    """Wait until nothing listens on a pod's address."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                _, writer = await asyncio.open_connection(pod["status"]["podIP"], PORT)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.05)


async def test_hundreds_run_at_once_each_with_an_address_and_no_process(shells: Shells, cluster: Cluster) -> None:
    namespace = await cluster.add_namespace()
    node = await cluster.add_node(cpu="256", memory="1Ti", pods=MANY)
    containers = [SERVER if number < SERVERS else {} for number in range(MANY)]
    created = await asyncio.gather(
        *(cluster.add_pod(namespace=namespace, container=container, **on(node)) for container in containers)
    )
    pods = await until_running(cluster, namespace)
    assert len({pod["status"]["podIP"] for pod in pods}) == MANY
    assert shells.processes(pods) == []

    named = {pod["metadata"]["name"] for pod in created[:SERVERS]}
    servers = [pod for pod in pods if pod["metadata"]["name"] in named]
    told = await asyncio.gather(*map(answers, servers))
    assert {(answer.status_code, answer.headers["X-JupyterHub-Version"]) for answer in told} == {
        (200, version("jupyterhub"))
    }
    await until_refused(next(pod for pod in pods if pod["metadata"]["name"] not in named))

    await cluster.api.request("DELETE", PODS.path(namespace=namespace))
    async with asyncio.timeout(WITHIN):
        while await cluster.api.list(PODS, namespace=namespace):
            await asyncio.sleep(0.1)
    await asyncio.gather(*map(until_refused, servers))


async def until_running(cluster: Cluster, namespace: str) -> list[JsonObject]:
    """Wait until all pods of a namespace run, and return them."""
    async with asyncio.timeout(WITHIN):
        while True:
            pods = await cluster.api.list(PODS, namespace=namespace)
            if all(pod["status"]["phase"] == "Running" for pod in pods):
                return pods
            await asyncio.sleep(0.2)


async def test_a_simulated_pod_is_ready_with_an_address_at_the_first_sight(cluster: Cluster) -> None:
    pod = await cluster.add_pod(container=SERVER)
    found = await cluster.until_phase(pod["metadata"]["name"], "Running")
    assert found["status"]["podIP"].startswith("127.")
    assert container_status(found)["ready"]
    names = ("Initialized", "ContainersReady", "Ready")
    assert [conditions(found)[name] for name in names] == ["True"] * len(names)


async def test_an_address_is_not_given_to_the_next_pod_at_once(cluster: Cluster) -> None:
    first = await cluster.add_pod(container=SERVER)
    first = await cluster.until_phase(first["metadata"]["name"], "Running")
    await cluster.api.delete(PODS, first["metadata"]["name"], namespace=cluster.namespace)
    await cluster.until_gone(PODS, first["metadata"]["name"], namespace=cluster.namespace)
    second = await cluster.add_pod(container=SERVER)
    second = await cluster.until_phase(second["metadata"]["name"], "Running")
    assert first["status"]["podIP"] != second["status"]["podIP"]


def readiness(nodes: list[JsonObject]) -> dict[str, tuple[str, str]]:
    """Return of each node whether it is ready and since when."""
    return {
        node["metadata"]["name"]: (row["status"], row["lastTransitionTime"])
        for node in nodes
        for row in node["status"]["conditions"]
        if row["type"] == "Ready"
    }


async def test_a_killed_agent_loses_processes_and_nothing_else(
    shells: Shells, cluster: Cluster, sandbox: SandboxRun
) -> None:
    node = await cluster.add_node(devices=[Device(count=4, product="Tesla-V100-SXM2-16GB")])
    real, created = await asyncio.gather(
        shells.begin(WAIT, resources={GPU: "1"}, **on(node)),
        cluster.add_pod(resources={GPU: "2"}, container=SERVER, **on(node)),
    )
    simulated = await cluster.until_phase(created["metadata"]["name"], "Running")
    assert (await answers(simulated)).status_code == 200
    before = readiness(await cluster.api.list(NODES))

    agent = sandbox.component("nodes")
    agent.kill()
    lost = await cluster.until_phase(real["metadata"]["name"], "Failed")
    assert lost["status"]["reason"] == "NodeAgentRestarted"
    assert shells.processes([real]) == []
    assert sandbox.component("nodes").pid != agent.pid

    assert (await answers(simulated)).status_code == 200
    same = await cluster.api.get(PODS, created["metadata"]["name"], namespace=cluster.namespace)
    assert same["status"]["phase"] == "Running"
    assert same["status"]["podIP"] == simulated["status"]["podIP"]
    assert container_status(same)["allocatedResourcesStatus"] == container_status(simulated)["allocatedResourcesStatus"]
    ended = await shells.run('echo "$NVIDIA_VISIBLE_DEVICES"', resources={GPU: "2"}, **on(node))
    held = {device["resourceID"] for device in container_status(same)["allocatedResourcesStatus"][0]["resources"]}
    assert held.isdisjoint(ended.log.strip().split(","))
    assert readiness(await cluster.api.list(NODES)) == before
