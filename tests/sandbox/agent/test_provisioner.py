import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.agent import provisioner
from genkan_sandbox.agent.attaching import DRIVER
from genkan_sandbox.agent.faults import FaultBoard, fault_entry
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.provisioner import PROVISIONER, Provisioner, put_aside
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import UnreachableError
from genkan_spawner.kinds import CLAIMS, EVENTS, NODES, STORAGE_CLASSES, VOLUMES

from ...support.fake_cluster import FakeCluster
from .manifests import node


class Storage:
    """A provisioner on a fake cluster with the sandbox's two classes."""

    def __init__(self, state: Path) -> None:
        self.cluster = FakeCluster()
        self.state = state
        for name in ("shared", "local"):
            self.cluster.put(STORAGE_CLASSES, {"metadata": {"name": name}, "reclaimPolicy": "Delete"})
        self.cluster.put(STORAGE_CLASSES, {"metadata": {"name": "block"}, "parameters": {"scope": "attached"}})
        self.cluster.put(NODES, node("a-0", labels={"kubernetes.io/hostname": "host-0"}))
        self.faults = FaultBoard()
        self.made = Provisioner(self.cluster, state, faults=self.faults, owners=Owners())

    def claim(self, name: str = "home", **fields: Any) -> JsonObject:
        return self.cluster.put(CLAIMS, claim(name, **fields))

    async def volume(self, name: str = "pvc-uid-home") -> JsonObject:
        found = await self.cluster.until(lambda: self.cluster.find(VOLUMES, name))
        assert isinstance(found, dict)
        return found


def claim(
    name: str,
    *,
    storage_class: str = "shared",
    modes: tuple[str, ...] = ("ReadWriteMany",),
    node: str | None = "a-0",
    ours: bool = True,
    mode: str = "Filesystem",
) -> JsonObject:
    annotations = {"volume.kubernetes.io/storage-provisioner": PROVISIONER if ours else "example.org/other"}
    if node is not None:
        annotations["volume.kubernetes.io/selected-node"] = node
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "annotations": annotations},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": list(modes),
            "volumeMode": mode,
            "resources": {"requests": {"storage": "5Gi"}},
        },
        "status": {"phase": "Pending"},
    }


@pytest.fixture
async def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Storage]:
    monkeypatch.setattr(provisioner, "_RETRY_SECONDS", 0.01)
    made = Storage(tmp_path)
    tasks = [asyncio.create_task(loop()) for loop in (made.made.run_claims, made.made.run_volumes)]
    yield made
    tasks += made.made._tasks.values()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_claim_of_the_shared_class_gets_a_directory(storage: Storage) -> None:
    storage.claim()
    volume = await storage.volume()

    assert volume["spec"] == {
        "capacity": {"storage": "5Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "shared",
        "volumeMode": "Filesystem",
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": "default",
            "name": "home",
            "uid": "uid-home",
        },
        "hostPath": {"path": str(storage.state / "volumes" / "pvc-uid-home"), "type": "Directory"},
    }
    assert (storage.state / "volumes" / "pvc-uid-home").stat().st_mode & 0o777 == 0o777


async def test_a_claim_of_the_local_class_belongs_to_its_node(storage: Storage) -> None:
    storage.claim(storage_class="local", modes=("ReadWriteOnce",))
    spec = (await storage.volume())["spec"]

    (term,) = spec["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["host-0"]}]
    assert "local" in spec


async def test_a_claim_of_the_block_class_gets_a_disk(storage: Storage) -> None:
    storage.claim(storage_class="block", modes=("ReadWriteOncePod",))
    spec = (await storage.volume())["spec"]

    assert spec["csi"] == {"driver": DRIVER, "volumeHandle": "pvc-uid-home", "fsType": "ext4"}
    assert spec["accessModes"] == ["ReadWriteOncePod"]
    assert (storage.state / "volumes" / "pvc-uid-home").stat().st_mode & 0o777 == 0o755


async def test_a_fault_keeps_a_claim_waiting_until_it_is_healed(storage: Storage) -> None:
    storage.faults.post(fault_entry("provisioning-failure", claim="home", storage_class="sh.*"))
    storage.claim("other")
    await storage.volume("pvc-uid-other")
    storage.claim()
    (event,) = await storage.cluster.until(
        lambda: [row for row in storage.cluster.all(EVENTS) if row["reason"] == "ProvisioningFailed"][:1]
    )

    assert event["message"] == (
        'failed to provision volume with StorageClass "shared": rpc error: code = ResourceExhausted desc = '
        "the pool has no room for the volume"
    )
    assert storage.cluster.find(VOLUMES, "pvc-uid-home") is None
    storage.faults.post({})
    await storage.volume()


async def test_a_claim_that_is_deleted_while_it_waits_is_given_up(storage: Storage) -> None:
    storage.faults.post(fault_entry("provisioning-failure"))
    storage.claim()
    await storage.cluster.until(lambda: storage.cluster.all(EVENTS))
    storage.cluster.remove(CLAIMS, "home")
    storage.faults.post({})
    storage.claim("other")
    await storage.volume("pvc-uid-other")

    assert storage.cluster.find(VOLUMES, "pvc-uid-home") is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"storage_class": "local"}, "cannot be ReadWriteMany"),
        ({"storage_class": "local", "modes": ("ReadWriteOnce",), "node": None}, "WaitForFirstConsumer"),
        ({"mode": "Block"}, "mode Filesystem only"),
        (
            {"storage_class": "block"},
            "code = InvalidArgument desc = a disk is at one node at a time and cannot be ReadWriteMany",
        ),
    ],
)
async def test_a_claim_that_cannot_be_met_says_why(storage: Storage, fields: dict[str, Any], words: str) -> None:
    storage.claim(**fields)
    (event,) = await storage.cluster.until(lambda: storage.cluster.all(EVENTS))

    assert event["reason"] == "ProvisioningFailed"
    assert words in event["message"]
    assert storage.cluster.all(VOLUMES) == []


