"""GPUs and parts of GPUs: each has a name, one holder at a time, and is known to its process."""

import asyncio

from genkan_sandbox.sites import Device
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import PODS

from ..support.cluster import Cluster
from ..support.shells import WAIT, Ended, Shells, container_status, on

GPU, SHARED, SLICE = "nvidia.com/gpu", "nvidia.com/gpu.shared", "nvidia.com/mig-1g.10gb"
V100, A100 = "Tesla-V100-SXM2-16GB", "NVIDIA-A100-SXM4-80GB"
SAY = 'echo "${NVIDIA_VISIBLE_DEVICES-nothing}"'


def held(pod: JsonObject, container: str = "main") -> dict[str, list[str]]:
    """Return the devices that a container's status names, by resource."""
    return {
        entry["name"]: [device["resourceID"] for device in entry["resources"]]
        for entry in container_status(pod, container).get("allocatedResourcesStatus", [])
    }


def seen(ended: Ended) -> list[str]:
    """Return the devices that the process was told of."""
    return ended.log.strip().split(",")


async def test_a_process_sees_as_many_devices_as_its_pod_asks_for(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node(devices=[Device(count=4, product=V100)])
    one, two = await asyncio.gather(*(shells.run(SAY, resources={GPU: str(count)}, **on(node)) for count in (1, 2)))
    assert (len(seen(one)), len(seen(two))) == (1, 2)
    assert all(name.startswith("GPU-") for name in [*seen(one), *seen(two)])
    for ended in (one, two):
        assert held(ended.pod) == {GPU: seen(ended)}


async def test_no_two_pods_hold_one_device_and_an_ended_pod_gives_its_back(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node(devices=[Device(count=4, product=V100)])
    real = [shells.begin(f"{SAY}; {WAIT}", resources={GPU: count}, **on(node)) for count in ("1", "2")]
    simulated = cluster.add_pod(resources={GPU: "1"}, **on(node))
    first, second, third = await asyncio.gather(*real, simulated)
    third = await cluster.until_phase(third["metadata"]["name"], "Running")
    names = [name for pod in (first, second, third) for name in held(pod)[GPU]]
    assert len(names) == len(set(names)) == 4

    waits = await shells.start(SAY, resources={GPU: "2"}, **on(node))
    await cluster.until_event("FailedScheduling", pod=waits["metadata"]["name"])
    await cluster.api.delete(PODS, second["metadata"]["name"], namespace=cluster.namespace)
    assert set(seen(await shells.ended(waits))) == set(held(second)[GPU])


async def test_the_names_of_devices_outlive_pods(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node(devices=[Device(count=2, product=V100)])
    first = await shells.run(SAY, resources={GPU: "2"}, **on(node))
    second = await shells.run(SAY, resources={GPU: "2"}, **on(node))
    assert set(seen(first)) == set(seen(second))


async def test_init_containers_use_the_devices_of_the_others(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node(devices=[Device(count=2, product=V100)])
    resources = {"limits": {GPU: "2"}, "requests": {"cpu": "100m", "memory": "64Mi"}}
    init = {
        "name": "check",
        "image": "registry.example.org/tests/check:1",
        "command": ["/bin/sh", "-c", SAY],
        "resources": resources,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    ended = await shells.run(SAY, resources={GPU: "2"}, initContainers=[init], **on(node))
    assert shells.log(ended.pod, "check") == ended.log
    assert held(ended.pod, "check") == held(ended.pod)


async def test_slices_of_a_card_have_names_of_their_own(shells: Shells, cluster: Cluster) -> None:
    slices = Device(resource=SLICE, count=7, cards=1, product=A100, memory="9728Mi")
    node = await cluster.add_node(devices=[slices])
    runs = [shells.run(SAY, resources={SLICE: count}, **on(node)) for count in ("1", "2", "4")]
    ended = await asyncio.gather(*runs)
    names = [name for one in ended for name in seen(one)]
    assert all(name.startswith("MIG-") for name in names)
    assert [held(one.pod) for one in ended] == [{SLICE: seen(one)} for one in ended]
    assert len(names) == 7


async def test_pods_share_a_card_by_time_when_every_card_has_a_user(shells: Shells, cluster: Cluster) -> None:
    shared = Device(resource=SHARED, count=2, replicas=2, product=V100)
    node = await cluster.add_node(devices=[shared])
    pods = [await shells.begin(f"{SAY}; {WAIT}", resources={SHARED: "1"}, **on(node)) for _ in range(4)]
    for pod in pods:
        await shells.until_written(pod, "\n")
    units = [name for pod in pods for name in held(pod)[SHARED]]
    cards = [shells.log(pod).strip() for pod in pods]
    assert len(set(units)) == 4
    assert cards == [unit.partition("::")[0] for unit in units]
    assert cards[0] != cards[1]
    assert sorted(cards[:2]) == sorted(cards[2:])


async def test_what_a_pod_says_of_devices_stays_and_a_pod_without_any_is_told_nothing(shells: Shells) -> None:
    void = [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]
    told, untold = await asyncio.gather(shells.run(SAY, env=void), shells.run(SAY))
    assert (told.log, untold.log) == ("void\n", "nothing\n")
    assert held(told.pod) == {}


async def test_a_node_rejects_a_pod_that_was_put_past_the_scheduler(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node(devices=[Device(count=1, product=V100)])
    real = (await shells.run(SAY, resources={GPU: "2"}, nodeName=node)).pod
    simulated = (await shells.ended(await cluster.add_pod(resources={GPU: "2"}, nodeName=node))).pod
    words = "Node didn't have enough resource: nvidia.com/gpu, requested: 2, used: 0, capacity: 1"
    for pod in (real, simulated):
        assert pod["status"]["reason"] == "OutOfnvidia.com/gpu"
        assert pod["status"]["message"] == f"Pod was rejected: {words}"
