"""Whatever a valid catalogue offers, KubeSpawner takes it and makes a pod of it that keeps the catalogue's promises."""

import tempfile
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from genkan_profiles import HOME, Catalogue, Hardware, HomesKind, compile_profiles, home_of, offers_for
from genkan_profiles.documents import parse_document
from genkan_profiles.overrides import THREAD_VARIABLES
from genkan_profiles.quantities import parse_quantity, quantity_bytes
from genkan_profiles.volumes import SHARED_MEMORY_PATH
from genkan_spawner.api import JsonObject
from genkan_spawner.homes.mounting import HOME_VOLUME

from ..support.catalogues import Document, as_json, documents, group_sets
from ..support.spawner import MakeSpawner, spawners

OWN_IMAGE = "registry.example.org/own/image:1"


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
        if "unlisted_choice" in option and (not option["choices"] or draw(st.booleans())):
            chosen[f"{name}--unlisted-choice"] = OWN_IMAGE
        elif option["choices"]:
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
    assume(chosen)
    catalogue = catalogue_of(document)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(as_json(document))
        file.flush()
        spawner = make(catalogue_file=file.name, user_options=chosen)
        user: Any = spawner.user
        user.groups = [SimpleNamespace(name=name) for name in groups]
        user.get_auth_state = _signed_in
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
    threads = str(max(1, int(parse_quantity(hardware.most_cpu))))
    assert {environment[name] for name in THREAD_VARIABLES} == {threads}
    listed = {row.slug: row.image for row in catalogue.images}
    assert container["image"] == (listed[chosen["image"]] if "image" in chosen else OWN_IMAGE)
    assert "command" not in container
    assert spec.get("nodeSelector", {}) == hardware.node_selector
    products = (hardware.gpu.label, hardware.gpu.product) if hardware.gpu and hardware.gpu.product else None
    assert _products(spec) == products
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]}
    assert _tolerated(spec) == [
        toleration.model_dump(mode="json", exclude_none=True) for toleration in hardware.tolerations
    ]
    assert _shared_memory(spec) == _size_of_shared_memory(hardware)
    expected = [
        row
        for row in catalogue.volumes
        if row.is_offered_to(groups) and hardware.slug in (row.hardware or [hardware.slug])
    ]
    assert _home(pod) == _home_of(catalogue)
    assert _storage(pod) == {
        row.mount_path: (row.claim, row.scratch and row.scratch.size, row.sub_path, row.read_only) for row in expected
    }
    priority = next((row for row in catalogue.priorities if row.slug == chosen.get("priority")), None)
    assert spec.get("priorityClassName") == (priority.priority_class if priority else None)
    team = next((row for row in catalogue.teams if row.key == chosen.get("team")), None)
    assert spawner.namespace == (team.namespace if team else "default")


async def _signed_in() -> dict[str, Any]:
    """Return what an authenticator knows of everybody."""
    return {"uidNumber": 7000, "gidNumber": 8000, "gid": 8000}


def _home(pod: JsonObject) -> tuple[str, str | None, int, int | None] | None:
    """Return claim and folder of the home, and as whom the server runs; None where the catalogue says nothing."""
    (container,) = pod["spec"]["containers"]
    mounts = [mount for mount in container["volumeMounts"] if mount["name"] == HOME_VOLUME]
    if not mounts:
        return None
    ((mount,), security) = (mounts, container["securityContext"])
    assert mount["mountPath"] == HOME
    (source,) = [row["persistentVolumeClaim"] for row in pod["spec"]["volumes"] if row["name"] == HOME_VOLUME]
    first = pod["spec"].get("initContainers", [])
    assert [row["securityContext"]["runAsUser"] for row in first] == [security["runAsUser"]] * len(first)
    return source["claimName"], mount.get("subPath"), security["runAsUser"], security.get("runAsGroup")


def _home_of(catalogue: Catalogue) -> tuple[str, str | None, int, int | None] | None:
    homes = catalogue.homes
    if homes is None:
        return None
    home = home_of(homes, "alice")
    uid, gid = 1000, (100 if homes.kind is HomesKind.SHARED else None)
    if homes.ownership is not None:
        uid, gid = homes.ownership.uid or 7000, homes.ownership.gid or 8000
    return home.claim, home.path, uid, gid


def _products(spec: JsonObject) -> tuple[str, tuple[str, ...]] | None:
    """Return the label and its values that a node must have one of; None if any card will do."""
    affinity = spec.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return None
    (term,) = required["nodeSelectorTerms"]
    (rule,) = term["matchExpressions"]
    assert rule["operator"] == "In"
    return rule["key"], tuple(rule["values"])


def _tolerated(spec: JsonObject) -> list[JsonObject]:
    """Return the tolerations as the catalogue writes them, where an empty value is written."""
    return [{"operator": "Equal", "value": "", **row} for row in spec.get("tolerations", [])]


def _shared_memory(spec: JsonObject) -> Decimal | None:
    """Return the size of /dev/shm; None for the runtime's own."""
    mounts = {mount["mountPath"]: mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    if SHARED_MEMORY_PATH not in mounts:
        return None
    source = volumes[mounts[SHARED_MEMORY_PATH]]["emptyDir"]
    assert source["medium"] == "Memory"
    return parse_quantity(source["sizeLimit"])


def _size_of_shared_memory(hardware: Hardware) -> Decimal | None:
    if hardware.shared_memory is not None:
        return parse_quantity(hardware.shared_memory)
    return None if hardware.gpu is None else Decimal(quantity_bytes(hardware.memory) // 2)


def _storage(pod: JsonObject) -> dict[str, tuple[str | None, str | None, str | None, bool]]:
    """Return claim, size of scratch, folder and whether it may only be read, of each volume by its mount path."""
    sources = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    return {
        mount["mountPath"]: (
            sources[mount["name"]].get("persistentVolumeClaim", {}).get("claimName"),
            sources[mount["name"]].get("emptyDir", {}).get("sizeLimit"),
            mount.get("subPath"),
            mount.get("readOnly", False),
        )
        for mount in pod["spec"]["containers"][0]["volumeMounts"]
        if mount["name"].startswith("catalogue-")
    }
