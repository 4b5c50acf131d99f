"""Whatever a valid catalogue offers, KubeSpawner takes it and makes a pod of it that keeps the catalogue's promises."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genkan_profiles import Catalogue, compile_profiles, offers_for
from genkan_profiles.documents import parse_document
from genkan_profiles.quantities import parse_quantity
from genkan_spawner.api import JsonObject

from ..support.catalogues import Document, as_json, documents, group_sets
from ..support.spawner import MakeSpawner, spawners

THREADS = "OMP_NUM_THREADS"


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield make


@st.composite
def choices(draw: st.DrawFn) -> tuple[Document, frozenset[str], dict[str, str]]:
    """A catalogue, somebody's groups, and one thing of each kind that they are offered."""
    document = draw(documents())
    groups = draw(group_sets())
    offered = offers_for(catalogue_of(document), groups)
    profiles = compile_profiles(offered)
    if not profiles:
        return document, groups, {}
    profile = draw(st.sampled_from(profiles))
    chosen = {"profile": profile["slug"]}
    for name, option in profile["profile_options"].items():
        if option["choices"]:
            chosen[name] = draw(st.sampled_from(sorted(option["choices"])))
    return document, groups, chosen


def catalogue_of(document: Document) -> Catalogue:
    return parse_document(as_json(document), Catalogue, source="catalogue.yaml")


@given(given_choice=choices())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_choice_of_any_catalogue_becomes_a_pod(
    make: MakeSpawner, given_choice: tuple[Document, frozenset[str], dict[str, str]]
) -> None:
    document, groups, chosen = given_choice
    if not chosen or ("image" not in chosen):
        return
    catalogue = catalogue_of(document)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(as_json(document))
        file.flush()
        spawner = make(catalogue_file=file.name, user_options=chosen)
        user: Any = spawner.user
        user.groups = [SimpleNamespace(name=name) for name in groups]
        await spawner.load_user_options()
        pod: JsonObject = spawner.api.api_client.sanitize_for_serialization(await spawner.get_pod_manifest())

    hardware = next(row for row in catalogue.hardware if row.slug == chosen["profile"])
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    environment = {row["name"]: row.get("value") for row in container["env"]}

    assert parse_quantity(str(requests["memory"])) == parse_quantity(str(limits["memory"]))
    assert parse_quantity(str(requests["cpu"])) <= parse_quantity(str(limits["cpu"]))
    devices = {name: amount for name, amount in limits.items() if "/" in name}
    wanted = {} if hardware.gpu is None else {hardware.gpu.resource: str(hardware.gpu.count)}
    assert devices == {name: amount for name, amount in requests.items() if "/" in name} == wanted
    assert environment.get("NVIDIA_VISIBLE_DEVICES") == ("void" if hardware.gpu is None else None)
    assert environment[THREADS] == str(max(1, int(parse_quantity(hardware.most_cpu))))
    assert container["image"] == next(row.image for row in catalogue.images if row.slug == chosen["image"])
    assert "command" not in container
    assert spec.get("nodeSelector", {}) == hardware.node_selector
    assert _products(spec) == (set(hardware.gpu.product) if hardware.gpu else set())
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]}
    priority = next((row for row in catalogue.priorities if row.slug == chosen.get("priority")), None)
    assert spec.get("priorityClassName") == (priority.priority_class if priority else None)
    team = next((row for row in catalogue.teams if row.key == chosen.get("team")), None)
    assert spawner.namespace == (team.namespace if team else "default")


def _products(spec: JsonObject) -> set[str]:
    """Return the cards that the pod may run on; an empty set if it does not matter."""
    affinity = spec.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return set()
    (term,) = required["nodeSelectorTerms"]
    (rule,) = term["matchExpressions"]
    assert rule["operator"] == "In"
    return set(rule["values"])
