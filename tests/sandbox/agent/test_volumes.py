import asyncio
import base64
import re
from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.agent import persistent as persistent_module
from genkan_sandbox.agent.attaching import DRIVER
from genkan_sandbox.agent.exports import SERVER
from genkan_sandbox.agent.faults import FaultBoard, FaultKind, fault_entry
from genkan_sandbox.agent.fields import Place
from genkan_sandbox.agent.mounts import MountedVolume
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.persistent import MountError, PersistentVolumes
from genkan_sandbox.agent.volumes import VolumeStore
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import UnreachableError
from genkan_spawner.kinds import CLAIMS, CONFIG_MAPS, SECRETS, VOLUME_ATTACHMENTS, VOLUMES

from ...support.fake_cluster import FakeCluster
from .manifests import container, node_record, pod, pod_record

PLACE = Place(node_record(), pod_address="127.130.1.1", host_address="127.130.0.1")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.put(SECRETS, {"metadata": {"name": "keys"}, "data": {"a": encoded("1"), "b": encoded("2")}})
    made.put(
        CONFIG_MAPS, {"metadata": {"name": "settings"}, "data": {"c": "3\n"}, "binaryData": {"d": encoded("\u00ff")}}
    )
    bind(made, "home", "pvc-1", hostPath={"path": "/"})
    made.put(CLAIMS, {"metadata": {"name": "pending"}, "spec": {}, "status": {"phase": "Pending"}})
    return made


def bind(cluster: FakeCluster, claim: str, volume: str, **spec: Any) -> None:
    cluster.put(VOLUMES, {"metadata": {"name": volume}, "spec": spec})
    bound = {"metadata": {"name": claim}, "spec": {"volumeName": volume}, "status": {"phase": "Bound"}}
    cluster.put(CLAIMS, bound)


def store(cluster: FakeCluster, state: Path, *, faults: FaultBoard | None = None) -> VolumeStore:
    persistent = PersistentVolumes(cluster, state, faults=faults or FaultBoard(), owners=Owners())
    return VolumeStore(cluster, state, persistent=persistent)


async def mount(cluster: FakeCluster, state: Path, **volume: Any) -> Path:
    return (await store(cluster, state).mount(pod(), {"name": "v", **volume}, place=PLACE)).path


def contents(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text() for path in sorted(directory.rglob("*")) if path.is_file()
    }


async def test_a_claim_is_the_directory_of_its_volume(cluster: FakeCluster, tmp_path: Path) -> None:
    directory = await mount(cluster, tmp_path, persistentVolumeClaim={"claimName": "home"})

    assert directory == tmp_path / "volumes" / "pvc-1"
    assert directory.stat().st_mode & 0o777 == 0o777


@pytest.mark.parametrize("name", ["released", ".."])
async def test_a_volume_cannot_have_the_name_of_another_folder(cluster: FakeCluster, tmp_path: Path, name: str) -> None:
    bind(cluster, "bad", name)

    with pytest.raises(MountError, match="cannot be called"):
        await mount(cluster, tmp_path, persistentVolumeClaim={"claimName": "bad"})


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"persistentVolumeClaim": {"claimName": "none"}}, 'persistentvolumeclaim "none" not found'),
        ({"persistentVolumeClaim": {"claimName": "pending"}}, "PVC default/pending is not bound"),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent secret key: z",
        ),
        (
            {"configMap": {"name": "settings", "items": [{"key": "z", "path": "z"}]}},
            "configmap references non-existent config key: z",
        ),
        ({"nfs": {"server": "x", "path": "/"}}, "the sandbox has no volumes of kind nfs"),
        ({"projected": {"sources": [{"clusterTrustBundle": {}}]}}, "the sandbox cannot project clusterTrustBundle"),
        ({"secret": {"secretName": "keys", "items": [{"key": "a", "path": "../a"}]}}, "invalid path '../a'"),
    ],
)
async def test_what_cannot_be_mounted_is_said_in_the_kubelets_words(
    cluster: FakeCluster, tmp_path: Path, volume: JsonObject, words: str
) -> None:
    with pytest.raises(MountError, match=re.escape(words)):
        await mount(cluster, tmp_path, **volume)


async def test_secrets_and_config_maps_become_files(cluster: FakeCluster, tmp_path: Path) -> None:
    secret = await mount(cluster, tmp_path, secret={"secretName": "keys", "defaultMode": 0o400})

    assert contents(secret) == {"a": "1", "b": "2"}
    assert (secret / "a").stat().st_mode & 0o777 == 0o400
    assert contents(await mount(cluster, tmp_path, configMap={"name": "settings"})) == {"c": "3\n", "d": "\u00ff"}


