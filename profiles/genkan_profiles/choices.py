"""What a user picked, held against what is offered.

The form, a link, the REST API and the hub's own memory of the last start all end here, so nothing is assumed about the
shape of what arrives. Profile lists may be a site's own: what KubeSpawner lets out may be missing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .compiler import IMAGE, ProfileList
from .exceptions import ChoiceError
from .language.sentences import NOTHING, Sentence, enumerated, say, together
from .names import is_image_reference
from .patterns import matches

PROFILE = "profile"
"""The key under which JupyterHub keeps the slug of the chosen hardware; the others are names of options."""

UNLISTED = "--unlisted-choice"
"""What KubeSpawner appends to an option's name for a value that users give themselves."""

_LONGEST_OWN = 1000


def check_choice(profiles: ProfileList, options: Any) -> None:
    """Raise ChoiceError, with a sentence for the user, unless every choice is one that is offered.

    What is left out stands for the default. KubeSpawner itself checks the profile alone, fails with a KeyError for an
    option's value that it does not know, and looks only at how an own value begins.
    """
    if not profiles:
        raise ChoiceError(say("Nothing is offered to you on this hub; its administrators can change that."))
    if not isinstance(options, Mapping):
        raise ChoiceError(say("The choices for a server must be a mapping of names to values."))
    profile = _profile(profiles, options.get(PROFILE))
    if profile is None:
        offered = enumerated(profile["slug"] for profile in profiles)
        asked = _shown(options[PROFILE])
        raise ChoiceError(say("There is no profile {asked} here (offered: {offered}).", asked=asked, offered=offered))
    known = _names(profile)
    for name in options:
        if name not in known:
            raise ChoiceError(
                say(
                    "{name} is nothing that can be chosen here (offered: {offered}).",
                    name=_shown(name),
                    offered=enumerated(known),
                )
            )
    for name, option in _options(profile).items():
        _check_option(profile["display_name"], name, option, options)


def remembered(profiles: ProfileList, options: Any, *, as_typed: bool = False) -> dict[str, str]:
    """Return what is still offered of an earlier choice; defaults take the place of the rest.

    Where the hardware has vanished nothing of the choice is kept, as its image was meant for it. With `as_typed` an own
    value is kept though it cannot be used: for a form on which somebody mends it.
    """
    saved = options if isinstance(options, Mapping) else {}
    profile = _profile(profiles, saved.get(PROFILE))
    if profile is None:
        return {}
    kept = {PROFILE: profile["slug"]} if saved.get(PROFILE) else {}
    for name, option in _options(profile).items():
        choice, own = saved.get(name), saved.get(name + UNLISTED)
        if _own_enabled(option) and own and (_is_text(own) if as_typed else not _obstacle_of_own(option, own)):
            kept[name + UNLISTED] = own
        elif isinstance(choice, str) and choice in _choices(option):
            kept[name] = choice
    return kept


def preselected(profiles: ProfileList, options: Any, *, as_typed: bool = False) -> ProfileList:
    """Return the list with `selected` at the profile and choices that a form should start with.

    Those are the user's last ones as far as they are still offered, as in `remembered`. An own value is at `value` of
    its option's `unlisted_choice`. Options that were one object remain one, but for those of the selected profile.
    """
    saved = remembered(profiles, options, as_typed=as_typed)
    chosen = _profile(profiles, saved.get(PROFILE))
    marked: dict[int, dict[str, Any]] = {}

    def untouched(option: dict[str, Any]) -> dict[str, Any]:
        if id(option) not in marked:
            marked[id(option)] = _preselected_option(option, "", {})
        return marked[id(option)]

    return [
        {
            **profile,
            "selected": profile is chosen,
            "profile_options": {
                name: _preselected_option(option, name, saved) if profile is chosen else untouched(option)
                for name, option in _options(profile).items()
            },
        }
        for profile in profiles
    ]


