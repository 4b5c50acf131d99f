"""Raw claims, volumes and classes to records."""

from collections.abc import Mapping
from sys import intern
from typing import Any

from genkan_profiles.exceptions import QuantityError
from genkan_spawner.api import JsonObject
from genkan_spawner.checks.exceptions import ManifestError
from genkan_spawner.checks.parts import Part
from genkan_spawner.checks.placement import Term, read_placement
from genkan_spawner.marks import USER_NAME

from .requests import parse_amount
from .storage_records import ClaimRecord, Phase, StorageClassRecord, StorageDriverRecord, VolumeRecord
from .telling import tell_once

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"

_NEVER_ATTACHED = ("nfs", "hostPath", "local", "cephfs", "glusterfs", "azureFile")
"""Kinds of volumes that each node mounts by itself; Kubernetes does not keep other nodes from it."""


def claim_record(raw: JsonObject) -> ClaimRecord:
    """Keep what a claim asks for and how far it has come."""
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    return ClaimRecord(
        namespace=intern(metadata["namespace"]),
        name=metadata["name"],
        uid=metadata.get("uid") or "",
        phase=Phase(status.get("phase") or Phase.PENDING),
        size=_size((spec.get("resources") or {}).get("requests"), f"claim {metadata['namespace']}/{metadata['name']}"),
        access_modes=tuple(map(intern, spec.get("accessModes") or ())),
        storage_class=spec.get("storageClassName"),
        volume=spec.get("volumeName") or "",
        selects=bool(spec.get("selector")),
        deleted="deletionTimestamp" in metadata,
        user=(metadata.get("annotations") or {}).get(USER_NAME),
    )


def storage_class_record(raw: JsonObject) -> StorageClassRecord:
    """Keep how a class makes volumes."""
    metadata = raw["metadata"]
    return StorageClassRecord(
        name=metadata["name"],
        provisions=raw.get("provisioner") != NO_PROVISIONER,
        waits_for_pod=raw.get("volumeBindingMode") == "WaitForFirstConsumer",
        is_default=(metadata.get("annotations") or {}).get(DEFAULT_CLASS) == "true",
        created=metadata.get("creationTimestamp") or "",
    )


def volume_record(raw: JsonObject) -> VolumeRecord:
    """Keep where a volume can be mounted, and for whom."""
    metadata, spec = raw["metadata"], raw.get("spec") or {}
    phase = (raw.get("status") or {}).get("phase") or "Available"
    claim = spec.get("claimRef") or {}
    csi = spec.get("csi")
    never = any(kind in spec for kind in _NEVER_ATTACHED)
    return VolumeRecord(
        name=metadata["name"],
        free=phase == "Available" and "deletionTimestamp" not in metadata,
        kept_for=(claim["namespace"], claim["name"]) if claim else None,
        storage_class=spec.get("storageClassName") or "",
        size=_size(spec.get("capacity"), f"volume {metadata['name']}"),
        access_modes=tuple(map(intern, spec.get("accessModes") or ())),
        terms=_terms(metadata["name"], (spec.get("nodeAffinity") or {}).get("required")),
        attached=None if csi else not never,
        driver=intern(csi["driver"]) if csi else "",
    )


def storage_driver_record(raw: JsonObject) -> StorageDriverRecord:
    """Keep whether a driver's volumes are attached."""
    attaches = (raw.get("spec") or {}).get("attachRequired")
    return StorageDriverRecord(name=raw["metadata"]["name"], attaches=attaches is not False)


def _terms(name: str, required: Any) -> tuple[Term, ...] | None:
    """Read which nodes reach a volume, which is written as a pod's required node affinity is."""
    if required is None:
        return None
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    try:
        return read_placement(Part.of({"affinity": affinity}, "")).terms
    except ManifestError as e:
        tell_once(f"Which nodes reach volume {name} cannot be read and is left out: {e}")
        return None


def _size(amounts: Mapping[str, Any] | None, place: str) -> int:
    """Return an amount of storage in thousandths of a byte; one that cannot be read counts as nothing."""
    try:
        return parse_amount(str((amounts or {}).get("storage") or "0"), up=True)
    except QuantityError as e:
        tell_once(f"The size of {place} cannot be read and is left out: {e}")
        return 0
