"""Starts of everything that the catalogue offers, as the hub's own checks see them, on empty machines."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from genkan_hub.explain.planning import planned
from genkan_hub.explain.questions import NotOfferedError, Profile
from genkan_profiles import Catalogue, Hardware
from genkan_spawner.api import KubernetesApi
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.findings import State
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.cluster.snapshot import Snapshot

from .patient import Trial

_USER = "somebody"


async def tried(
    path: Path, catalogue: Catalogue, api: KubernetesApi, snapshot: Snapshot, *, namespace: str
) -> list[Trial]:
    """Return what could never start: each hardware with each image that runs on it, and in each team.

    Not every combination is tried: whether an image runs does not depend on the team, nor a team's share on the image.
    """
    empty = _emptied(snapshot)
    outlook = Outlook.of(empty)
    found = []
    for profile in _profiles(path, catalogue, namespace=namespace):
        try:
            one = await planned(profile, api, namespace=namespace)
        except NotOfferedError:
            continue
        verdict = one.conditions.examine(demand_of(one.manifest, namespace=namespace), empty, outlook=outlook)
        never = tuple(row for row in verdict.findings if row.state is State.REFUSED and not row.ever)
        found.append(Trial(profile.hardware, profile.image or "", profile.team or "", never))
    return found


def _emptied(snapshot: Snapshot) -> Snapshot:
    """Return the cluster as it is when nobody works."""
    nodes = {name: dataclasses.replace(view, pods=(), used={}) for name, view in snapshot.nodes.items()}
    quotas = {
        namespace: tuple(dataclasses.replace(quota, used=dict.fromkeys(quota.used, 0)) for quota in found)
        for namespace, found in snapshot.quotas.items()
    }
    return dataclasses.replace(snapshot, nodes=nodes, pending=(), quotas=quotas)


def _profiles(path: Path, catalogue: Catalogue, *, namespace: str) -> Iterator[Profile]:
    teams = [team.key for team in catalogue.teams]
    groups = tuple(catalogue.named_groups)
    for row in catalogue.hardware:
        images = _images(catalogue, row)
        for number, image in enumerate(images):
            for team in teams[: None if number == 0 else 1] or [""]:
                yield Profile(
                    row.slug, _USER, groups, image=image, team=team or None, catalogue=path, namespace=namespace
                )


def _images(catalogue: Catalogue, row: Hardware) -> list[str]:
    reasons = catalogue.obstacles[row.slug]
    return [image.slug for image, reason in zip(catalogue.images, reasons, strict=True) if not reason]
