"""Clusters for the doctor to look at, without one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from genkan_hub.doctor.patient import Patient, Question, Trial
from genkan_hub.doctor.rights import questions
from genkan_profiles import Catalogue, load_catalogue
from genkan_spawner.cluster.records import NodeRecord, PriorityClassRecord, QuotaRecord
from genkan_spawner.cluster.snapshot import Health, NodeView, Snapshot, Source

GPU = "nvidia.com/gpu"
SEEN = Health(loaded=True, healthy=True, age=0.0)
DIGEST = "@sha256:" + "0" * 64
CLASSES = {"genkan-core": 1_000_000, "genkan-normal": 1000}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def catalogue(folder: Path, **changes: Any) -> Catalogue:
    """Return a catalogue of one GPU for two teams."""
    document = {
        "hardware": [
            {"slug": "small", "display_name": "S", "cpu": 1, "memory": "1Gi"},
            {"slug": "card", "display_name": "C", "cpu": 2, "memory": "8Gi", "gpu": {"count": 1}},
        ],
        "images": [{"slug": "torch", "display_name": "T", "image": f"registry.lab/torch:1{DIGEST}"}],
        "priorities": [{"slug": "normal", "display_name": "N", "priority_class": "genkan-normal"}],
        "teams": [
            {"group": "vision", "display_name": "V", "namespace": "vision"},
            {"group": "language", "display_name": "L", "namespace": "language"},
        ],
        **changes,
    }
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_catalogue(path)


def snapshot(
    *,
    classes: Mapping[str, int] = CLASSES,
    quotas: Mapping[str, Mapping[str, int]] | None = None,
    labels: Mapping[str, str] | None = None,
    unseen: tuple[Source, ...] = (),
) -> Snapshot:
    given = quotas if quotas is not None else {name: {f"requests.{GPU}": 4000} for name in ("vision", "language")}
    node = NodeRecord(
        "gpu-0",
        labels=labels if labels is not None else {"nvidia.com/gpu.product": "Tesla-T4"},
        taints=(),
        unschedulable=False,
        ready=True,
        allocatable={GPU: 4000},
    )
    return Snapshot(
        nodes={"gpu-0": NodeView(node, (), {})},
        quotas={name: (QuotaRecord(name, "share", hard, {}),) for name, hard in given.items()},
        priority_classes={name: PriorityClassRecord(name, value) for name, value in classes.items()},
        health={source: SEEN for source in Source if source not in unseen},
    )


def patient(folder: Path, **changes: Any) -> Patient:
    """Return a patient in whom all is well."""
    values: dict[str, Any] = {
        "version": (1, 36),
        "namespace": "genkan",
        "account": "genkan-hub",
        "catalogue": changes.pop("catalogue", None) or catalogue(folder),
        "snapshot": snapshot(),
        "labels": dict.fromkeys(("genkan", "vision", "language"), RESTRICTED),
        "trials": (Trial("small", "torch", "vision", ()),),
    }
    values |= changes
    made = Patient(**values)
    return made if "allowed" in changes else Patient(**values, allowed=rights_of(made))


def rights_of(patient: Patient, *, without: tuple[Question, ...] = ()) -> dict[Question, bool]:
    """Answer as for a hub that has its rights and no others."""
    too_much = {("get", "secrets"), ("create", "pods/exec"), ("delete", "persistentvolumeclaims")}
    asked = questions(patient.places)
    return {one: (one.verb, one.resource) not in too_much and one not in without for one in asked}
