"""Kubernetes itself, the namespaces of servers, and the priority classes."""

from collections.abc import Iterator

from genkan_spawner.cluster.snapshot import Source

from .diagnoses import Diagnosis, Level, Topic, counted
from .patient import Patient

OLDEST = (1, 32)
"""The oldest Kubernetes that the charts are for."""

CORE = "genkan-core"
"""The class of the hub and its proxy."""

_ENFORCE = "pod-security.kubernetes.io/enforce"
_CLASSES = "Add it to priorityClasses.classes of genkan-platform, or correct the catalogue."


def examine_version(patient: Patient) -> Iterator[Diagnosis]:
    """Say which Kubernetes this is, and whether it is new enough."""
    version = ".".join(map(str, patient.version))
    if patient.version < OLDEST:
        sentence = f"This is Kubernetes {version}; the charts are for {'.'.join(map(str, OLDEST))} and newer."
        yield Diagnosis(Topic.CLUSTER, Level.PROBLEM, sentence, "Upgrade the cluster.")
    else:
        yield Diagnosis(
            Topic.CLUSTER, Level.OK, f"Kubernetes {version}, with {counted(len(patient.snapshot.nodes), 'machine')}."
        )


def examine_namespaces(patient: Patient) -> Iterator[Diagnosis]:
    """Yield the namespaces that are missing or lax."""
    unseen = [place for place in patient.places if place not in patient.labels]
    for place in patient.places:
        labels = patient.labels.get(place, {})
        team = patient.team_of(place)
        if labels is None:
            whose = f"of the team {team}" if team else "of the hub"
            sentence = f"The namespace {place} {whose} does not exist."
            mend = f"Add teams.{team} to the values of genkan-platform and upgrade it." if team else "Make it."
            yield Diagnosis(Topic.NAMESPACES, Level.PROBLEM, sentence, mend)
        elif place not in unseen and labels.get(_ENFORCE) not in {"restricted", "baseline"}:
            sentence = f"The namespace {place} holds pods to no Pod Security Standard."
            mend = f"kubectl label namespace {place} {_ENFORCE}=restricted"
            yield Diagnosis(Topic.NAMESPACES, Level.WARNING, sentence, mend)
    if unseen:
        sentence = f"Namespaces cannot be read from here: {', '.join(unseen)}."
        yield Diagnosis(Topic.NAMESPACES, Level.UNKNOWN, sentence, "Run it as an administrator.")
    elif all(patient.labels.values()):
        yield Diagnosis(Topic.NAMESPACES, Level.OK, f"{', '.join(patient.places)}.")


def examine_priorities(patient: Patient) -> Iterator[Diagnosis]:
    """Yield the classes that are missing, or that would push the hub itself out."""
    if not patient.snapshot.knows(Source.PRIORITY_CLASSES):
        sentence = "Priority classes cannot be read from here."
        yield Diagnosis(Topic.PRIORITIES, Level.UNKNOWN, sentence)
        return
    classes = patient.snapshot.priority_classes
    named = list(dict.fromkeys(row.priority_class for row in patient.catalogue.priorities))
    missing = [name for name in named if name not in classes]
    for name in missing:
        sentence = f"The priority class {name} of the catalogue does not exist."
        yield Diagnosis(Topic.PRIORITIES, Level.PROBLEM, sentence, _CLASSES)
    if CORE not in classes:
        sentence = (
            f"The priority class {CORE} of the hub and its proxy does not exist, so that their pods are not made."
        )
        yield Diagnosis(Topic.PRIORITIES, Level.PROBLEM, sentence, "Install genkan-platform before the hub.")
    else:
        for name in named:
            if name in classes and classes[name].value >= classes[CORE].value:
                sentence = (
                    f"Servers of the priority {name} could push the hub out: its value is not below that of {CORE}."
                )
                yield Diagnosis(Topic.PRIORITIES, Level.PROBLEM, sentence, f"Give {CORE} a higher value.")
    if named and not missing:
        yield Diagnosis(Topic.PRIORITIES, Level.OK, f"{', '.join(named)}.")
