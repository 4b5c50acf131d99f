from pathlib import Path
from typing import Any

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand
from genkan_spawner.checks.reading import read_snapshot
from genkan_spawner.cluster.snapshot import Snapshot, Source
from genkan_spawner.kinds import CLAIMS, LIMIT_RANGES, NODES, PODS, QUOTAS

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


async def test_what_may_be_read_in_a_namespace_only_is_read_there(tmp_path: Path) -> None:
    kinds = (PODS, QUOTAS, LIMIT_RANGES, CLAIMS)
    async with fake_api_server(tmp_path) as (server, api):
        server.refused = {kind.path(): (403, "Forbidden") for kind in kinds}
        server.objects[PODS.path(namespace="team")] = [raw_pod("one-of-many")]
        server.objects[CLAIMS.path(namespace="team")] = [claim("home", "team")]
        server.objects[CLAIMS.path(namespace="other")] = [claim("home", "other")]

        found = await read_snapshot(api, namespaces=["team"])
        nowhere = await read_snapshot(api)
        server.refused[QUOTAS.path(namespace="team")] = (403, "Forbidden")
        less = await read_snapshot(api, namespaces=["team"])

    parts = {Source.PODS, Source.QUOTAS, Source.LIMIT_RANGES, Source.CLAIMS}
    assert [pod.name for pod in found.pending] == ["one-of-many"]
    assert list(found.storage.claims) == [("team", "home")]
    assert {source for source, health in found.health.items() if health.partial} == parts
    assert unknown(found) == set()
    assert unknown(nowhere) == parts
    assert unknown(less) == {Source.QUOTAS}
    assert found.knows(Source.QUOTAS, namespace="team")
    assert not found.knows(Source.QUOTAS, namespace="other")


def claim(name: str, namespace: str) -> JsonObject:
    metadata = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {"resources": {"requests": {"storage": "1Gi"}}}, "status": {}}


def unknown(snapshot: Snapshot) -> set[Source]:
    return {source for source in Source if not snapshot.knows(source)}
