"""Volumes for claims, as directories of the machine; what a claim held is never deleted.

The agent is an external provisioner: it makes volumes that the controller manager's binder binds, and puts the data of
deleted claims aside.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from genkan_sandbox.agent.attaching import DRIVER
from genkan_sandbox.agent.backoff import Backoff
from genkan_sandbox.agent.faults import FaultBoard
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.persistent import RELEASED, claim_directory
from genkan_sandbox.agent.status import now, timestamp
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ConflictError, KubernetesError, NotFoundError
from genkan_spawner.kinds import CLAIMS, EVENTS, NODES, STORAGE_CLASSES, VOLUMES
from genkan_spawner.watching import Changed, ChangeType, Listed, Watch

T = TypeVar("T")

log = logging.getLogger(__name__)

PROVISIONER = "sandbox.genkan.dev/directory"
"""The provisioner of the sandbox's storage classes."""

SCOPE, NODE_SCOPE, ATTACHED_SCOPE = "scope", "node", "attached"
"""The parameter of a storage class, and its values for volumes of one node and for disks that go from node to node."""

LOCAL_CLASS = "local"
"""A class of this name has volumes of one node without saying so."""

_REQUESTED = "volume.kubernetes.io/storage-provisioner"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_PROVISIONED = "pv.kubernetes.io/provisioned-by"
_HOSTNAME = "kubernetes.io/hostname"
_RETRY_SECONDS, _RETRY_MOST_SECONDS = 2.0, 60.0
_ONE_WRITER = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """One claim as the provisioner needs it."""

    namespace: str
    name: str
    uid: str
    wanted: bool
    """Whether a volume of ours is to be made for it now."""
    storage_class: str
    node: str | None
    access_modes: tuple[str, ...]
    size: str
    volume_mode: str


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """One persistent volume as the provisioner needs it."""

    name: str
    uid: str
    released: bool
    """Whether its data is to be put aside now."""


class ProvisioningError(Exception):
    """A volume that the sandbox cannot make, as a sentence for the claim's events."""


def project_claim(raw: JsonObject) -> ClaimRecord:
    """Keep of a claim what a volume is made from."""
    metadata, spec = raw["metadata"], raw["spec"]
    annotations = metadata.get("annotations") or {}
    pending = (raw.get("status") or {}).get("phase", "Pending") == "Pending" and not spec.get("volumeName")
    return ClaimRecord(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        wanted=pending and annotations.get(_REQUESTED) == PROVISIONER and "deletionTimestamp" not in metadata,
        storage_class=spec.get("storageClassName") or "",
        node=annotations.get(_SELECTED_NODE),
        access_modes=tuple(spec.get("accessModes") or ()),
        size=((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi"),
        volume_mode=spec.get("volumeMode") or "Filesystem",
    )


def project_volume(raw: JsonObject) -> VolumeRecord:
    """Keep of a volume whether its data is to be put aside."""
    metadata, spec = raw["metadata"], raw["spec"]
    ours = (metadata.get("annotations") or {}).get(_PROVISIONED) == PROVISIONER
    released = (raw.get("status") or {}).get("phase") == "Released"
    deleted = spec.get("persistentVolumeReclaimPolicy") == "Delete"
    return VolumeRecord(
        name=metadata["name"],
        uid=metadata["uid"],
        released=ours and released and deleted and "deletionTimestamp" not in metadata,
    )


def volume_manifest(
    claim: ClaimRecord, *, directory: Path, storage_class: JsonObject, hostname: str | None
) -> JsonObject:
    """Return the volume for a claim; with a hostname one that only this node can mount."""
    name = directory.name
    spec: JsonObject = {
        "capacity": {"storage": claim.size},
        "accessModes": list(claim.access_modes),
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
        "storageClassName": claim.storage_class,
        "volumeMode": claim.volume_mode,
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim.namespace,
            "name": claim.name,
            "uid": claim.uid,
        },
    }
    if _scope(storage_class) == ATTACHED_SCOPE:
        spec["csi"] = {"driver": DRIVER, "volumeHandle": name, "fsType": "ext4"}
    elif hostname is None:
        spec["hostPath"] = {"path": str(directory), "type": "Directory"}
    else:
        expression = {"key": _HOSTNAME, "operator": "In", "values": [hostname]}
        spec["local"] = {"path": str(directory)}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_PROVISIONED: PROVISIONER}},
        "spec": spec,
    }


