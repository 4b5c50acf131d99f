from genkan_sandbox.control_plane.bootstrap import apply_site
from genkan_sandbox.sites import Device, Pool, Taint, TaintEffect, node_manifest
from genkan_spawner.kinds import NODES

from ..agent.fake_cluster import FakeCluster

CARD = Device(product="Tesla-V100-SXM2-16GB", count=4)


def pool(*, devices: tuple[Device, ...] = (), taints: tuple[Taint, ...] = ()) -> Pool:
    return Pool(name="gpu", count=1, cpu="8", memory="32Gi", devices=devices, taints=taints)


async def test_a_node_that_exists_becomes_as_the_site_has_it_now() -> None:
    api = FakeCluster()
    old = Taint(key="old", effect=TaintEffect.NO_SCHEDULE)
    new = Taint(key="new", effect=TaintEffect.NO_SCHEDULE)
    await apply_site(api, [node_manifest(pool(devices=(CARD,), taints=(old,)), 0)])
    node = api.objects["nodes", "", "gpu-0"]
    node["spec"]["taints"].append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    await apply_site(api, [node_manifest(pool(taints=(new,)), 0)])
    found = await api.get(NODES, "gpu-0")
    assert set(found["status"]["capacity"]) == {"cpu", "memory", "ephemeral-storage", "pods"}
    assert "nvidia.com/gpu" not in found["status"]["allocatable"]
    assert [taint["key"] for taint in found["spec"]["taints"]] == ["node.kubernetes.io/not-ready", "new"]
