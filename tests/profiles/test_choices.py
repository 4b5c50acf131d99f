from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles.catalogue import Catalogue, load_catalogue
from genkan_profiles.choices import check_choice, chosen_overrides, preselected, remembered
from genkan_profiles.compiler import ProfileList, compile_profiles
from genkan_profiles.exceptions import ChoiceError
from genkan_profiles.hardware import Hardware
from genkan_profiles.images import Image, OwnImage
from genkan_profiles.offers import offers_for
from genkan_profiles.teams import Priority

PROFILES = compile_profiles(offers_for(load_catalogue(), ()))
OWN = "image--unlisted-choice"
IMAGE = "registry.example.org/own/a:1"
WITH_OWN = compile_profiles(
    offers_for(
        Catalogue(
            hardware=(Hardware(slug="small", display_name="Small", cpu="1", memory="2Gi"),),
            images=(Image(slug="one", display_name="One", image="registry.example.org/one:1"),),
            priorities=(
                Priority(slug="normal", display_name="Normal", priority_class="normal"),
                Priority(slug="burst", display_name="Burst", priority_class="burst", default=True),
            ),
            own_image=OwnImage(pattern=r"registry\.example\.org/own/.+|x", message="Only our own images."),
        ),
        (),
    )
)
NOT_BOTH = f"There are two choices of image, one of the list and {IMAGE!r}; leave one of them out."
NO_IMAGE = (
    "names no image: it is a registry, a path and a tag or digest, such as registry.example.org/team/pytorch:26.09."
)


def selected(profiles: ProfileList) -> dict[str, Any]:
    """What a form sends when the user changes nothing."""
    (profile,) = [profile for profile in profiles if profile["selected"]]
    picked = {
        name: [slug for slug, choice in option["choices"].items() if choice["selected"]]
        for name, option in profile["profile_options"].items()
    }
    assert all(len(slugs) == 1 for slugs in picked.values())
    return {"profile": profile["slug"], **{name: slugs[0] for name, slugs in picked.items()}}


@pytest.mark.parametrize(
    "options",
    [{}, {"profile": ""}, {"profile": "gpu-1"}, {"image": "jax"}, {"profile": "gpu-2", "image": "pytorch"}],
)
def test_what_is_offered_can_be_chosen(options: dict[str, str]) -> None:
    check_choice(PROFILES, options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"profile": "gpu-9"}, "There is no profile 'gpu-9' here (offered: cpu-small, cpu-large, gpu-1, gpu-2)."),
        ({"profile": ["gpu-1"]}, "There is no profile ['gpu-1'] here (offered: cpu-small, cpu-large, gpu-1, gpu-2)."),
        (
            {"profile": "gpu-1", "image": "evil:latest"},
            "'evil:latest' is not offered as image on 1 GPU (offered: scipy, pytorch, jax).",
        ),
        (
            {"image": None},
            "No image is named on Small: give one, or leave the field out (offered: scipy, pytorch, jax).",
        ),
        ({"image": {"a": 1}}, "{'a': 1} is not offered as image on Small (offered: scipy, pytorch, jax)."),
        (
            {"image--unlisted-choice": "evil:latest"},
            "'image--unlisted-choice' is nothing that can be chosen here (offered: profile, image).",
        ),
        ({"namespace": "kube-system"}, "'namespace' is nothing that can be chosen here (offered: profile, image)."),
        (
            {"profile": "x" * 99},
            f"There is no profile '{'x' * 59}... here (offered: cpu-small, cpu-large, gpu-1, gpu-2).",
        ),
        (["profile"], "The choices for a server must be a mapping of names to values."),
        ("profile=gpu-1", "The choices for a server must be a mapping of names to values."),
    ],
)
def test_what_is_not_offered_is_refused_in_a_sentence(options: Any, sentence: str) -> None:
    with pytest.raises(ChoiceError) as refused:
        check_choice(PROFILES, options)

    assert str(refused.value) == sentence


