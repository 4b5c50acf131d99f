from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles.catalogue import load_catalogue
from genkan_profiles.choices import check_choice, preselected
from genkan_profiles.compiler import ProfileList, compile_profiles
from genkan_profiles.exceptions import ChoiceError
from genkan_profiles.offers import offers_for

PROFILES = compile_profiles(offers_for(load_catalogue(), ()))


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
        ({"image": None}, "None is not offered as image on Small (offered: scipy, pytorch, jax)."),
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


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["gpu-1", "jax", "profile"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["profile", "image", ""]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(JSON)
def test_any_saved_choice_gives_a_form_whose_selection_can_be_chosen(saved: Any) -> None:
    check_choice(PROFILES, selected(preselected(PROFILES, saved)))
