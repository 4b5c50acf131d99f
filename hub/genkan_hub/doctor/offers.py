"""Whether what the catalogue offers can ever start: shares, machines, drivers, storage and images."""

from collections.abc import Iterator
from itertools import groupby

from genkan_spawner.checks.findings import Check
from genkan_spawner.cluster.snapshot import Source

from .diagnoses import Diagnosis, Level, Topic, counted
from .patient import Patient, Trial

_TOPICS = {
    Check.QUOTA: Topic.SHARES,
    Check.FIT: Topic.MACHINES,
    Check.DRIVER: Topic.DRIVERS,
    Check.STORAGE: Topic.STORAGE,
}
_MENDS = {
    Topic.SHARES: "Give the team a larger share (`genkan quota plan`), or keep the hardware for others with `groups`.",
    Topic.MACHINES: "Compare with `kubectl get nodes --show-labels`: product, selector, tolerations, sizes.",
    Topic.DRIVERS: "Offer an older image there, with a row of its own, or upgrade the machines' driver.",
    Topic.STORAGE: "Make it with genkan-platform (`sharedVolumes`), or correct `homes` and `volumes` of the catalogue.",
}
_WELL = {
    Topic.SHARES: "Every hardware fits into the share of each team.",
    Topic.MACHINES: "There are machines for every hardware.",
    Topic.DRIVERS: "Every image works on the machines on which it is offered, as far as their labels tell.",
    Topic.STORAGE: "Homes and volumes are there, or can be made.",
}
_PLACEHOLDER = "registry.example.org/"
_PRODUCT = "nvidia.com/gpu.product"
_SHOWN = 3


def examine_offers(patient: Patient) -> Iterator[Diagnosis]:
    """Yield what is offered and can never start, each reason once, and for each topic without any that it is well."""
    never = [
        (_TOPICS[finding.check], finding.message, trial)
        for trial in patient.trials
        for finding in trial.findings
        if finding.check in _TOPICS
    ]
    never.sort(key=lambda row: (row[0].value, row[1]))
    for (topic, message), rows in groupby(never, key=lambda row: row[:2]):
        sentence = f"{_who(patient, topic, [trial for _, _, trial in rows])}: {message}"
        yield Diagnosis(topic, Level.PROBLEM, sentence, _MENDS[topic])
    for topic in _WELL.keys() - {topic for topic, _, _ in never}:
        yield Diagnosis(topic, Level.OK, _WELL[topic])


def _who(patient: Patient, topic: Topic, trials: list[Trial]) -> str:
    """Name what a reason is about, and no more of it than tells it apart."""
    hardware = list(dict.fromkeys(trial.hardware for trial in trials))
    parts = [_several(hardware)]
    if topic is Topic.DRIVERS:
        parts.append(f"with {_several(list(dict.fromkeys(trial.image for trial in trials)))}")
    teams = list(dict.fromkeys(trial.team for trial in trials if trial.team))
    if patient.catalogue.teams and topic in {Topic.SHARES, Topic.STORAGE} and teams:
        parts.append(f"for {_several(teams)}")
    return " ".join(parts)


def _several(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def examine_shares(patient: Patient) -> Iterator[Diagnosis]:
    """Yield the teams that may take the whole cluster."""
    if not patient.snapshot.knows(Source.QUOTAS):
        yield Diagnosis(Topic.SHARES, Level.UNKNOWN, "Shares cannot be read from here.")
        return
    devices = {row.gpu.resource for row in patient.catalogue.hardware if row.gpu is not None}
    for team in patient.catalogue.teams:
        limited = {
            name.removeprefix("requests.")
            for quota in patient.snapshot.quotas.get(team.namespace, ())
            if not quota.scopes
            for name in quota.hard
        }
        if free := sorted(devices - limited):
            sentence = f"The team {team.key} has no share of {_several(free)}: it may take all that there are."
            mend = f"Set teams.{team.key}.quota in the values of genkan-platform; `genkan quota plan` computes it."
            yield Diagnosis(Topic.SHARES, Level.WARNING, sentence, mend)


def examine_labels(patient: Patient) -> Iterator[Diagnosis]:
    """Yield machines whose cards nobody has labelled, so that neither product nor driver is known."""
    if not patient.snapshot.knows(Source.NODES):
        yield Diagnosis(Topic.MACHINES, Level.UNKNOWN, "Machines cannot be read from here.")
        return
    plain = [
        name
        for name, view in patient.snapshot.nodes.items()
        if any(resource.startswith("nvidia.com/") and amount for resource, amount in view.node.allocatable.items())
        and _PRODUCT not in view.node.labels
    ]
    if plain:
        sentence = f"{_several(sorted(plain))}: machines with GPUs and without labels that name cards and drivers."
        mend = "Run GPU Feature Discovery, which comes with NVIDIA's device plug-in and GPU operator."
        yield Diagnosis(Topic.DRIVERS, Level.WARNING, sentence, mend)


def examine_images(patient: Patient) -> Iterator[Diagnosis]:
    """Yield images that stand for others, and those that may change under their name."""
    images = patient.catalogue.images
    examples = [row.slug for row in images if row.image.startswith(_PLACEHOLDER)]
    if examples:
        sentence = f"{_several(examples)}: placeholders, which can be fetched nowhere."
        yield Diagnosis(Topic.IMAGES, Level.PROBLEM, sentence, "Name the images of your own registry in the catalogue.")
    moving = [row.slug for row in images if "@sha256:" not in row.image]
    if moving:
        sentence = f"{_several(moving)}: no digest, so that machines may have different images under the same name."
        mend = "Take the rows that `genkan images plan --pushed` writes, which have digests."
        yield Diagnosis(Topic.IMAGES, Level.WARNING, sentence, mend)
    if not moving:
        yield Diagnosis(Topic.IMAGES, Level.OK, f"{counted(len(images), 'image')} with digests.")
