"""Faults on demand: each appears as it would on a real node, and heals when it is taken away."""

import asyncio
import time

import pytest

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import NODES, PODS

from ..support.cluster import Cluster
from ..support.shells import WAIT, Shells, conditions, container_status, home_on, on, waiting

NO_LEASE_SECONDS = 90
"""The control plane gives up on a node after 47 seconds without its lease."""


@pytest.fixture
def image() -> str:
    """An image that no other test uses and no node has."""
    return f"registry.example.org/tests/{time.monotonic_ns()}:1"


def taints(node: JsonObject) -> set[str]:
    return {taint["key"] for taint in node["spec"].get("taints", [])}


async def test_an_image_that_is_missing_can_be_pulled_later(shells: Shells, cluster: Cluster, image: str) -> None:
    fault = await cluster.add_fault(FaultKind.IMAGE_MISSING, image=image)
    pod = await shells.start("exit 0", container={"image": image})
    name = pod["metadata"]["name"]
    found = await cluster.until(PODS, name, lambda pod: waiting(pod, "ImagePullBackOff"), namespace=cluster.namespace)
    missing = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    assert container_status(found)["state"]["waiting"]["message"] == (
        f'Back-off pulling image "{image}": ErrImagePull: rpc error: code = NotFound desc = {missing}'
    )
    assert found["status"]["phase"] == "Pending"
    await shells.until_told(
        pod, "Failed", f'Failed to pull image "{image}": rpc error: code = NotFound desc = {missing}'
    )
    await shells.until_told(pod, "Failed", "Error: ErrImagePull")
    await shells.until_told(pod, "BackOff", f'Back-off pulling image "{image}"')
    await cluster.heal(fault)
    assert (await shells.ended(pod)).phase == "Succeeded"


async def test_an_image_name_that_cannot_be_read_is_told(shells: Shells, cluster: Cluster, image: str) -> None:
    fault = await cluster.add_fault(FaultKind.INVALID_IMAGE, image=image)
    pod = await shells.start("exit 0", container={"image": image})
    name = pod["metadata"]["name"]
    await cluster.until(PODS, name, lambda pod: waiting(pod, "InvalidImageName"), namespace=cluster.namespace)
    await shells.until_told(pod, "InspectFailed", f'couldn\'t parse image name "{image}"')
    await cluster.heal(fault)
    assert (await shells.ended(pod)).phase == "Succeeded"


async def test_a_slow_pull_lasts_until_it_is_sped_up(shells: Shells, cluster: Cluster, image: str) -> None:
    fault = await cluster.add_fault(FaultKind.SLOW_PULL, image=image, seconds=3600)
    pod = await shells.start("exit 0", container={"image": image})
    name = pod["metadata"]["name"]
    await shells.until_told(pod, "Pulling", f'Pulling image "{image}"')
    await cluster.until(PODS, name, lambda pod: waiting(pod, "ContainerCreating"), namespace=cluster.namespace)
    await cluster.heal(fault)
    assert (await shells.ended(pod)).phase == "Succeeded"
    await shells.until_told(pod, "Pulled", f'Successfully pulled image "{image}" in ')


async def test_a_pull_takes_as_long_as_the_fault_says(shells: Shells, cluster: Cluster, image: str) -> None:
    await cluster.add_fault(FaultKind.SLOW_PULL, image=image, seconds=0.5)
    started = time.monotonic()
    await shells.run("exit 0", container={"image": image})
    assert time.monotonic() - started > 0.5


async def test_a_volume_that_cannot_be_mounted_can_be_later(shells: Shells, cluster: Cluster) -> None:
    words = "mount failed: exit status 32: server is not answering"
    await shells.add_claim("test-home")
    fault = await cluster.add_fault(FaultKind.MOUNT_FAILURE, claim="test-home", message=words)
    pod = await shells.start("exit 0", **home_on("test-home"))
    name = pod["metadata"]["name"]
    await shells.until_told(pod, "FailedMount", f'MountVolume.SetUp failed for volume "home" : {words}')
    found = await cluster.until(PODS, name, lambda pod: waiting(pod, "ContainerCreating"), namespace=cluster.namespace)
    assert found["status"]["phase"] == "Pending"
    await cluster.heal(fault)
    assert (await shells.ended(pod)).phase == "Succeeded"


async def test_a_process_is_killed_for_memory_when_it_is_asked_for(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.begin(WAIT)
    await cluster.add_fault(FaultKind.OUT_OF_MEMORY, pod=pod["metadata"]["name"])
    ended = await shells.ended(pod)
    assert ended.phase == "Failed"
    assert (ended.end["exitCode"], ended.end["reason"]) == (137, "OOMKilled")
    assert shells.processes([pod]) == []


async def test_a_server_killed_for_memory_starts_again_when_there_is_enough(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.begin(WAIT, restartPolicy="Always")
    name = pod["metadata"]["name"]
    fault = await cluster.add_fault(FaultKind.OUT_OF_MEMORY, pod=name, seconds=2)
    killed = await cluster.until(
        PODS, name, lambda pod: bool(container_status(pod)["lastState"]), namespace=cluster.namespace
    )
    assert container_status(killed)["lastState"]["terminated"]["reason"] == "OOMKilled"
    await cluster.heal(fault)
    await cluster.until(PODS, name, lambda pod: bool(container_status(pod)["ready"]), namespace=cluster.namespace)


async def test_a_fault_concerns_only_the_pods_it_names(shells: Shells, cluster: Cluster) -> None:
    fields = {FaultKind.SILENT_NODE: "node", FaultKind.PROVISIONING_FAILURE: "claim"}
    for kind in FaultKind:
        await cluster.add_fault(kind, **{fields.get(kind, "pod"): "test-nobody"})
    assert (await shells.run("exit 0")).phase == "Succeeded"


async def test_a_silent_node_is_given_up_and_taken_back(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node()
    stays, leaves = await asyncio.gather(shells.begin(WAIT, **on(node)), shells.begin(WAIT, **on(node)))
    fault = await cluster.add_fault(FaultKind.SILENT_NODE, node=node)
    started = time.monotonic()
    await cluster.api.delete(PODS, leaves["metadata"]["name"], namespace=cluster.namespace)
    lost = await cluster.until(
        NODES, node, lambda node: "node.kubernetes.io/unreachable" in taints(node), within=NO_LEASE_SECONDS
    )
    assert conditions(lost)["Ready"] == "Unknown"
    assert time.monotonic() - started > 20
    deleted = await cluster.api.get(PODS, leaves["metadata"]["name"], namespace=cluster.namespace)
    assert "deletionTimestamp" in deleted["metadata"]
    assert shells.processes([stays])
    unready = await cluster.until(
        PODS, stays["metadata"]["name"], lambda pod: conditions(pod)["Ready"] == "False", namespace=cluster.namespace
    )
    assert unready["status"]["phase"] == "Running"

    await cluster.heal(fault)
    await cluster.until(NODES, node, lambda node: conditions(node)["Ready"] == "True" and not taints(node))
    await cluster.until_gone(PODS, leaves["metadata"]["name"], namespace=cluster.namespace)
    await cluster.until(
        PODS, stays["metadata"]["name"], lambda pod: conditions(pod)["Ready"] == "True", namespace=cluster.namespace
    )
