"""Persistent volumes behind claims: a directory each, and the file server's exports."""

import asyncio
import logging
from pathlib import Path

from genkan_sandbox.agent.attaching import DRIVER, Attacher
from genkan_sandbox.agent.exports import ExportBoard, ExportError
from genkan_sandbox.agent.faults import FaultBoard
from genkan_sandbox.agent.mounts import MountedVolume, make_directory
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.records import PodRecord
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import NotFoundError
from genkan_spawner.kinds import CLAIMS, VOLUMES

log = logging.getLogger(__name__)

RELEASED = "released"
"""The folder under `volumes/` for the data of claims that were deleted."""

ATTACH_SECONDS = 123.0
"""How long the kubelet waits for a pod's volumes before it says so, and waits again."""


class MountError(Exception):
    """A volume cannot be mounted now; the text is the kubelet's, or says what the sandbox does not have."""

    def __init__(self, message: str, *, volume: str | None = None) -> None:
        """Take the persistent volume's name, by which the kubelet calls it, where there is one."""
        super().__init__(message)
        self.volume = volume


class NotAttachedError(Exception):
    """A disk is not at the pod's node, as another node may hold it."""


class PersistentVolumes:
    """Finds the directory behind a claim, once it may be mounted on the pod's node."""

    def __init__(self, api: KubernetesApi, state: Path, *, faults: FaultBoard, owners: Owners) -> None:
        self.attacher = Attacher(api)
        self.exports = ExportBoard(api, state / "exports", owners=owners)
        self.owners = owners
        self._api = api
        self._root = state / "volumes"
        self._faults = faults

    async def mount(self, pod: PodRecord, claim: str) -> MountedVolume:
        """Return the volume of a claim in the pod's namespace.

        Raises
        ------
        MountError
            if it cannot be had now.
        NotAttachedError
            if it is a disk that did not come to the node in time.
        """
        volume = await self._bound(pod.namespace, claim)
        name, spec = volume["metadata"]["name"], volume["spec"]
        if source := spec.get("nfs"):
            return self._exported(pod, name, source, options=spec.get("mountOptions") or [])
        directory = await asyncio.to_thread(claim_directory, self._root, name, owners=self.owners)
        if await asyncio.to_thread(self.owners.adopt, directory):
            log.info("The files of volume %s belong to the users of containers now.", name)
        source = spec.get("csi") or {}
        if source.get("driver") == DRIVER and not await self.attacher.attached(name, pod.node, seconds=ATTACH_SECONDS):
            raise NotAttachedError
        return MountedVolume(directory, takes_group=True)

    async def _bound(self, namespace: str, name: str) -> JsonObject:
        try:
            claim = await self._api.get(CLAIMS, name, namespace=namespace)
        except NotFoundError as e:
            raise MountError(f'persistentvolumeclaim "{name}" not found') from e
        volume = claim["spec"].get("volumeName")
        if not volume or (claim.get("status") or {}).get("phase") != "Bound":
            raise MountError(f"PVC {namespace}/{name} is not bound")
        try:
            return await self._api.get(VOLUMES, volume)
        except NotFoundError as e:
            raise MountError(f'persistentvolume "{volume}" not found', volume=volume) from e

    def _exported(self, pod: PodRecord, volume: str, source: JsonObject, *, options: list[str]) -> MountedVolume:
        def failure(words: str) -> MountError:
            return MountError(_mount_failure(pod, volume, source, options=options, output=words), volume=volume)

        try:
            name, rules, directory = self.exports.find(source)
        except ExportError as e:
            raise failure(str(e)) from e
        if self._faults.export_fault(pod, name) is not None:
            raise failure("mount.nfs: Connection timed out")
        return MountedVolume(directory, read_only=bool(source.get("readOnly")), squashed=rules.root_squash)


def claim_directory(root: Path, volume: str, *, owners: Owners, rights: int = 0o777) -> Path:
    """Return the directory behind a persistent volume that is not on the file server; a new one is root's.

    Raises MountError for one that has a name that the sandbox keeps for itself.
    """
    if volume == RELEASED or "/" in volume or volume in {"", ".", ".."}:
        raise MountError(f'a persistent volume cannot be called "{volume}" in the sandbox')
    directory = root / volume
    if not directory.is_dir():
        make_directory(directory, rights)
        owners.give(directory, uid=0, gid=0)
    return directory


def _mount_failure(pod: PodRecord, volume: str, source: JsonObject, *, options: list[str], output: str) -> str:
    """Return the kubelet's words for a mount command that failed.

    kubernetes staging/src/k8s.io/mount-utils/mount_linux.go, doMount
    """
    target = f"/var/lib/kubelet/pods/{pod.uid}/volumes/kubernetes.io~nfs/{volume}"
    flags = f"-t nfs -o {','.join(options)}" if options else "-t nfs"
    return (
        "mount failed: exit status 32\nMounting command: mount\n"
        f"Mounting arguments: {flags} {source.get('server')}:{source.get('path')} {target}\nOutput: {output}\n"
    )