async def test_claims_of_others_and_claims_that_are_bound_are_left_alone(storage: Storage) -> None:
    storage.claim("foreign", ours=False)
    bound = claim("bound")
    bound["spec"]["volumeName"] = "pv"
    storage.cluster.put(CLAIMS, bound)
    storage.claim("home")
    await storage.volume()

    assert len(storage.cluster.all(VOLUMES)) == 1


async def test_a_volume_that_is_there_already_is_good(storage: Storage) -> None:
    storage.cluster.put(VOLUMES, {"metadata": {"name": "pvc-uid-home"}, "spec": {}})
    storage.claim()
    await storage.cluster.until(lambda: storage.cluster.calls["POST", "persistentvolumes"] == 1)

    assert len(storage.cluster.all(VOLUMES)) == 1


async def test_a_server_that_is_down_for_a_while_hurts_nobody(storage: Storage) -> None:
    failures = iter([UnreachableError("no answer")] * 3)
    storage.cluster.fails = lambda _method, path: next(failures, None) if "storageclasses" in path else None
    storage.claim()

    await storage.volume()


def released(name: str, *, policy: str = "Delete", ours: bool = True, phase: str = "Released") -> JsonObject:
    return {
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER if ours else "x"}},
        "spec": {"persistentVolumeReclaimPolicy": policy},
        "status": {"phase": phase},
    }


def home(storage: Storage, name: str) -> Path:
    directory = storage.state / "volumes" / name
    directory.mkdir(parents=True)
    (directory / "notebook.ipynb").write_text("{}")
    return directory


async def test_what_a_deleted_claim_held_is_put_aside_and_never_deleted(storage: Storage) -> None:
    directory = home(storage, "pvc-1")
    storage.cluster.put(VOLUMES, released("pvc-1"))
    await storage.cluster.until(lambda: storage.cluster.find(VOLUMES, "pvc-1") is None)

    assert not directory.exists()
    (aside,) = (storage.state / "volumes" / "released").iterdir()
    assert aside.name.startswith("pvc-1-")
    assert (aside / "notebook.ipynb").read_text() == "{}"


async def test_volumes_that_are_kept_in_use_or_of_others_stay(storage: Storage) -> None:
    kept = [home(storage, f"pv-{number}") for number in range(3)]
    storage.cluster.put(VOLUMES, released("pv-0", policy="Retain"))
    storage.cluster.put(VOLUMES, released("pv-1", ours=False))
    storage.cluster.put(VOLUMES, released("pv-2", phase="Bound"))
    storage.cluster.put(VOLUMES, released("pv-3"))
    await storage.cluster.until(lambda: storage.cluster.find(VOLUMES, "pv-3") is None)

    assert [directory.is_dir() for directory in kept] == [True, True, True]
    assert len(storage.cluster.all(VOLUMES)) == 3


def test_putting_aside_never_overwrites(tmp_path: Path) -> None:
    for number in range(3):
        directory = tmp_path / "pvc-1"
        directory.mkdir()
        (directory / "file").write_text(str(number))
        put_aside(directory, tmp_path / "released", moment="20260101T000000Z")

    names = sorted(path.name for path in (tmp_path / "released").iterdir())
    assert names == ["pvc-1-20260101T000000Z", "pvc-1-20260101T000000Z-2", "pvc-1-20260101T000000Z-3"]
    assert [(tmp_path / "released" / name / "file").read_text() for name in names] == ["0", "1", "2"]
