import json
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genkan_profiles import (
    Catalogue,
    ChoiceError,
    DocumentError,
    Problem,
    ProfileList,
    check_choice,
    compile_profiles,
    offers_for,
    preselected,
)
from genkan_profiles.documents import parse_document
from genkan_profiles.gpu_products import gpu_products

from ..support.catalogues import Document, Rows, as_json, catalogues, documents, documents_of_rows, group_sets, texts

Groups = frozenset[str]

THOROUGHLY = settings(max_examples=60, deadline=None)

BUILDS_FOR = {
    "9.0": ("3.0", "7.0"),
    "10.2": ("3.0", "7.5"),
    "11.0": ("3.5", "8.0"),
    "11.1": ("3.5", "8.6"),
    "11.8": ("3.5", "9.0"),
    "12.4": ("5.0", "9.0"),
    "12.8": ("5.0", "12.0"),
    "13.0": ("7.5", "12.1"),
    "13.0.1": ("7.5", "12.1"),
}
"""The oldest and the newest compute capability that a version of CUDA builds for, from NVIDIA's documentation."""


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def offered(rows: Rows, groups: Groups) -> Rows:
    return [row for row in rows if not row.get("groups") or groups & set(row["groups"])]


def capabilities(document: Document, gpu: dict[str, Any]) -> list[tuple[int, ...]]:
    """Those of the cards that a server may get, as far as they are named."""
    cards = {name: card.compute_capability for name, card in gpu_products().items()}
    cards |= {row["product"]: row["compute_capability"] for row in document.get("gpu_products", ())}
    names = gpu.get("product", [])
    plain = [name.split("-MIG-")[0].removesuffix("-SHARED") for name in ([names] if isinstance(names, str) else names)]
    return [number(cards[name]) for name in plain]


def runs(document: Document, image: dict[str, Any], hardware: dict[str, Any]) -> bool:
    """Whether an image can run on a hardware, by rules that are written down here once more."""
    gpu, wanted = hardware.get("gpu"), image.get("runs_on", "any")
    if gpu is None or wanted == "cpu":
        return gpu is None and wanted != "gpu"
    if not gpu.get("resource", "nvidia.com/gpu").startswith("nvidia.com/"):
        return "cuda" not in image
    oldest, newest = BUILDS_FOR[image["cuda"]] if "cuda" in image else ("0.0", "99.9")
    least = max(number(oldest), number(image.get("min_compute_capability", "0.0")))
    return all(least <= capability <= number(newest) for capability in capabilities(document, gpu))


def problems(document: Document) -> tuple[Problem, ...]:
    try:
        parse_document(as_json(document), Catalogue, source="c.yaml")
    except DocumentError as error:
        return error.problems
    return ()


def compiled(catalogue: Catalogue, groups: Collection[str]) -> ProfileList:
    return compile_profiles(offers_for(catalogue, groups))


def choices(profile: dict[str, Any], option: str) -> list[str]:
    return list(profile["profile_options"].get(option, {}).get("choices", {}))


@THOROUGHLY
@given(texts())
def test_a_text_says_what_the_model_says(pair: tuple[Document, str]) -> None:
    document, text = pair

    catalogue = parse_document(text, Catalogue, source="c.yaml")

    assert catalogue == Catalogue.model_validate(document)
    assert Catalogue.model_validate_json(catalogue.model_dump_json()) == catalogue


@THOROUGHLY
@given(documents(), group_sets())
def test_what_is_offered_is_what_groups_and_cards_allow(document: Document, groups: Groups) -> None:
    profiles = compiled(Catalogue.model_validate(document), groups)

    images = offered(document["images"], groups)
    own = offered([document["own_image"]], groups) if "own_image" in document else []
    priorities = offered(document.get("priorities", []), groups)
    expected = {
        row["slug"]: [image["slug"] for image in images if runs(document, image, row)]
        for row in offered(document["hardware"], groups)
    }
    if "priorities" in document and not priorities:
        expected = {}
    assert {profile["slug"]: choices(profile, "image") for profile in profiles} == {
        slug: running for slug, running in expected.items() if running or own
    }
    teams = [row for row in document.get("teams", ()) if row.get("group") in {None, *groups}]
    for profile in profiles:
        assert choices(profile, "priority") == [row["slug"] for row in priorities]
        assert choices(profile, "team") == [row.get("slug") or row["group"] for row in teams]
        assert ("unlisted_choice" in profile["profile_options"]["image"]) == bool(own)


@THOROUGHLY
@given(documents_of_rows())
def test_a_catalogue_is_refused_if_somebody_would_find_nothing(document: Document) -> None:
    usable = all(
        any(runs(document, image, row) for image in offered(document["images"], viewer))
        and ("priorities" not in document or offered(document["priorities"], viewer))
        for row in document["hardware"]
        for viewer in [frozenset({group}) for group in row.get("groups", ())] or [frozenset[str]()]
    )

    found = problems(document)

    assert usable == (found == ())
    assert all(problem.path.startswith("hardware[") for problem in found)


