"""The values for the Zero to JupyterHub chart, in all combinations that a site may take."""

import ast
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from ..support.helm import OVERLAYS, VALUES, merged, read_values

COMBINATIONS = [names for size in range(len(OVERLAYS) + 1) for names in combinations(OVERLAYS, size)]


def values_of(*overlays: str) -> dict[str, Any]:
    return merged(*(read_values(name) for name in ("base", *overlays)))


def lists(value: Any, *, path: str = "") -> Iterator[str]:
    """Yield the places of all lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from lists(inner, path=f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list):
        yield path


def test_these_are_the_overlays() -> None:
    assert OVERLAYS == ("hybrid", "kind", "oidc", "on-prem-nfs", "postgres", "user-scheduler")


def test_the_page_on_installing_has_them_all() -> None:
    page = (VALUES.parent / "docs" / "administrators" / "install.md").read_text()

    assert sorted(re.findall(r"^\| `([a-z-]+)\.yaml` \|", page, re.MULTILINE)) == list(OVERLAYS)


@pytest.mark.parametrize("overlays", COMBINATIONS, ids=lambda names: "+".join(names) or "base")
def test_what_is_mounted_is_there(overlays: tuple[str, ...]) -> None:
    hub = values_of(*overlays)["hub"]
    volumes = [volume["name"] for volume in hub["extraVolumes"]]
    mounts = [mount["name"] for mount in hub["extraVolumeMounts"]]

    assert "catalogue" in mounts
    assert set(mounts) <= set(volumes)
    assert len(volumes) == len(set(volumes))


def test_no_two_overlays_give_the_same_list() -> None:
    """Helm replaces lists: of two, one would be lost without a word."""
    places = [place for name in OVERLAYS for place in lists(read_values(name))]

    assert sorted(places) == sorted(set(places))


def test_an_overlay_repeats_what_it_replaces() -> None:
    base = read_values("base")["hub"]
    for name in OVERLAYS:
        hub = read_values(name).get("hub", {})
        for key in ("extraVolumes", "extraVolumeMounts"):
            assert [row for row in base[key] if row not in hub.get(key, base[key])] == []


def test_the_only_python_are_the_two_lines_that_call_configure() -> None:
    values = values_of(*OVERLAYS)
    program = ast.parse(values["hub"]["extraConfig"]["00-genkan"])

    assert list(values["hub"]["extraConfig"]) == ["00-genkan"]
    assert [ast.unparse(line) for line in program.body] == [
        "from genkan_hub.chart import configure",
        "configure(c)",
    ]


def test_the_account_is_that_of_the_platform_and_the_chart_gives_no_rights() -> None:
    values = read_values("base")
    platform = read_values("genkan-platform/values")

    assert values["hub"]["serviceAccount"] == {"create": False, "name": platform["hub"]["serviceAccount"]["name"]}
    assert values["rbac"] == {"create": False}


def test_the_catalogue_is_that_of_the_platform_and_a_directory() -> None:
    hub = read_values("base")["hub"]
    (volume,), (mount,) = hub["extraVolumes"], hub["extraVolumeMounts"]

    assert volume["configMap"]["name"] == read_values("genkan-platform/values")["catalogue"]["name"]
    assert "subPath" not in mount


def test_the_core_pods_have_the_platforms_class_and_know_what_they_need() -> None:
    values = read_values("base")
    classes = read_values("genkan-platform/values")["priorityClasses"]["classes"]
    for pod in (values["hub"], values["proxy"]["chp"], values["proxy"]["traefik"]):
        assert pod["extraPodSpec"]["priorityClassName"] in classes
        assert set(pod["resources"]) == {"requests", "limits"}


def test_no_secret_is_in_the_files() -> None:
    words = ("password", "secret", "token", "key")
    values = values_of(*OVERLAYS)

    def named(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from named(inner, f"{path}.{key}")
        elif isinstance(value, str) and any(word in path.rpartition(".")[2].lower() for word in words):
            yield path

    # The names of Secrets, and of the entries in them.
    assert list(named(values, "")) == [
        ".hub.extraEnv.OAUTH_CLIENT_SECRET.valueFrom.secretKeyRef.key",
        ".hub.existingSecret",
    ]
