from pathlib import Path
from typing import Any

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand, demand_of
from genkan_spawner.checks.exceptions import ManifestError
from genkan_spawner.checks.limit_ranges import with_defaults
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


def limit_range(**row: Any) -> JsonObject:
    return {"spec": {"limits": [{"type": "Container", **row}]}}


@pytest.mark.parametrize(
    ("size", "ranges", "requests", "limits"),
    [
        ("cpu=1", [], "cpu=1", "cpu=1"),
        ("cpu=1", [limit_range(default={"cpu": "4"}, defaultRequest={"cpu": "2"})], "cpu=1", "cpu=1"),
        (
            "gpu=1",
            [limit_range(default={"cpu": "4"}, defaultRequest={"cpu": "2"})],
            "cpu=2 gpu=1",
            "cpu=4 gpu=1",
        ),
        ("gpu=1", [limit_range(defaultRequest={"cpu": "2"})], "cpu=2 gpu=1", "gpu=1"),
        ("gpu=1", [{"spec": {"limits": [{"type": "Pod", "default": {"cpu": "2"}}]}}], "gpu=1", "gpu=1"),
        ("gpu=1", [{"spec": {}}], "gpu=1", "gpu=1"),
        (
            "gpu=1",
            [limit_range(default={"cpu": "1"}), limit_range(default={"cpu": "2", "memory": "1Gi"})],
            "cpu=1 memory=1Gi gpu=1",
            "cpu=1 memory=1Gi gpu=1",
        ),
    ],
)
def test_limit_ranges_fill_in_what_is_missing(size: str, ranges: list[JsonObject], requests: str, limits: str) -> None:
    found = demand_of(with_defaults(manifest(size), ranges))

    assert found.requests == amounts(requests)
    assert found.limits == amounts(limits)


def test_limit_ranges_leave_the_manifest_as_it_was() -> None:
    bare = manifest("gpu=1", initContainers=[{"name": "first"}])

    filled = with_defaults(bare, [limit_range(default={"cpu": "1"})])

    assert bare == manifest("gpu=1", initContainers=[{"name": "first"}])
    assert filled["spec"]["initContainers"][0]["resources"]["limits"] == {"cpu": "1"}


def test_a_mistake_is_told_before_anything_is_filled_in() -> None:
    broken = {"spec": {"containers": ["a"]}}

    with pytest.raises(ManifestError, match=r"spec\.containers\[0\]: This must be a mapping"):
        with_defaults(broken, [limit_range(default={"cpu": "1"})])