@THOROUGHLY
@given(documents(), group_sets())
def test_there_is_one_default_at_every_choice(document: Document, groups: Groups) -> None:
    profiles = compiled(Catalogue.model_validate(document), groups)

    marked = {
        section: [row["slug"] for row in document.get(section, ()) if row.get("default")]
        for section in ("hardware", "images", "priorities")
    }
    defaults = [profile["slug"] for profile in profiles if profile["default"]]
    assert len(defaults) == bool(profiles)
    if {profile["slug"] for profile in profiles}.intersection(marked["hardware"]):
        assert defaults == marked["hardware"]
    for profile in profiles:
        for name, section in (("image", "images"), ("priority", "priorities"), ("team", "")):
            rows = profile["profile_options"].get(name, {"choices": {}})["choices"]
            found = [slug for slug, row in rows.items() if row["default"]]
            wanted = [slug for slug in marked.get(section, ()) if slug in rows] or list(rows)[:1]
            assert found == wanted


@THOROUGHLY
@given(catalogues(), group_sets())
def test_compiling_is_repeatable_and_plain_data(catalogue: Catalogue, groups: Groups) -> None:
    profiles = compiled(catalogue, groups)

    again = compiled(Catalogue.model_validate_json(catalogue.model_dump_json()), sorted(groups, reverse=True))
    assert json.dumps(again) == json.dumps(profiles)
    assert json.loads(json.dumps(profiles)) == profiles


@THOROUGHLY
@given(catalogues(), group_sets(), group_sets())
def test_another_group_takes_nothing_away(catalogue: Catalogue, groups: Groups, more: Groups) -> None:
    few, many = offers_for(catalogue, groups), offers_for(catalogue, groups | more)

    wide = {offer.hardware.slug: set(offer.images) for offer in many.hardware}
    assert all(set(offer.images) <= wide[offer.hardware.slug] for offer in few.hardware)
    assert set(few.priorities) <= set(many.priorities)
    assert set(few.teams) <= set(many.teams)
    assert set(few.volumes) <= set(many.volumes)


@THOROUGHLY
@given(catalogues(), group_sets())
def test_every_row_is_offered_or_left_out_with_a_reason(catalogue: Catalogue, groups: Groups) -> None:
    offers = offers_for(catalogue, groups)

    left_out = {(row.section.value, row.slug, row.hardware) for row in offers.left_out}
    assert len(left_out) == len(offers.left_out)
    assert all(row.reason.endswith(".") for row in offers.left_out)
    found = {offer.hardware.slug: {image.slug for image in offer.images} for offer in offers.hardware}
    for row in catalogue.hardware:
        assert (row.slug in found) != (("hardware", row.slug, None) in left_out)
        for image in catalogue.images if row.slug in found else ():
            known = {("images", image.slug, None), ("images", image.slug, row.slug)} & left_out
            assert (image.slug in found[row.slug]) != bool(known)
    for section, rows, kept in (
        ("priorities", catalogue.priorities, offers.priorities),
        ("volumes", catalogue.volumes, offers.volumes),
    ):
        for other in rows:
            assert (other in kept) != ((section, other.slug, None) in left_out)
    for team in catalogue.teams:
        assert (team in offers.teams) != (("teams", team.key, None) in left_out)


@THOROUGHLY
@given(catalogues(), group_sets(), st.data())
def test_what_is_offered_can_be_chosen_and_nothing_else(
    catalogue: Catalogue, groups: Groups, data: st.DataObject
) -> None:
    profiles = compiled(catalogue, groups)
    if not profiles:
        with pytest.raises(ChoiceError, match="Nothing is offered"):
            check_choice(profiles, {})
        return
    profile = data.draw(st.sampled_from(profiles))
    options = {"profile": profile["slug"]} | {
        name: data.draw(st.sampled_from(list(option["choices"])))
        for name, option in profile["profile_options"].items()
        if option["choices"]
    }

    if profile["profile_options"]["image"]["choices"]:
        check_choice(profiles, options)
        (selected,) = [row for row in preselected(profiles, options) if row["selected"]]
        assert {"profile": selected["slug"]} | {
            name: slug
            for name, option in selected["profile_options"].items()
            for slug, choice in option["choices"].items()
            if choice["selected"]
        } == options
    name = data.draw(st.sampled_from([*options, "other"]))
    value: Any = data.draw(st.none() | st.integers() | st.text() | st.lists(st.text()) | st.just("gone"))
    known = [row["slug"] for row in profiles] if name == "profile" else choices(profile, name)
    if value not in [*known, None, ""]:
        with pytest.raises(ChoiceError):
            check_choice(profiles, {**options, name: value})
