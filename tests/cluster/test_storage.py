"""Storage as nodes have it: disks of one node, directories of many, the file server's exports."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from genkan_sandbox.agent import exports, isolation
from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.api import JsonObject, PatchType
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import CLAIMS, CONFIG_MAPS, PODS

from ..support.cluster import WITHIN, Cluster
from ..support.sandbox import SandboxRun, require
from ..support.shells import HOME, WAIT, Shells, container_status, home_on, on, terminated, waiting

SECURITY = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}


def sub_path(claim: str, path: str, **fields: Any) -> dict[str, Any]:
    """Return the fields of a pod whose home is a part of a claim."""
    mounts = [{"name": "home", "mountPath": HOME, "subPath": path}]
    return {**home_on(claim), "container": {"volumeMounts": mounts}, **fields}


async def until_waiting(cluster: Cluster, pod: JsonObject, reason: str) -> str:
    """Wait until a pod's container waits for a reason, and return its message."""
    metadata = pod["metadata"]
    found = await cluster.until(
        PODS, metadata["name"], lambda found: waiting(found, reason), namespace=metadata["namespace"]
    )
    return str(container_status(found)["state"]["waiting"]["message"])


class Exports:
    """Exports that a test adds to the site's."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.added: list[str] = []

    async def add(self, **rules: Any) -> str:
        """Declare an export."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        await self._declare({name: json.dumps(rules)})
        self.added.append(name)
        return name

    async def forget(self) -> None:
        await self._declare(dict.fromkeys(self.added))

    async def _declare(self, data: dict[str, Any]) -> None:
        await self._cluster.api.patch(
            CONFIG_MAPS, exports.CONFIG_MAP, {"data": data}, namespace=exports.NAMESPACE, patch_type=PatchType.MERGE
        )

    async def claim(self, export: str, *, namespace: str = "") -> str:
        """Make a volume and a claim of an export in a namespace; both are called by the same name."""
        namespace = namespace or self._cluster.namespace
        name = f"{export}-{uuid.uuid4().hex[:4]}"
        common = {"accessModes": ["ReadWriteMany"]}
        source = {"server": exports.SERVER, "path": f"/{export}"}
        reference = {"namespace": namespace, "name": name}
        volume = {**common, "capacity": {"storage": "1Ti"}, "nfs": source, "claimRef": reference}
        await self._cluster.add(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume}
        )
        asked = {"storageClassName": "", "volumeName": name, "resources": {"requests": {"storage": "1Gi"}}}
        await self._cluster.add(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": reference,
                "spec": {**common, **asked},
            }
        )
        return name


@pytest.fixture
async def shares(cluster: Cluster) -> AsyncIterator[Exports]:
    """Exports for one test."""
    made = Exports(cluster)
    yield made
    await made.forget()


async def test_a_disk_waits_until_no_other_node_holds_it(shells: Shells, cluster: Cluster) -> None:
    first, second = await asyncio.gather(cluster.add_node(), cluster.add_node())
    await shells.add_claim("test-disk", "block")
    mine = {**home_on("test-disk"), "securityContext": {**SECURITY, "fsGroup": 100}}
    holder = await shells.begin(f'echo mine > "$HOME/notes.txt"; {WAIT}', **mine, **on(first))
    beside = await shells.run('cat "$HOME/notes.txt"', **mine, **on(first))
    assert beside.log == "mine\n"

    late = await shells.start('cat "$HOME/notes.txt"', **mine, **on(second))
    claim = await cluster.api.get(CLAIMS, "test-disk", namespace=cluster.namespace)
    volume, holding = claim["spec"]["volumeName"], holder["metadata"]["name"]
    words = f'Multi-Attach error for volume "{volume}" Volume is already used by pod(s) {holding}'
    await shells.until_told(late, "FailedAttachVolume", words)
    found = await cluster.api.get(PODS, late["metadata"]["name"], namespace=cluster.namespace)
    assert waiting(found, "ContainerCreating")

    await cluster.api.delete(PODS, holding, namespace=cluster.namespace)
    assert (await shells.ended(late)).log == "mine\n"


async def test_a_shared_export_is_one_directory_in_two_namespaces_and_on_two_nodes(
    shells: Shells, cluster: Cluster, shares: Exports
) -> None:
    first, second, other = await asyncio.gather(cluster.add_node(), cluster.add_node(), cluster.add_namespace())
    export = await shares.add(root_squash=False, mode="777")
    here, there = await shares.claim(export), await shares.claim(export, namespace=other)
    await shells.begin(f'echo hello > "$HOME/notes.txt"; {WAIT}', **sub_path(here, "home/ann"), **on(first))
    read = await shells.run(
        'until cat "$HOME/notes.txt" 2>/dev/null; do sleep 0.05; done',
        **sub_path(there, "home/ann"),
        **on(second),
        namespace=other,
    )
    assert read.log == "hello\n"


async def test_the_sites_export_has_a_claim_for_homes(shells: Shells, cluster: Cluster, sandbox: SandboxRun) -> None:
    claim = await cluster.api.get(CLAIMS, "homes", namespace=cluster.namespace)
    assert (claim["status"]["phase"], claim["status"]["capacity"]) == ("Bound", {"storage": "10Ti"})
    ended = await shells.run('ls "$HOME"', **home_on("homes"))
    assert ended.log == "home\n"
    assert (sandbox.state / "exports" / "homes" / "home").stat().st_mode & 0o7777 == 0o1771