async def test_chosen_keys_go_to_chosen_paths(cluster: FakeCluster, tmp_path: Path) -> None:
    items = [{"key": "b", "path": "deep/er/b.txt", "mode": 0o600}]
    directory = await mount(cluster, tmp_path, secret={"secretName": "keys", "items": items})

    assert contents(directory) == {"deep/er/b.txt": "2"}
    assert (directory / "deep/er/b.txt").stat().st_mode & 0o777 == 0o600


async def test_optional_sources_may_be_missing(cluster: FakeCluster, tmp_path: Path) -> None:
    assert contents(await mount(cluster, tmp_path, secret={"secretName": "none", "optional": True})) == {}
    items = [{"key": "z", "path": "z"}, {"key": "a", "path": "a"}]
    some = {"secretName": "keys", "optional": True, "items": items}
    assert contents(await mount(cluster, tmp_path, secret=some)) == {"a": "1"}


async def test_projected_sources_share_one_directory(cluster: FakeCluster, tmp_path: Path) -> None:
    sources = [
        {"serviceAccountToken": {"path": "token"}},
        {"configMap": {"name": "settings", "items": [{"key": "c", "path": "c"}]}},
        {"secret": {"name": "keys", "items": [{"key": "a", "path": "a"}]}},
        {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    directory = await mount(cluster, tmp_path, projected={"sources": sources})

    assert contents(directory) == {"a": "1", "c": "3\n", "ns": "default", "token": "token-of-default"}


async def test_the_downward_api_gives_fields_and_resources(cluster: FakeCluster, tmp_path: Path) -> None:
    items = [
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "notebook", "resource": "limits.cpu"}},
    ]

    assert contents(await mount(cluster, tmp_path, downwardAPI={"items": items})) == {"cpu": "8", "name": "pod"}


async def test_an_empty_directory_keeps_what_is_in_it_until_the_pod_goes(cluster: FakeCluster, tmp_path: Path) -> None:
    made = store(cluster, tmp_path)
    volume = {"name": "v", "emptyDir": {"medium": "Memory"}}
    directory = (await made.mount(pod(), volume, place=PLACE)).path
    (directory / "file").write_text("x")

    assert contents((await made.mount(pod(), volume, place=PLACE)).path) == {"file": "x"}
    made.remove("uid-pod")
    assert not directory.exists()


async def test_a_pods_end_leaves_claims_alone(cluster: FakeCluster, tmp_path: Path) -> None:
    made = store(cluster, tmp_path)
    claim = (await made.mount(pod(), {"name": "v", "persistentVolumeClaim": {"claimName": "home"}}, place=PLACE)).path
    (claim / "notebook.ipynb").write_text("{}")
    scratch = (await made.mount(pod(), {"name": "w", "emptyDir": {}}, place=PLACE)).path
    (scratch / "home").symlink_to(claim)

    made.remove("uid-pod")
    made.remove_others([])

    assert contents(claim) == {"notebook.ipynb": "{}"}


async def test_directories_of_pods_that_are_no_more_are_removed(cluster: FakeCluster, tmp_path: Path) -> None:
    made = store(cluster, tmp_path)
    made.remove_others(["uid-pod"])
    kept, gone = made.directory("uid-pod"), made.directory("uid-gone")

    made.remove_others(["uid-pod"])

    assert kept.is_dir()
    assert not gone.exists()


async def test_a_server_that_does_not_answer_is_a_mount_that_fails(cluster: FakeCluster, tmp_path: Path) -> None:
    cluster.fails = lambda _method, _path: UnreachableError("The Kubernetes API server did not answer.")

    with pytest.raises(MountError, match="did not answer"):
        await mount(cluster, tmp_path, secret={"secretName": "keys"})


