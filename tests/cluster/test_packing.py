"""The packing policy on the workstations: a load that fits, fits in whatever order it comes."""

import asyncio
import uuid
from collections.abc import Iterable
from itertools import permutations

from genkan_sandbox.sites import Device
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import PODS

from ..support.cluster import WITHIN, Cluster
from ..support.shells import on

GPU = "nvidia.com/gpu"
SIZES = {
    "x": {"cpu": "4", "memory": "20Gi"},
    "y": {"cpu": "2", "memory": "20Gi", GPU: "1"},
    "z": {"cpu": "4", "memory": "30Gi"},
}
LOAD = "xxxxyz"
"""Of these, y needs a card of machine a; x and z leave all their nodes full."""

SET, KIND = "tests.genkan.dev/set", "tests.genkan.dev/kind"


async def add_workstations(cluster: Cluster) -> str:
    """Add two machines a (8 cores, 50 GiB, 2 cards) and three b (4 cores, 20 GiB, 1 card); return their mark."""
    mark = f"test-{uuid.uuid4().hex[:8]}"
    first = [Device(count=2, product="NVIDIA-GeForce-RTX-2080-Ti")]
    second = [Device(count=1, product="NVIDIA-GeForce-GTX-1080")]
    nodes = await asyncio.gather(
        *(cluster.add_node(cpu="8", memory="50Gi", devices=first, labels={SET: mark, KIND: "a"}) for _ in range(2)),
        *(cluster.add_node(cpu="4", memory="20Gi", devices=second, labels={SET: mark, KIND: "b"}) for _ in range(3)),
    )
    # A pod on each of them shows that the scheduler knows them all.
    pods = await asyncio.gather(*(cluster.add_pod(**on(node)) for node in nodes))
    await asyncio.gather(*(cluster.until_phase(pod["metadata"]["name"], "Running") for pod in pods))
    await remove(cluster, pods)
    return mark


async def place(cluster: Cluster, order: str, *, machines: str) -> list[JsonObject]:
    """Create one pod after another and return all of them when each has a place, or is known to have none."""
    for index, size in enumerate(order):
        selector = {SET: machines} | ({KIND: "a"} if size == "y" else {})
        await cluster.add_pod(f"{order}-{index}", resources=SIZES[size], nodeSelector=selector)
    async with asyncio.timeout(WITHIN):
        while True:
            listed = await cluster.api.list(PODS, namespace=cluster.namespace)
            pods = [pod for pod in listed if pod["metadata"]["name"].startswith(f"{order}-")]
            told = [one for pod in pods for one in pod["status"].get("conditions", []) if one["type"] == "PodScheduled"]
            if len(told) == len(order):
                return pods
            await asyncio.sleep(0.02)


async def remove(cluster: Cluster, pods: Iterable[JsonObject]) -> None:
    where, names = cluster.namespace, [pod["metadata"]["name"] for pod in pods]
    await asyncio.gather(*(cluster.api.delete(PODS, name, namespace=where, grace_seconds=0) for name in names))
    await asyncio.gather(*(cluster.until_gone(PODS, name, namespace=where) for name in names))


async def test_the_load_of_the_workstations_fits_in_every_order(cluster: Cluster) -> None:
    orders = sorted("".join(order) for order in set(permutations(LOAD)))
    assert len(orders) == 30
    # Two sets in turn: the scheduler may learn a moment later than the API server that one is free again.
    sets = [await add_workstations(cluster), await add_workstations(cluster)]
    misfits: dict[str, list[str]] = {}
    for number, order in enumerate(orders):
        pods = await place(cluster, order, machines=sets[number % 2])
        without = [pod["metadata"]["name"] for pod in pods if "nodeName" not in pod["spec"]]
        if without:
            misfits[order] = without
        await remove(cluster, pods)
    assert misfits == {}