async def test_an_init_container_prepares_what_the_kubelet_may_not(
    shells: Shells, cluster: Cluster, shares: Exports
) -> None:
    claim = await shares.claim(await shares.add(folders={"home": "1771"}, gid=100))
    refused = await shells.start("exit 0", **sub_path(claim, "home/ann"))
    words = 'failed to create subPath directory for volumeMount "home" of container "main"'
    assert await until_waiting(cluster, refused, "CreateContainerConfigError") == words
    await shells.until_told(refused, "Failed", f"Error: {words}")

    prepare: JsonObject = {
        "name": "prepare",
        "image": "registry.example.org/tests/image:1",
        "command": ["/bin/sh", "-c", "mkdir -m 0700 /mnt/ann && echo made >/dev/termination-log"],
        "volumeMounts": [{"name": "home", "mountPath": "/mnt", "subPath": "home"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {**SECURITY, "supplementalGroups": [100]}
    fields = sub_path(claim, "home/ann", initContainers=[prepare], securityContext=security)
    ended = await shells.run('touch "$HOME/notes.txt" && stat -c %a "$HOME"', **fields)
    assert ended.log == "700\n"
    assert terminated(ended.pod, "prepare")["message"] == "made\n"


@pytest.fixture
async def separate(cluster: Cluster) -> None:
    """Only where the users of containers are users of their own on the machine."""
    found = await cluster.api.get(CONFIG_MAPS, isolation.CONFIG_MAP, namespace=isolation.NAMESPACE)
    if found["data"][isolation.USERS] != isolation.SEPARATE:
        require("The users of containers are kept apart only where root runs the sandbox with bubblewrap.")


@pytest.mark.usefixtures("separate")
async def test_users_cannot_read_each_others_files_on_an_export(
    shells: Shells, cluster: Cluster, shares: Exports
) -> None:
    claim = await shares.claim(await shares.add(mode="1777"))
    ann, ben = ({**home_on(claim), "securityContext": {**SECURITY, "runAsUser": uid}} for uid in (1001, 1002))
    wrote = await shells.run('umask 077; mkdir "$HOME/ann"; echo secret > "$HOME/ann/diary"; id -u', **ann)
    assert (wrote.phase, wrote.log) == ("Succeeded", "1001\n")
    read = await shells.run('ls -ln "$HOME"; cat "$HOME/ann/diary"; rm -r "$HOME/ann"', **ben)
    assert re.search(r"^drwx------ \d+ 1001 .* ann$", read.log, re.MULTILINE)
    assert "secret" not in read.log
    assert read.log.count("Permission denied") + read.log.count("not permitted") >= 2
    again = await shells.run('cat "$HOME/ann/diary"', **ann)
    assert again.log == "secret\n"


@pytest.mark.usefixtures("separate")
async def test_a_pods_group_is_given_to_its_disk_and_to_no_export(
    shells: Shells, cluster: Cluster, shares: Exports
) -> None:
    await shells.add_claim("test-disk", "block")
    group = {"securityContext": {**SECURITY, "fsGroup": 3000, "fsGroupChangePolicy": "OnRootMismatch"}}
    look = 'id -G; cd "$HOME"; stat -c "%u %g %a" . ; touch file && stat -c "%u %g %a" file'
    disk = await shells.run(look, **home_on("test-disk"), **group)
    assert disk.log == "3000\n0 3000 2775\n1000 3000 644\n"
    claim = await shares.claim(await shares.add(mode="777"))
    exported = await shells.run(look, **home_on(claim), **group)
    assert exported.log == "3000\n0 0 777\n1000 3000 644\n"


async def test_an_export_that_does_not_answer_is_said_and_heals(
    shells: Shells, cluster: Cluster, shares: Exports
) -> None:
    export = await shares.add()
    claim = await shares.claim(export)
    fault = await cluster.add_fault(FaultKind.SILENT_EXPORT, export=export)
    pod = await shells.start("exit 0", **home_on(claim))
    words = f'MountVolume.SetUp failed for volume "{claim}" : mount failed: exit status 32\nMounting command: mount\n'
    await shells.until_told(pod, "FailedMount", words)
    await shells.until_told(pod, "FailedMount", "Output: mount.nfs: Connection timed out")
    found = await cluster.api.get(PODS, pod["metadata"]["name"], namespace=cluster.namespace)
    assert waiting(found, "ContainerCreating")
    await cluster.heal(fault)
    async with asyncio.timeout(WITHIN):
        assert (await shells.ended(pod)).phase == "Succeeded"


async def test_a_full_volume_fails_its_writers_and_heals(shells: Shells, cluster: Cluster, bubblewrap: None) -> None:
    await shells.add_claim("test-home")
    await shells.run('echo kept > "$HOME/notes.txt"', **home_on("test-home"))
    fault = await cluster.add_fault(FaultKind.FULL_VOLUME, claim="test-home", namespace=cluster.namespace)
    write = "import pathlib; pathlib.Path.home().joinpath('new').write_text('x')"
    full = await shells.run(f'python3 -c "{write}"', **home_on("test-home"))
    assert full.phase == "Failed"
    assert "OSError: [Errno 28] No space left on device" in full.log
    await cluster.heal(fault)
    healed = await shells.run(f'python3 -c "{write}" && cat "$HOME/notes.txt"', **home_on("test-home"))
    assert healed.log == "kept\n"


async def test_a_quota_of_one_class_counts_its_claims(shells: Shells, cluster: Cluster) -> None:
    await cluster.add_quota({"block.storageclass.storage.k8s.io/requests.storage": "1Gi"})
    await shells.add_claim("test-first", "block")
    await shells.add_claim("test-other", "shared")
    words = "requested: block.storageclass.storage.k8s.io/requests.storage=1Gi, used: .*=1Gi, limited: .*=1Gi"
    with pytest.raises(ForbiddenError, match=words):
        await shells.add_claim("test-second", "block")
