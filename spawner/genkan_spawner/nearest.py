"""What to choose instead of what cannot start: the same with another choice, or else hardware that is close to it."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genkan_profiles.choices import PROFILE
from genkan_profiles.compiler import IMAGE
from genkan_profiles.language.sentences import Sentence, enumerated, say

from .checks.findings import State
from .checks.free import device_of
from .forecast import Options, Prospect
from .offering import Card

MOST_VARIANTS = 32
"""Combinations of choices on one card that are looked at."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A choice that would work, in a few words."""

    options: tuple[tuple[str, str], ...]
    words: Sentence

    @property
    def profile(self) -> str:
        """The hardware of the choice."""
        return dict(self.options)[PROFILE]


def variants(card: Card, options: Options) -> list[Options] | None:
    """Return the other choices of a card than these, those first that differ least; None where there are too many.

    Images that need the same of a machine are one choice: another one of them would fare the same.
    """
    offered: dict[str, dict[str, Any]] = card.profile.get("profile_options", {})
    names = [name for name, option in offered.items() if option.get("choices")]
    slugs = [list(_alternatives(name, offered[name], options.get(name, ""))) for name in names]
    if math.prod(map(len, slugs)) > MOST_VARIANTS:
        return None
    found = [{**options, **dict(zip(names, values, strict=True))} for values in itertools.product(*slugs)]
    others = [other for other in found if other != options]
    return sorted(others, key=lambda other: sum(other[name] != options.get(name) for name in names))


def _alternatives(name: str, option: Mapping[str, Any], chosen: str) -> Iterator[str]:
    choices = option.get("choices", {})
    if chosen in choices:
        yield chosen
    known = [choices[chosen].get("conditions")] if chosen in choices else []
    for slug, choice in choices.items():
        if slug == chosen or (name == IMAGE and choice.get("conditions") in known):
            continue
        known.append(choice.get("conditions"))
        yield slug


def on_card(card: Card, options: Options, others: Sequence[tuple[Options, Prospect | None]]) -> Suggestion | None:
    """Return the first of a card's other choices that would start, by what is different with it."""
    for other, prospect in others:
        if prospect is not None and prospect.verdict.state is State.READY:
            changed = [
                option["choices"][other[name]]["display_name"]
                for name, option in card.profile["profile_options"].items()
                if other.get(name) != options.get(name)
            ]
            words = say("It starts now with {choices}", choices=enumerated(changed))
            return Suggestion(tuple(other.items()), words)
    return None


def elsewhere(wanted: Prospect, cards: Sequence[tuple[Card, Prospect | None]]) -> Suggestion | None:
    """Return the hardware that starts now and is closest to what was wanted: the same cards, fewer of them first."""
    ready = [
        (card, prospect)
        for card, prospect in cards
        if prospect is not None and prospect.verdict.state is State.READY and _is_same_kind(wanted, prospect)
    ]
    if not ready:
        return None
    card, _ = min(ready, key=lambda row: _distance(wanted, row[1]))
    words = say("{hardware} starts now", hardware=card.profile["display_name"])
    return Suggestion(tuple(card.options.items()), words)


def _is_same_kind(one: Prospect, other: Prospect) -> bool:
    return (device_of(one.demand) is None) == (device_of(other.demand) is None)


def _distance(wanted: Prospect, other: Prospect) -> tuple[bool, bool, bool, bool, int]:
    resource, its = device_of(wanted.demand), device_of(other.demand)
    asked = wanted.demand.requests.get(resource or "cpu", 0)
    gets = other.demand.requests.get(its or "cpu", 0)
    return (
        other.verdict.would_preempt,
        its != resource,
        other.demand.placement != wanted.demand.placement,
        gets > asked,
        abs(gets - asked),
    )