def chosen_overrides(profiles: ProfileList, options: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the overrides of a choice that was checked: those of the profile first, then those of each option.

    Texts of an option's `unlisted_choice` have the user's value in the place of `{value}`.
    """
    return [
        _filled(part.get("kubespawner_override", {}), own) if own else part.get("kubespawner_override", {})
        for part, own in _chosen(profiles, options)
    ]


def chosen_conditions(profiles: ProfileList, options: Mapping[str, str]) -> dict[str, str]:
    """Return what a choice that was checked needs, and what becomes of it where machines are full."""
    conditions: dict[str, str] = {}
    for part, _ in _chosen(profiles, options):
        conditions |= part.get("conditions", {})
    return conditions


def chosen_names(profiles: ProfileList, options: Mapping[str, str]) -> tuple[str, ...]:
    """Return what people call the profile of a choice that was checked, and what was taken of each option."""
    return tuple(own or str(part.get("display_name", "")) for part, own in _chosen(profiles, options))


def _chosen(profiles: ProfileList, options: Mapping[str, str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the profile and what was taken of each option, with the user's own value where it is one."""
    profile = _profile(profiles, options.get(PROFILE))
    if profile is None:
        raise ChoiceError(Sentence.quoted("The choice must be checked first."))
    yield profile, ""
    for name, option in _options(profile).items():
        own = options.get(name + UNLISTED, "")
        slug = options.get(name) or _default_choice(option)
        yield (option["unlisted_choice"], own) if own else (_choices(option)[slug], "")


def _check_option(hardware: str, name: str, option: dict[str, Any], options: Mapping[str, Any]) -> None:
    choice, own = options.get(name), options.get(name + UNLISTED)
    choices = _choices(option)
    what = {"name": option_name(name), "hardware": hardware}
    if own and name in options:
        raise ChoiceError(
            say(
                "There are two choices of {name}, one of the list and {own}; leave one of them out.",
                own=_shown(own),
                **what,
            )
        )
    if own:
        if obstacle := _obstacle_of_own(option, own):
            raise ChoiceError(obstacle)
    elif name in options:
        offered = enumerated(choices)
        if choice is None:
            raise ChoiceError(
                say(
                    "No {name} is named on {hardware}: give one, or leave the field out (offered: {offered}).",
                    offered=offered,
                    **what,
                )
            )
        if not isinstance(choice, str) or choice not in choices:
            raise ChoiceError(
                say(
                    "{choice} is not offered as {name} on {hardware} (offered: {offered}).",
                    choice=_shown(choice),
                    offered=offered,
                    **what,
                )
            )
    elif own is not None or (not choices and _own_enabled(option)):
        hint = option["unlisted_choice"].get("validation_message", "")
        raise ChoiceError(together([say("Name the {name} that you want on {hardware}.", **what), hint]))
    elif not choices:
        raise ChoiceError(say("There is no {name} on {hardware} that is offered to you; take another profile.", **what))


def option_name(name: str) -> Sentence:
    """Return what people call an option of a profile."""
    match name:
        case "image":
            return say("image")
        case "priority":
            return say("priority")
        case "team":
            return say("team")
        case _:
            return Sentence.quoted(name)


def _obstacle_of_own(option: dict[str, Any], own: Any) -> Sentence:
    """Return in a sentence why a value cannot be used where users give their own; empty if it can."""
    unlisted = option["unlisted_choice"]
    given = unlisted.get("validation_message")
    message = Sentence.quoted(str(given)) if given else say("{value} cannot be used here.", value=_shown(own))
    if not _is_text(own):
        return message
    if unlisted.get("kind") == IMAGE and not is_image_reference(own):
        return say(
            "{value} names no image: it is a registry, a path and a tag or digest, such as {example}.",
            value=_shown(own),
            example="registry.example.org/team/pytorch:26.09",
        )
    if "pattern" in unlisted:
        return NOTHING if matches(unlisted["pattern"], own) else message
    pattern = unlisted.get("validation_regex")
    return message if pattern and not re.fullmatch(pattern, own) else NOTHING


def _is_text(own: Any) -> bool:
    return isinstance(own, str) and len(own) <= _LONGEST_OWN


def _preselected_option(option: dict[str, Any], name: str, saved: Mapping[str, str]) -> dict[str, Any]:
    own = saved.get(name + UNLISTED, "")
    default = "" if own else saved.get(name) or _default_choice(option)
    choices = {slug: {**choice, "selected": slug == default} for slug, choice in _choices(option).items()}
    marked = {**option, "choices": choices}
    if _own_enabled(option):
        marked["unlisted_choice"] = {**option["unlisted_choice"], "selected": not default, "value": own}
    return marked


def _profile(profiles: ProfileList, slug: Any) -> dict[str, Any] | None:
    if slug is None or slug == "":
        return next((profile for profile in profiles if profile.get("default")), None)
    return next((profile for profile in profiles if profile["slug"] == slug), None)


def _default_choice(option: dict[str, Any]) -> str:
    """Return the choice that is marked; empty where there is none at all."""
    return next((slug for slug, choice in _choices(option).items() if choice.get("default")), "")


def _options(profile: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return profile.get("profile_options") or {}


def _choices(option: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return option.get("choices") or {}


def _own_enabled(option: dict[str, Any]) -> bool:
    return bool((option.get("unlisted_choice") or {}).get("enabled"))


def _names(profile: dict[str, Any]) -> list[str]:
    """Return what can be chosen with a profile, by the names that the REST API has for it."""
    names = [PROFILE]
    for name, option in _options(profile).items():
        names += [name, name + UNLISTED] if _own_enabled(option) else [name]
    return names


def _filled(value: Any, own: str) -> Any:
    match value:
        case str():
            return value.replace("{value}", own)
        case dict():
            return {key: _filled(inner, own) for key, inner in value.items()}
        case list():
            return [_filled(inner, own) for inner in value]
        case _:
            return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."  # noqa: PLR2004  # enough to recognise it
