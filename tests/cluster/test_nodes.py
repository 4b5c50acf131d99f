"""Nodes: those of the site, and any that is added to them."""

import asyncio

from genkan_sandbox.sites import Device, Taint, TaintEffect, load_site
from genkan_spawner.api import PatchType
from genkan_spawner.kinds import LEASES, NODES

from ..support.cluster import WITHIN, Cluster
from ..support.shells import WAIT, Shells, conditions, on

HEALTHY = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}


async def test_the_nodes_of_the_site_are_there_with_their_devices(cluster: Cluster) -> None:
    nodes = {node["metadata"]["name"]: node for node in await cluster.api.list(NODES)}
    site = load_site("datacenter")
    for pool in site.pools:
        for index in range(pool.count):
            node = nodes[pool.node_name(index)]
            assert conditions(node) == HEALTHY
            offered = {name: amount for name, amount in node["status"]["allocatable"].items() if "/" in name}
            assert offered == {name: str(amount) for name, amount in pool.offered.items()}
    assert len(nodes) == sum(pool.count for pool in site.pools)


async def test_a_node_that_is_added_holds_a_lease_that_goes_with_it(cluster: Cluster) -> None:
    name = await cluster.add_node()
    node = await cluster.api.get(NODES, name)
    async with asyncio.timeout(WITHIN):
        while not (leases := await cluster.api.list(LEASES, field_selector=f"metadata.name={name}")):
            await asyncio.sleep(0.05)
    (lease,) = leases
    assert lease["metadata"]["namespace"] == "kube-node-lease"
    assert lease["spec"]["holderIdentity"] == name
    assert [owner["uid"] for owner in lease["metadata"]["ownerReferences"]] == [node["metadata"]["uid"]]


async def test_a_node_that_somebody_calls_sick_is_said_to_be_well_again(cluster: Cluster) -> None:
    name = await cluster.add_node()
    sick = [{"type": "DiskPressure", "status": "True"}, {"type": "Ready", "status": "False"}]
    await cluster.api.patch(NODES, name, {"status": {"conditions": sick}}, subresource="status")
    await cluster.until(NODES, name, lambda node: conditions(node) == HEALTHY and not node["spec"].get("taints"))


async def test_a_tainted_node_takes_only_pods_that_tolerate_it(shells: Shells, cluster: Cluster) -> None:
    taint = Taint(key="tests.genkan.dev/kept", value="yes", effect=TaintEffect.NO_SCHEDULE)
    node = await cluster.add_node(taints=(taint,))
    refused = await shells.start("exit 0", **on(node))
    told = await cluster.until_event("FailedScheduling", pod=refused["metadata"]["name"])
    assert "1 node(s) had untolerated taint(s)" in told["message"]
    tolerations = [{"key": taint.key, "operator": "Exists"}]
    assert (await shells.run("exit 0", tolerations=tolerations, **on(node))).phase == "Succeeded"


async def test_devices_that_a_node_gets_later_can_be_used(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node(devices=[Device(count=1, product="Tesla-V100-SXM2-16GB")])
    say = f'echo "$NVIDIA_VISIBLE_DEVICES"; {WAIT}'
    first = await shells.begin(say, resources={"nvidia.com/gpu": "1"}, **on(node))
    size = {resource: {"nvidia.com/gpu": "2"} for resource in ("capacity", "allocatable")}
    await cluster.api.patch(NODES, node, {"status": size}, subresource="status", patch_type=PatchType.MERGE)
    second = await shells.begin(say, resources={"nvidia.com/gpu": "1"}, **on(node))
    for pod in (first, second):
        await shells.until_written(pod, "GPU-")
    assert shells.log(first) != shells.log(second)
