"""Starts whose storage is not to be had, by the real spawner on the real API: the reason in time, and nothing left."""

import asyncio
import itertools
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from traitlets.config import Config

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner import GenkanSpawner, Refusal
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.cluster.storage_view import StorageView
from genkan_spawner.home_forecast import OwnHome
from genkan_spawner.hub_view import HubView
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.kubespawner_seam import connected_to
from genkan_spawner.reasons import Reason

from ..support.cluster import Cluster
from ..support.sandbox import SandboxRun

CATALOGUE = """\
hardware:
  - {slug: cpu, display_name: CPU, cpu: 1, memory: 1Gi, default: true, node_selector: {NODES}}
  - {slug: tidy, display_name: Cleaning up, cpu: 500m, memory: 512Mi, rescue: true, node_selector: {NODES}}
images:
  - {slug: one, display_name: One, image: "registry.example.org/tests/image:1"}
homes: HOMES
"""
USER = "test-storage"
SHARED = "{kind: shared, claim: homes, folder: home}"
ON_DISK = "{kind: claim, size: 1Gi, storage_class: block}"
SOON = 3.0
"""Seconds that storage may take to come; a refusal follows a little later."""

MakeSpawner: TypeAlias = Callable[..., GenkanSpawner]


async def _no_auth_state() -> None:
    return None


@pytest.fixture
async def make(sandbox: SandboxRun, cluster: Cluster, tmp_path: Path) -> AsyncIterator[MakeSpawner]:
    """Make spawners that have the hub's rights, and what a catalogue says of homes."""
    numbers = itertools.count()
    async with await KubernetesApi.connect(sandbox.state / "hub.kubeconfig") as api:

        def made(homes: str, *, nodes: str = "", name: str = USER) -> GenkanSpawner:
            # A hub looks at a file once in a while only.
            file = tmp_path / f"catalogue-{next(numbers)}.yaml"
            selector = f"{{kubernetes.io/os: linux, genkan.test/pool: {nodes}}}" if nodes else "{}"
            file.write_text(CATALOGUE.replace("HOMES", homes).replace("{NODES}", selector))
            user = SimpleNamespace(
                name=name,
                escaped_name=name,
                id=1,
                url=f"/user/{name}/",
                server=None,
                groups=[],
                settings={},
                get_auth_state=_no_auth_state,
                db=SimpleNamespace(commit=lambda: None),
            )
            hub = SimpleNamespace(public_host="", url="http://hub/hub/", base_url="/hub/", api_url="http://hub/hub/api")
            traits = {"namespace": cluster.namespace, "mounting_timeout": SOON, "start_timeout": 60}
            spawner = GenkanSpawner(
                config=Config({"GenkanSpawner": traits}),
                user=user,
                hub=hub,
                api_token="the-token-of-a-server",
                oauth_client_id=f"jupyterhub-user-{name}",
                catalogue_file=str(file),
            )
            spawner.user_options = {"profile": "cpu"}
            return spawner

        with connected_to(api):
            yield made
        view = HubView._views.get(asyncio.get_running_loop())
        if view is not None:
            await view.close()
    await remove_homes(cluster)


async def remove_homes(cluster: Cluster) -> None:
    for claim in await cluster.api.list(CLAIMS, namespace=cluster.namespace):
        if USER in claim["metadata"]["name"]:
            await cluster.api.delete(CLAIMS, claim["metadata"]["name"], namespace=cluster.namespace)


async def refusal(spawner: GenkanSpawner, cluster: Cluster, *, within: float) -> Refusal:
    """Return with what a start is refused for its storage; no pod of it may be left."""
    began = time.monotonic()
    with pytest.raises(Refusal) as refused:
        await spawner.start()
    assert time.monotonic() - began < within
    assert refused.value.reason == Reason.STORAGE, refused.value.jupyterhub_message
    assert await cluster.pods_of(USER) == []
    return refused.value