class Provisioner:
    """Follows claims and volumes; `run_claims` and `run_volumes` never return."""

    def __init__(self, api: KubernetesApi, state: Path, *, faults: FaultBoard, owners: Owners) -> None:
        self._api = api
        self._faults = faults
        self._owners = owners
        self._root = state / "volumes"
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run_claims(self) -> None:
        """Make a volume for each claim that waits for one."""
        async for event in Watch(self._api, CLAIMS, project=project_claim).events():
            for claim in present(event):
                if claim.wanted and claim.uid not in self._tasks:
                    self._begin(claim.uid, partial(self._provide, claim), what=f"claim {claim.name}")

    async def run_volumes(self) -> None:
        """Put the data of each released volume aside."""
        async for event in Watch(self._api, VOLUMES, project=project_volume).events():
            for volume in present(event):
                if volume.released and volume.uid not in self._tasks:
                    self._begin(volume.uid, partial(self._put_aside, volume), what=f"volume {volume.name}")

    def _begin(self, uid: str, work: Callable[[], Awaitable[None]], *, what: str) -> None:
        task = asyncio.create_task(self._persist(work, what=what))
        self._tasks[uid] = task
        task.add_done_callback(lambda _: self._tasks.pop(uid, None))

    async def _persist(self, work: Callable[[], Awaitable[None]], *, what: str) -> None:
        """Try until it is done; a claim that is gone meanwhile is an object not found."""
        while True:
            try:
                return await work()
            except NotFoundError as e:
                log.info("Gave up on %s: %s", what, e.message)
                return None
            except (KubernetesError, OSError) as e:
                log.warning("Could not see to %s, trying again: %s", what, e)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _provide(self, claim: ClaimRecord) -> None:
        backoff = Backoff(_RETRY_SECONDS, _RETRY_MOST_SECONDS)
        while fault := self._faults.provisioning_fault(claim.namespace, claim.name, claim.storage_class):
            await self._tell(claim, "ProvisioningFailed", _failure(claim, fault.message), warning=True)
            await self._faults.changed(seconds=backoff.delay())
            claim = project_claim(await self._api.get(CLAIMS, claim.name, namespace=claim.namespace))
            if not claim.wanted:
                return
        try:
            manifest = await self._manifest(claim)
        except ProvisioningError as e:
            await self._tell(claim, "ProvisioningFailed", str(e), warning=True)
            await asyncio.sleep(_RETRY_SECONDS)
            return
        try:
            await self._api.create(VOLUMES, manifest)
        except ConflictError:
            return
        name = manifest["metadata"]["name"]
        log.info("Made volume %s for claim %s/%s.", name, claim.namespace, claim.name)
        await self._tell(claim, "ProvisioningSucceeded", f"Successfully provisioned volume {name}")

    async def _manifest(self, claim: ClaimRecord) -> JsonObject:
        if claim.volume_mode != "Filesystem":
            raise ProvisioningError("The sandbox has volumes of mode Filesystem only.")
        storage_class = await self._api.get(STORAGE_CLASSES, claim.storage_class)
        hostname = None
        scope = _scope(storage_class)
        extra = ", ".join(sorted(set(claim.access_modes) - _ONE_WRITER))
        if scope == ATTACHED_SCOPE and extra:
            reason = f"rpc error: code = InvalidArgument desc = a disk is at one node at a time and cannot be {extra}"
            raise ProvisioningError(_failure(claim, reason))
        if scope == NODE_SCOPE:
            if extra:
                raise ProvisioningError(
                    f"Volumes of class {claim.storage_class} are on one node and cannot be {extra}."
                )
            hostname = await self._hostname(claim)
        rights = 0o755 if scope == ATTACHED_SCOPE else 0o777
        directory = claim_directory(self._root, f"pvc-{claim.uid}", owners=self._owners, rights=rights)
        return volume_manifest(claim, directory=directory, storage_class=storage_class, hostname=hostname)

    async def _hostname(self, claim: ClaimRecord) -> str:
        if claim.node is None:
            raise ProvisioningError(f"Class {claim.storage_class} needs volumeBindingMode WaitForFirstConsumer.")
        node = await self._api.get(NODES, claim.node)
        return str((node["metadata"].get("labels") or {}).get(_HOSTNAME, claim.node))

    async def _put_aside(self, volume: VolumeRecord) -> None:
        """Move a volume's directory to `released/` and remove the volume, in this order."""
        directory = self._root / volume.name
        if directory.is_dir():
            moment = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%SZ")
            aside = await asyncio.to_thread(put_aside, directory, self._root / RELEASED, moment=moment)
            log.info("Kept the data of released volume %s in %s.", volume.name, aside)
        await self._api.delete(VOLUMES, volume.name, uid=volume.uid)

    async def _tell(self, claim: ClaimRecord, reason: str, message: str, *, warning: bool = False) -> None:
        moment = timestamp(now())
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{claim.name}.", "namespace": claim.namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": claim.namespace,
                "name": claim.name,
                "uid": claim.uid,
            },
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {"component": PROVISIONER},
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
        }
        try:
            await self._api.create(EVENTS, event, namespace=claim.namespace)
        except KubernetesError as e:
            log.debug("An event could not be posted: %s", e.message)


def present(event: Listed[T] | Changed[T]) -> tuple[T, ...]:
    """Return the objects of an event that are there after it."""
    match event:
        case Listed(items=items):
            return items
        case Changed(type=ChangeType.DELETED):
            return ()
        case Changed(item=item):
            return (item,)


def put_aside(directory: Path, released: Path, *, moment: str) -> Path:
    """Move a directory into another, under a name that is new there."""
    released.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside, number = released / f"{directory.name}-{moment}", 1
    while os.path.lexists(aside):
        number += 1
        aside = released / f"{directory.name}-{moment}-{number}"
    directory.rename(aside)
    return aside


def _scope(storage_class: JsonObject) -> str | None:
    scope: str | None = (storage_class.get("parameters") or {}).get(SCOPE)
    return NODE_SCOPE if scope is None and storage_class["metadata"]["name"] == LOCAL_CLASS else scope


def _failure(claim: ClaimRecord, reason: str) -> str:
    """Say in the external provisioner's words that a volume could not be made."""
    return f'failed to provision volume with StorageClass "{claim.storage_class}": {reason}'
