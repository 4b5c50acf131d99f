"""Storage in the cluster's view: what is kept of each object, and the view of all of them."""

import asyncio
import logging

import pytest

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.snapshot import Source
from genkan_spawner.cluster.storage_projection import (
    claim_record,
    storage_class_record,
    storage_driver_record,
    volume_record,
)
from genkan_spawner.cluster.storage_records import Phase
from genkan_spawner.cluster.storage_view import StorageView
from genkan_spawner.cluster.telling import tell_once
from genkan_spawner.kinds import STORAGE_CLASSES, VOLUMES

from ...support.kubernetes import FakeApiServer
from ...support.objects import pod
from .paths import CLAIMS, PODS

GIB = 2**30 * 1000


def claim(name: str = "claim-alice", **parts: JsonObject) -> JsonObject:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    return {
        "metadata": {"name": name, "namespace": "team", "uid": name, "resourceVersion": "1"}
        | parts.get("metadata", {}),
        "spec": spec | parts.get("spec", {}),
        "status": parts.get("status", {}),
    }


def volume(**spec: object) -> JsonObject:
    kept = {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"]}
    return {"metadata": {"name": "pv-1", "uid": "pv-1", "resourceVersion": "1"}, "spec": kept | spec}


def storage_class(name: str = "fast", *, default: bool = False, created: str = "", **fields: object) -> JsonObject:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "uid": name, "resourceVersion": "1", "annotations": annotations}
    return {"metadata": metadata | {"creationTimestamp": created}, "provisioner": "disks.example.org", **fields}


def test_a_claim_is_kept_with_what_it_asks_for() -> None:
    new = claim_record(claim())
    assert (new.phase, new.size, new.storage_class, new.volume) == (Phase.PENDING, 10 * GIB, None, "")
    assert (new.single_node, new.single_pod, new.deleted, new.selects) == (True, False, False, False)
    bound = claim_record(
        claim(
            spec={
                "volumeName": "pv-1",
                "storageClassName": "",
                "accessModes": ["ReadWriteOncePod"],
                "selector": {"matchLabels": {"a": "b"}},
            },
            status={"phase": "Bound"},
            metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"},
        )
    )
    assert (bound.phase, bound.storage_class, bound.volume) == (Phase.BOUND, "", "pv-1")
    assert (bound.single_node, bound.single_pod, bound.deleted, bound.selects) == (True, True, True, True)
    assert not claim_record(claim(spec={"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]})).single_node


def test_a_size_that_cannot_be_read_counts_as_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    tell_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert claim_record(claim(spec={"resources": {"requests": {"storage": "ten"}}})).size == 0
    assert "The size of claim team/claim-alice cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("spec", "drivers", "attaches"),
    [
        ({"nfs": {}}, {}, False),
        ({"hostPath": {}}, {}, False),
        ({"awsElasticBlockStore": {}}, {}, True),
        ({"csi": {"driver": "disks"}}, {}, True),
        ({"csi": {"driver": "disks"}}, {"disks": True}, True),
        ({"csi": {"driver": "disks"}}, {"disks": None}, True),
        ({"csi": {"driver": "disks"}}, {"disks": False}, False),
    ],
)
def test_whether_a_volume_is_attached_is_told_by_its_kind_or_its_driver(
    spec: JsonObject, drivers: dict[str, bool | None], attaches: bool
) -> None:
    rows = [
        storage_driver_record({"metadata": {"name": name}, "spec": {"attachRequired": required}})
        for name, required in drivers.items()
    ]
    view = StorageView(drivers={row.name: row for row in rows})
    assert view.attaches(volume_record(volume(**spec))) is attaches


def test_a_volume_is_kept_with_whom_it_is_for_and_who_reaches_it(caplog: pytest.LogCaptureFixture) -> None:
    plain = volume_record(volume(nfs={}))
    assert (plain.free, plain.kept_for, plain.terms, plain.storage_class) == (True, None, None, "")
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    zoned = volume_record(
        volume(
            local={},
            claimRef={"namespace": "team", "name": "claim-alice"},
            nodeAffinity={"required": {"nodeSelectorTerms": [term]}},
        )
        | {"status": {"phase": "Bound"}}
    )
    assert (zoned.free, zoned.kept_for) == (False, ("team", "claim-alice"))
    assert zoned.terms is not None
    assert zoned.terms[0].labels[0].key == "zone"
    tell_once.cache_clear()
    assert volume_record(volume(nodeAffinity={"required": {"nodeSelectorTerms": []}})).terms is None
    assert "Which nodes reach volume pv-1 cannot be read" in caplog.text


def test_of_several_default_classes_the_newest_counts_and_then_the_first_by_name() -> None:
    def default(*raws: JsonObject) -> str | None:
        rows = [storage_class_record(raw) for raw in raws]
        found = StorageView(classes={row.name: row for row in rows}).default_class
        return found.name if found else None

    assert default(storage_class("plain")) is None
    old, new = (storage_class(name, default=True, created=f"2026-0{year}") for name, year in (("z", 1), ("b", 2)))
    assert default(old, new, storage_class("c", default=True, created="2026-02")) == "b"


def test_a_class_says_who_makes_its_volumes_and_when() -> None:
    made = storage_class_record(storage_class(volumeBindingMode="WaitForFirstConsumer"))
    assert (made.provisions, made.waits_for_pod) == (True, True)
    by_hand = storage_class_record(storage_class() | {"provisioner": "kubernetes.io/no-provisioner"})
    assert (by_hand.provisions, by_hand.waits_for_pod) == (False, False)


async def test_storage_is_followed_beside_the_rest(server: FakeApiServer, api: KubernetesApi) -> None:
    server.objects[CLAIMS] = [claim()]
    server.objects[VOLUMES.path()] = [volume(nfs={})]
    server.objects[STORAGE_CLASSES.path()] = [storage_class()]
    mount = [{"name": "home", "persistentVolumeClaim": {"claimName": "claim-alice"}}, {"name": "tmp", "emptyDir": {}}]
    server.objects[PODS] = [pod("x", node="a", volumes=mount), pod("y", node="a")]
    async with ClusterCache(api) as cache:
        await cache.wait_ready(10)
        snapshot = cache.snapshot()
        assert list(snapshot.storage.claims) == [("team", "claim-alice")]
        assert list(snapshot.storage.volumes) == ["pv-1"]
        assert list(snapshot.storage.classes) == ["fast"]
        assert [found.claims for found in snapshot.nodes["a"].pods] == [("claim-alice",), ()]
        assert cache.counts()[Source.CLAIMS] == 1
        assert cache.snapshot().storage is snapshot.storage
        server.change(CLAIMS, "MODIFIED", claim(status={"phase": "Lost"}))
        while cache.snapshot().storage is snapshot.storage:
            await asyncio.sleep(0.005)
        assert cache.snapshot().storage.claims["team", "claim-alice"].phase is Phase.LOST
        assert snapshot.storage.claims["team", "claim-alice"].phase is Phase.PENDING