async def homes_of(cluster: Cluster) -> list[JsonObject]:
    claims = await cluster.api.list(CLAIMS, namespace=cluster.namespace)
    return [claim for claim in claims if USER in claim["metadata"]["name"]]


async def pods(cluster: Cluster, *, until: Callable[[JsonObject], Any]) -> JsonObject:
    """Wait for the pod of the user's server to be as wanted."""
    async with asyncio.timeout(20):
        while True:
            for pod in await cluster.pods_of(USER):
                if until(pod):
                    return pod
            await asyncio.sleep(0.1)


async def cancelled(start: "asyncio.Future[Any]", cluster: Cluster) -> None:
    """Give up a start, and see that it takes its pod away."""
    start.cancel()
    await asyncio.gather(start, return_exceptions=True)
    await cluster.until_no_pods_of(USER)


async def test_a_home_over_quota_is_refused_with_numbers_on_the_form_and_at_the_start(
    make: MakeSpawner, cluster: Cluster
) -> None:
    resource = "block.storageclass.storage.k8s.io/requests.storage"
    await cluster.add_quota({resource: "1Gi"})
    spawner = make("{kind: claim, size: 5Gi, storage_class: block}")
    sentence = "Your home needs 5 GB of storage of the kind block, and your team has "
    async with asyncio.timeout(10):
        while sentence not in str(await spawner.get_options_form()):
            await asyncio.sleep(0.1)
    found = await refusal(spawner, cluster, within=5)
    assert found.jupyterhub_message.startswith(sentence)
    assert found.verdict is not None
    (row,) = [finding for finding in found.verdict.findings if finding.resource == resource]
    assert (row.requested, row.limit) == ("5Gi", "1Gi")
    assert await homes_of(cluster) == []


async def test_a_quota_that_nobody_could_see_has_the_last_word_with_the_same_numbers(
    make: MakeSpawner, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster.add_quota({"shared.storageclass.storage.k8s.io/requests.storage": "1Gi"})
    monkeypatch.setattr("genkan_spawner.checks.storage.check_claim_quota", lambda *_, **__: ())
    found = await refusal(make("{kind: claim, size: 5Gi, storage_class: shared}"), cluster, within=10)
    assert found.jupyterhub_message.startswith("Your home needs 5 GB of storage of the kind shared, and your team has ")
    assert await homes_of(cluster) == []


async def test_a_kind_of_storage_that_does_not_exist_is_refused_before_a_claim_is_made(
    make: MakeSpawner, cluster: Cluster
) -> None:
    found = await refusal(make("{kind: claim, storage_class: nope}"), cluster, within=5)
    assert found.jupyterhub_message == (
        "Your home cannot be made: the kind of storage nope does not exist. Tell an administrator."
    )
    assert await homes_of(cluster) == []


async def test_a_home_that_nobody_makes_is_refused_in_time_and_the_claim_is_kept(
    make: MakeSpawner, cluster: Cluster
) -> None:
    metadata = {"name": f"test-{USER}"}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata}
    await cluster.add({**kind, "provisioner": "nobody.example.org"})
    spawner = make(f"{{kind: claim, storage_class: test-{USER}}}")
    for _ in range(2):
        found = await refusal(spawner, cluster, within=SOON + 10)
        assert "has not been made" in found.jupyterhub_message
        assert [claim["status"]["phase"] for claim in await homes_of(cluster)] == ["Pending"]


