"""What a user picked, held against what is offered.

The form, a link, the REST API and the hub's own memory of the last start all end here, so nothing is assumed about the
shape of what arrives.
"""

from collections.abc import Mapping
from typing import Any

from .compiler import ProfileList
from .exceptions import ChoiceError

PROFILE = "profile"
"""The key under which JupyterHub keeps the slug of the chosen hardware; the others are names of options."""


def check_choice(profiles: ProfileList, options: Any) -> None:
    """Raise ChoiceError, with a sentence for the user, unless every choice is one that is offered.

    What is left out stands for the default. KubeSpawner itself checks the profile alone, and fails with a KeyError
    for an option's value that it does not know.
    """
    if not profiles:
        raise ChoiceError("Nothing is offered to you on this hub; its administrators can change that.")
    if not isinstance(options, Mapping):
        raise ChoiceError("The choices for a server must be a mapping of names to values.")
    profile = _profile(profiles, options.get(PROFILE))
    offered = profile.get("profile_options", {})
    for name, value in options.items():
        if name == PROFILE:
            continue
        if name not in offered:
            raise ChoiceError(f"{_shown(name)} is nothing that can be chosen here ({_listed([PROFILE, *offered])}).")
        if not isinstance(value, str) or value not in offered[name].get("choices", {}):
            choices = _listed(offered[name].get("choices", {}))
            raise ChoiceError(f"{_shown(value)} is not offered as {name} on {profile['display_name']} ({choices}).")


def preselected(profiles: ProfileList, options: Any) -> ProfileList:
    """Return the list with `selected` at the profile and choices that a form should start with.

    Those are the user's last ones; where one is no longer offered the default takes its place.
    """
    saved = options if isinstance(options, Mapping) else {}
    slug = saved.get(PROFILE)
    known = any(profile["slug"] == slug for profile in profiles)
    marked = []
    for profile in profiles:
        selected = profile["slug"] == slug if known else profile["default"]
        options_of_profile = {
            name: _preselected_option(option, saved.get(name) if selected and known else None)
            for name, option in profile["profile_options"].items()
        }
        marked.append({**profile, "selected": selected, "profile_options": options_of_profile})
    return marked


def _preselected_option(option: dict[str, Any], saved: Any) -> dict[str, Any]:
    known = isinstance(saved, str) and saved in option["choices"]
    choices = {
        slug: {**choice, "selected": slug == saved if known else choice["default"]}
        for slug, choice in option["choices"].items()
    }
    return {**option, "choices": choices}


def _profile(profiles: ProfileList, slug: Any) -> dict[str, Any]:
    if slug is None or slug == "":
        return next(profile for profile in profiles if profile["default"])
    for profile in profiles:
        if profile["slug"] == slug:
            return profile
    offered = _listed([profile["slug"] for profile in profiles])
    raise ChoiceError(f"There is no profile {_shown(slug)} here ({offered}).")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."  # noqa: PLR2004  # enough to recognise it


def _listed(names: Any) -> str:
    return f"offered: {', '.join(names)}"
