from pathlib import Path
from typing import Any

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand
from genkan_spawner.checks.reading import read_snapshot
from genkan_spawner.cluster.snapshot import Source
from genkan_spawner.kinds import NODES, PODS

from ...support.kubernetes import fake_api_server
from .clusters import amounts, manifest


def raw_pod(name: str, **spec: Any) -> JsonObject:
    found = manifest("gpu=1", name, **spec)
    found["metadata"] |= {"uid": name, "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return found


async def test_a_snapshot_knows_where_waiting_pods_may_go(tmp_path: Path) -> None:
    async with fake_api_server(tmp_path) as (server, api):
        server.objects[PODS.path()] = [
            raw_pod("waits", nodeSelector={"kind": "a"}),
            raw_pod("runs", nodeName="a"),
            raw_pod("odd", tolerations=[{"key": "a", "operator": "Near"}]),
        ]
        server.objects[NODES.path()] = [
            {"metadata": {"name": "a", "uid": "a"}, "status": {"allocatable": {"cpu": "1"}}}
        ]

        found = await read_snapshot(api)

    waiting = {pod.name: pod.demand for pod in found.pending}
    assert waiting.keys() == {"waits", "odd"}
    assert isinstance(waiting["waits"], Demand)
    assert waiting["waits"].placement.node_selector == (("kind", "a"),)
    assert waiting["odd"] is None
    assert found.nodes["a"].used == {**amounts("gpu=1"), "pods": 1000}
    assert found.knows(*Source)


async def test_a_kind_that_cannot_be_read_is_unknown_alone(tmp_path: Path) -> None:
    async with fake_api_server(tmp_path) as (server, api):
        server.failures = [(403, "Forbidden")]

        found = await read_snapshot(api)

    unknown = [source for source in Source if not found.knows(source)]
    assert len(unknown) == 1
    assert found.health[unknown[0]].problem.endswith("cannot be read (Forbidden).")