async def test_all_volumes_of_a_pod(cluster: FakeCluster, tmp_path: Path) -> None:
    made = store(cluster, tmp_path)
    volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "home"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "home", "readOnly": True}},
        {"name": "keys", "secret": {"secretName": "keys"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    mounted = await made.mount_all(pod(volumes=volumes), place=PLACE)

    assert {name: volume.read_only for name, volume in mounted.items()} == {
        "home": False,
        "data": True,
        "keys": True,
        "scratch": False,
    }
    with pytest.raises(MountError, match=r'^MountVolume\.SetUp failed for volume "x" : secret "none" not found$'):
        await made.mount_all(pod(volumes=[{"name": "x", "secret": {"secretName": "none"}}]), place=PLACE)


async def test_a_disk_that_is_full_is_a_mount_that_fails(cluster: FakeCluster, tmp_path: Path) -> None:
    (tmp_path / "pods").write_text("a file where a folder should be")

    with pytest.raises(MountError, match=r"File exists|Not a directory"):
        await mount(cluster, tmp_path, emptyDir={})


async def test_containers_may_not_write_where_files_are_projected(cluster: FakeCluster, tmp_path: Path) -> None:
    made = pod(containers=[container()], volumes=[{"name": "t", "projected": {"sources": []}}])

    assert (await store(cluster, tmp_path).mount_all(made, place=PLACE))["t"].read_only


async def until_attached(cluster: FakeCluster, persistent: PersistentVolumes) -> MountedVolume:
    task = asyncio.create_task(persistent.attacher.run())
    try:
        return await persistent.mount(pod_record(), "disk")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_disk_is_mounted_when_it_is_at_the_node(cluster: FakeCluster, tmp_path: Path) -> None:
    bind(cluster, "disk", "pvc-2", csi={"driver": DRIVER})
    persistent = PersistentVolumes(cluster, tmp_path, faults=FaultBoard(), owners=Owners())
    spec = {"attacher": DRIVER, "nodeName": "a-0", "source": {"persistentVolumeName": "pvc-2"}}
    cluster.put(VOLUME_ATTACHMENTS, {"metadata": {"name": "csi-1"}, "spec": spec})

    found = await until_attached(cluster, persistent)

    assert found == MountedVolume(tmp_path / "volumes" / "pvc-2", takes_group=True)


async def test_a_disk_that_does_not_come_is_said_in_the_kubelets_words(
    cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persistent_module, "ATTACH_SECONDS", 0)
    bind(cluster, "disk", "pvc-2", csi={"driver": DRIVER})
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}},
        {"name": "late", "emptyDir": {}},
    ]
    words = (
        "Unable to attach or mount volumes: unmounted volumes=[disk late], unattached volumes=[], "
        "failed to process volumes=[]: context deadline exceeded"
    )

    with pytest.raises(MountError, match=f"^{re.escape(words)}$"):
        await store(cluster, tmp_path).mount_all(pod(volumes=volumes), place=PLACE)


async def test_a_claim_of_an_export_is_its_directory(cluster: FakeCluster, tmp_path: Path) -> None:
    bind(cluster, "homes", "homes-hub", nfs={"server": SERVER, "path": "/homes", "readOnly": True})
    made = store(cluster, tmp_path)
    made.persistent.exports.post({"homes": "{}"})

    found = await made.mount(pod(), {"name": "v", "persistentVolumeClaim": {"claimName": "homes"}}, place=PLACE)

    assert found == MountedVolume(tmp_path / "exports" / "homes", read_only=True, squashed=True, claim="homes")


@pytest.mark.parametrize(
    ("faults", "output"),
    [
        ((), f"mount.nfs: mounting {SERVER}:/homes failed, reason given by server: No such file or directory"),
        (({"export": "homes"},), "mount.nfs: Connection timed out"),
    ],
)
async def test_an_export_that_cannot_be_mounted_is_said_in_the_kubelets_words(
    cluster: FakeCluster, tmp_path: Path, faults: tuple[dict[str, str], ...], output: str
) -> None:
    options = ["hard", "nfsvers=4.2"]
    bind(cluster, "homes", "homes-hub", nfs={"server": SERVER, "path": "/homes"}, mountOptions=options)
    board = FaultBoard()
    for fault in faults:
        board.post(fault_entry(FaultKind.SILENT_EXPORT, **fault))
    made = store(cluster, tmp_path, faults=board)
    made.persistent.exports.post({"homes": "{}"} if faults else {})
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "homes"}}]

    with pytest.raises(MountError) as caught:
        await made.mount_all(pod(volumes=volumes), place=PLACE)
    assert str(caught.value) == (
        'MountVolume.SetUp failed for volume "homes-hub" : mount failed: exit status 32\nMounting command: mount\n'
        f"Mounting arguments: -t nfs -o hard,nfsvers=4.2 {SERVER}:/homes "
        f"/var/lib/kubelet/pods/uid-pod/volumes/kubernetes.io~nfs/homes-hub\nOutput: {output}\n"
    )


async def test_a_volume_that_is_gone_is_said(cluster: FakeCluster, tmp_path: Path) -> None:
    bind(cluster, "lost", "pvc-3")
    cluster.remove(VOLUMES, "pvc-3")
    with pytest.raises(MountError, match=r'^persistentvolume "pvc-3" not found$'):
        await mount(cluster, tmp_path, persistentVolumeClaim={"claimName": "lost"})
