"""The real scheduler and the real admission, in the words that users will have to be told in better ones."""

import asyncio
from typing import Any

import pytest

from genkan_sandbox.sites import Device
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import NODES, PODS

from ..support.cluster import Cluster
from ..support.shells import on, unschedulable

GPU = "nvidia.com/gpu"


async def add_priority(cluster: Cluster, name: str, value: int) -> None:
    manifest = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    await cluster.add(manifest | {"value": value, "description": "Of a test."})


async def test_a_quota_refuses_in_these_words(cluster: Cluster) -> None:
    quota = await cluster.add_quota({f"requests.{GPU}": "4"})
    with pytest.raises(ForbiddenError) as refusal:
        await cluster.add_pod("big", resources={GPU: "5"})
    assert refusal.value.message == (
        f'pods "big" is forbidden: exceeded quota: {quota}, requested: requests.{GPU}=5, used: requests.{GPU}=0, '
        f"limited: requests.{GPU}=4"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"priorityClassName": "nope"}, "no PriorityClass with name nope was found"),
        ({"securityContext": {}}, 'violates PodSecurity "restricted:latest": runAsNonRoot != true'),
        ({"resources": {"cpu": "65"}}, "maximum cpu usage per Container is 64, but limit is 65"),
    ],
    ids=["priority", "security", "limits"],
)
async def test_admission_refuses_in_these_words(cluster: Cluster, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ForbiddenError) as refusal:
        await cluster.add_pod("bad", **fields)
    assert refusal.value.message.startswith(f'pods "bad" is forbidden: {words}')


async def test_too_few_devices_are_told_with_the_number_of_nodes(cluster: Cluster) -> None:
    node = await cluster.add_node(devices=[Device(count=2, product="Tesla-V100-SXM2-16GB")])
    nodes = await cluster.api.list(NODES)
    message = await unschedulable(cluster, await cluster.add_pod(resources={GPU: "3"}, **on(node)))
    assert message.startswith(f"0/{len(nodes)} nodes are available: 1 Insufficient nvidia.com/gpu, ")
    others = sum("unschedulable" not in other["spec"] for other in nodes) - 1
    assert f"{others} node(s) didn't match Pod's node affinity/selector" in message
    assert "Preemption is not helpful for scheduling" in message


async def test_a_pod_of_higher_priority_takes_the_place_of_a_lower_one(cluster: Cluster) -> None:
    await asyncio.gather(add_priority(cluster, "test-low", 10), add_priority(cluster, "test-high", 20))
    node = await cluster.add_node(devices=[Device(count=1, product="Tesla-V100-SXM2-16GB")])
    low = await cluster.add_pod(resources={GPU: "1"}, priorityClassName="test-low", **on(node))
    victim = low["metadata"]["name"]
    await cluster.until_phase(victim, "Running")
    high = await cluster.add_pod(resources={GPU: "1"}, priorityClassName="test-high", **on(node))
    await cluster.until_phase(high["metadata"]["name"], "Running")
    await cluster.until_gone(PODS, victim, namespace=cluster.namespace)
    told = await cluster.until_event("Preempted", pod=victim)
    assert told["message"] == f"Preempted by pod {high['metadata']['uid']} on node {node}"


async def test_a_pod_waits_while_its_node_is_cordoned(cluster: Cluster) -> None:
    node = await cluster.add_node()
    await cluster.cordon(node)
    pod = await cluster.add_pod(**on(node))
    cordoned = sum("unschedulable" in other["spec"] for other in await cluster.api.list(NODES))
    assert f"{cordoned} node(s) were unschedulable" in await unschedulable(cluster, pod)
    await cluster.cordon(node, cordoned=False)
    await cluster.until_phase(pod["metadata"]["name"], "Running")