@pytest.mark.parametrize("options", [{}, {"profile": "gpu-1"}])
def test_where_nothing_is_offered_nothing_starts(options: dict[str, str]) -> None:
    with pytest.raises(ChoiceError, match="Nothing is offered to you on this hub"):
        check_choice([], options)


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        ({}, {"profile": "cpu-small", "image": "scipy"}),
        (None, {"profile": "cpu-small", "image": "scipy"}),
        ({"profile": "gpu-1"}, {"profile": "gpu-1", "image": "scipy"}),
        ({"profile": "gpu-1", "image": "jax"}, {"profile": "gpu-1", "image": "jax"}),
        ({"profile": "gpu-1", "image": "gone"}, {"profile": "gpu-1", "image": "scipy"}),
        ({"profile": "gone", "image": "jax"}, {"profile": "cpu-small", "image": "scipy"}),
        ({"profile": ["gpu-1"]}, {"profile": "cpu-small", "image": "scipy"}),
        (["gpu-1"], {"profile": "cpu-small", "image": "scipy"}),
    ],
)
def test_the_last_choice_is_preselected_and_a_vanished_one_does_no_harm(saved: Any, expected: dict[str, str]) -> None:
    assert selected(preselected(PROFILES, saved)) == expected


@pytest.mark.parametrize(
    "options",
    [{OWN: IMAGE}, {"profile": "small", OWN: IMAGE, "priority": "burst"}, {"image": "one", OWN: ""}, {OWN: None}],
)
def test_an_own_image_that_matches_can_be_chosen(options: dict[str, Any]) -> None:
    check_choice(WITH_OWN, options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({OWN: f"{IMAGE}@evil"}, f"'{IMAGE}@evil' {NO_IMAGE}"),
        ({OWN: f"{IMAGE}\n"}, f"{IMAGE + chr(10)!r} {NO_IMAGE}"),
        ({OWN: "x"}, f"'x' {NO_IMAGE}"),
        ({OWN: "registry.example.org/other:1"}, "Only our own images."),
        ({OWN: f"evil.example.org/{IMAGE}"}, "Only our own images."),
        ({OWN: [IMAGE]}, "Only our own images."),
        ({OWN: {"a": 1}}, "Only our own images."),
        ({OWN: "x" * 2000}, "Only our own images."),
        ({OWN: ""}, "Name the image that you want on Small. Only our own images."),
        ({OWN: IMAGE, "image": "one"}, NOT_BOTH),
        ({OWN: IMAGE, "image": ""}, NOT_BOTH),
        ({"priority--unlisted-choice": "x"}, "'priority--unlisted-choice' is nothing that can be chosen here"),
    ],
)
def test_an_own_image_that_does_not_match_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ChoiceError) as refused:
        check_choice(WITH_OWN, options)

    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("saved", "kept"),
    [
        ({"profile": "small", "image": "one"}, {"profile": "small", "image": "one"}),
        ({"profile": "small", "image": "gone", "priority": "normal"}, {"profile": "small", "priority": "normal"}),
        ({"profile": "small", "team": "gone"}, {"profile": "small"}),
        ({"profile": "gone", "image": "one"}, {}),
        ({"image": "one"}, {"image": "one"}),
        ({OWN: IMAGE, "image": "one"}, {OWN: IMAGE}),
        ({OWN: "evil:1", "image": "one"}, {"image": "one"}),
        ({OWN: 5, "image": ["one"]}, {}),
        ({"profile": []}, {}),
        (None, {}),
        ("profile", {}),
    ],
)
def test_of_a_remembered_choice_what_is_still_offered_is_kept(saved: Any, kept: dict[str, str]) -> None:
    assert remembered(WITH_OWN, saved) == kept


def test_a_remembered_own_image_is_in_its_field() -> None:
    (profile,) = preselected(WITH_OWN, {OWN: IMAGE})
    image = profile["profile_options"]["image"]

    assert (image["unlisted_choice"]["selected"], image["unlisted_choice"]["value"]) == (True, IMAGE)
    assert not any(choice["selected"] for choice in image["choices"].values())


def test_a_choice_becomes_overrides() -> None:
    *_, listed, burst = chosen_overrides(WITH_OWN, {})
    _, own, normal = chosen_overrides(WITH_OWN, {OWN: "registry.example.org/own/{value}:1", "priority": "normal"})

    assert (listed, burst) == ({"image": "registry.example.org/one:1"}, {"priority_class_name": "burst"})
    assert (own, normal) == ({"image": "registry.example.org/own/{value}:1"}, {"priority_class_name": "normal"})


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["gpu-1", "jax", "profile"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["profile", "image", OWN, ""]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(JSON)
def test_what_is_remembered_can_always_be_started(saved: Any) -> None:
    for profiles in (PROFILES, WITH_OWN):
        check_choice(profiles, remembered(profiles, saved))
        assert remembered(profiles, remembered(profiles, saved)) == remembered(profiles, saved)


@given(JSON)
def test_any_saved_choice_gives_a_form_whose_selection_can_be_chosen(saved: Any) -> None:
    check_choice(PROFILES, selected(preselected(PROFILES, saved)))