@pytest.fixture
async def attached(cluster: Cluster, make: MakeSpawner) -> str:
    """The user's home in use by a pod on one of two machines, whose name it is."""
    names = await asyncio.gather(*(cluster.add_node(cpu="2", labels={"genkan.test/pool": "disks"}) for _ in range(2)))
    (claim, *_) = OwnHome.of(make(ON_DISK)).claims
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "block",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    place = {"name": claim, "namespace": cluster.namespace}
    await cluster.add({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": place, "spec": spec})
    pod = await cluster.add_pod(
        command=["/bin/sh", "-c", "sleep 600"],
        simulate=False,
        nodeSelector={"kubernetes.io/hostname": names[0]},
        volumes=[{"name": "home", "persistentVolumeClaim": {"claimName": claim}}],
        container={"volumeMounts": [{"name": "home", "mountPath": "/mnt"}]},
    )
    name = pod["metadata"]["name"]
    await cluster.until_phase(name, "Running")
    return names[0]


async def test_a_server_goes_where_its_home_is_attached_or_is_told_why_not(
    make: MakeSpawner, cluster: Cluster, attached: str
) -> None:
    spawner = make(ON_DISK, nodes="disks")
    start = asyncio.ensure_future(spawner.start())
    found = await pods(cluster, until=lambda pod: pod["spec"].get("nodeName"))
    assert found["spec"]["nodeName"] == attached
    await cancelled(start, cluster)

    await cluster.cordon(attached)
    await spawner.view.ready()
    async with asyncio.timeout(10):
        while not spawner.view.cache.snapshot().nodes[attached].node.unschedulable:
            await asyncio.sleep(0.05)
    told = await refusal(make(ON_DISK, nodes="disks"), cluster, within=5)
    assert told.jupyterhub_message == (
        "Your home is in use by other work on another machine, which has no room for this. "
        "Stop that one first, or choose other hardware."
    )


async def test_a_home_that_turns_out_to_be_attached_elsewhere_ends_the_start(
    make: MakeSpawner, cluster: Cluster, attached: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StorageView, "attaches", lambda *_: False)
    await cluster.cordon(attached)
    told = await refusal(make(ON_DISK, nodes="disks"), cluster, within=SOON + 15)
    assert told.jupyterhub_message == (
        "Your storage is still held by another server on another machine; stop that one first."
    )
    assert "Multi-Attach" in str(told.log_message)


async def test_a_file_server_that_does_not_answer_ends_the_start(make: MakeSpawner, cluster: Cluster) -> None:
    await cluster.add_fault(FaultKind.SILENT_EXPORT, export="homes")
    told = await refusal(make(SHARED), cluster, within=SOON + 20)
    assert told.jupyterhub_message == (
        "The file server of the storage does not answer. Try again later, or tell an administrator."
    )


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 1 MB, nearly full; where this machine lets none be mounted, a folder that says it is one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(words, check=False, capture_output=True).returncode == 0
    if mounted:
        (folder / "large").write_bytes(bytes(960 * 1024))
    else:
        said = SimpleNamespace(f_frsize=1, f_blocks=2**20, f_bfree=2**16, f_bavail=2**16)
        monkeypatch.setattr(os, "statvfs", lambda _: said)
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def filled(disk: Path, *, refuse_from: int) -> str:
    """Return homes whose disk is looked at."""
    return f"{SHARED[:-1]}, fill: {{hub_path: {disk}, refuse_from: {refuse_from}, warn_from: 50}}}}"


async def test_on_a_full_disk_the_form_warns_and_only_rescue_starts(
    make: MakeSpawner, cluster: Cluster, disk: Path
) -> None:
    spawner = make(filled(disk, refuse_from=99))
    await spawner.view.disks.ready(within=10)
    page = str(await spawner.get_options_form())
    assert "<strong>Storage:</strong> The disk of the homes is 93 % full" in page
    assert "disabled" not in page

    told = await refusal(make(filled(disk, refuse_from=90)), cluster, within=10)
    assert told.jupyterhub_message == (
        "The disk of the homes is 93 % full (0.9 MB of 1 MB). Until there is room again only this starts, for deleting "
        "files: Cleaning up."
    )
    rescue = make(filled(disk, refuse_from=90))
    rescue.user_options = {"profile": "tidy"}
    start = asyncio.ensure_future(rescue.start())
    await pods(cluster, until=lambda pod: pod["spec"].get("nodeName"))
    await cancelled(start, cluster)
