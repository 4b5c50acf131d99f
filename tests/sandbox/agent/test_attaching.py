import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from genkan_sandbox.agent import attaching
from genkan_sandbox.agent.attaching import DRIVER, Attacher
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import UnreachableError
from genkan_spawner.kinds import VOLUME_ATTACHMENTS

from ...support.fake_cluster import FakeCluster


def attachment(name: str, *, volume: str = "pvc-1", node: str = "a-0", attacher: str = DRIVER) -> JsonObject:
    spec = {"attacher": attacher, "nodeName": node, "source": {"persistentVolumeName": volume}}
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture
async def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
async def attacher(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Attacher]:
    monkeypatch.setattr(attaching, "_RETRY_SECONDS", 0.01)
    made = Attacher(cluster)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def is_attached(cluster: FakeCluster, name: str) -> Any:
    return (cluster.find(VOLUME_ATTACHMENTS, name) or {}).get("status", {}).get("attached")


async def test_a_disk_is_attached_when_the_controller_asks_for_it(cluster: FakeCluster, attacher: Attacher) -> None:
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-1"))

    assert await attacher.attached("pvc-1", "a-0", seconds=20)
    assert is_attached(cluster, "csi-1")
    assert not await attacher.attached("pvc-1", "b-0", seconds=0)
    assert not await attacher.attached("pvc-2", "a-0", seconds=0)


async def test_disks_of_other_drivers_are_left_alone(cluster: FakeCluster, attacher: Attacher) -> None:
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-1", attacher="disks.example.org"))
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-2", volume="pvc-2"))

    assert await attacher.attached("pvc-2", "a-0", seconds=20)
    assert not is_attached(cluster, "csi-1")
    assert not await attacher.attached("pvc-1", "a-0", seconds=0)


async def test_a_disk_that_left_a_node_is_there_no_more(cluster: FakeCluster, attacher: Attacher) -> None:
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-1"))
    assert await attacher.attached("pvc-1", "a-0", seconds=20)

    cluster.remove(VOLUME_ATTACHMENTS, "csi-1")
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-2", node="b-0"))
    assert await attacher.attached("pvc-1", "b-0", seconds=20)
    assert not await attacher.attached("pvc-1", "a-0", seconds=0)


async def test_attaching_is_tried_until_the_api_server_knows(cluster: FakeCluster, attacher: Attacher) -> None:
    tries = 0

    def fails(method: str, _path: str) -> UnreachableError | None:
        nonlocal tries
        tries += method == "PATCH"
        return (
            UnreachableError("The Kubernetes API server did not answer.") if method == "PATCH" and tries < 3 else None
        )

    cluster.fails = fails
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-1"))

    assert await attacher.attached("pvc-1", "a-0", seconds=20)
    assert tries == 3


async def test_an_attachment_that_is_gone_before_it_was_made_holds_up_nothing(
    cluster: FakeCluster, attacher: Attacher
) -> None:
    def fails(method: str, path: str) -> UnreachableError | None:
        if method == "PATCH" and "csi-1" in path and cluster.find(VOLUME_ATTACHMENTS, "csi-1"):
            cluster.remove(VOLUME_ATTACHMENTS, "csi-1")
        return None

    cluster.fails = fails
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-1"))
    cluster.put(VOLUME_ATTACHMENTS, attachment("csi-2", volume="pvc-2"))

    assert await attacher.attached("pvc-2", "a-0", seconds=20)
