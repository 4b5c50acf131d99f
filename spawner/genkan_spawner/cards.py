"""The cards of a form: each profile as it is preselected, with what would come of starting it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .checks.findings import Check, State, Verdict
from .forecast import Options, Prospect
from .nearest import Suggestion, elsewhere, on_card, variants
from .offering import Card, Offering, offered_profiles, offering_of

if TYPE_CHECKING:
    from .spawner import GenkanSpawner

Fields: TypeAlias = Mapping[str, Sequence[str]]
"""What a browser sends of a form, by the names of its fields."""

FIRST_LOOK = 2.0
"""Seconds that a form waits for the first view of the cluster; after that it says that nothing is known."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A card with what would come of it; nothing where that cannot be foreseen."""

    card: Card
    prospect: Prospect | None = None
    nearest: Suggestion | None = None
    """What would start instead, where this is refused."""
    closed: bool = False
    """Whether it cannot be chosen: its start is refused, whatever else is chosen with it."""
    keeps: bool = True
    """Whether the card will be shown again."""

    @property
    def verdict(self) -> Verdict | None:
        """What all checks say."""
        return self.prospect.verdict if self.prospect is not None else None

    @property
    def refused(self) -> bool:
        """Whether a start with what is chosen is refused."""
        return _is_refused(self.prospect)

    @property
    def profile(self) -> dict[str, Any]:
        """The profile with its marks and its verdict in one, as a site's own template reads it."""
        return {**self.card.profile, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Hand:
    """All cards of one form."""

    offering: Offering
    cards: Sequence[Shown]
    foreseeable: bool = True
    """Whether anything can be foreseen of such a list."""

    @property
    def foreseen(self) -> list[Prospect]:
        """What would come of the cards of which that is known."""
        return [shown.prospect for shown in self.cards if shown.prospect is not None]


async def cards_for(spawner: "GenkanSpawner", fields: Fields, *, options: Any, as_typed: bool = False) -> Hand:
    """Return the cards of a user's form; a user who is offered nothing is refused.

    `options` is what is preselected, as far as it is offered; with `as_typed` also an own value that cannot be used.
    `fields` are those of a form that is being filled in; what they leave out is as it is preselected. A list that a
    site wrote itself may be another one each time, so nothing of it is kept and nothing foreseen.
    """
    if spawner.profile_list is not offered_profiles:
        profiles = await spawner.offered()
        own = Offering.of(profiles, profiles)
        cards = [Shown(card, keeps=False) for card in own.cards_with(options, as_typed=as_typed)]
        return Hand(own, cards, foreseeable=False)
    offering = offering_of(spawner, await offered_profiles(spawner))
    dealt = offering.cards_with(options, as_typed=as_typed)
    await spawner.view.ready(within=FIRST_LOOK)
    choices = [_chosen(card, fields) for card in dealt]
    prospects = await spawner.view.forecasts.prospects(spawner, choices, offering=offering)
    board = list(zip(dealt, choices, prospects, strict=True))
    shown = [await _shown(spawner, offering, row, board) for row in board]
    return Hand(offering, shown)


_Row: TypeAlias = tuple[Card, Options, Prospect | None]


def _chosen(card: Card, fields: Fields) -> Options:
    """Return what is chosen on a card; an image of the user's own stands for the one that it is shown with."""
    found = dict(card.options)
    for name, option in card.profile.get("profile_options", {}).items():
        value = next(iter(fields.get(f"profile-option-{card.slug}--{name}", ())), "")
        if value in option.get("choices", {}):
            found[name] = value
    return found


async def _shown(spawner: "GenkanSpawner", offering: Offering, row: _Row, board: Sequence[_Row]) -> Shown:
    """Add to a card that is refused what would start instead."""
    card, options, prospect = row
    if prospect is None or not _is_refused(prospect):
        return Shown(card, prospect)
    others = variants(card, options)
    found = await spawner.view.forecasts.prospects(spawner, others or [], offering=offering)
    nearest = on_card(card, options, list(zip(others or [], found, strict=True)))
    closed = others is not None and all(map(_is_refused, found)) and not _may_differ(card, [prospect, *found])
    return Shown(card, prospect, nearest or elsewhere(prospect, [(one, its) for one, _, its in board]), closed)


def _is_refused(prospect: Prospect | None) -> bool:
    return prospect is not None and prospect.verdict.state is State.REFUSED


def _may_differ(card: Card, prospects: Sequence[Prospect | None]) -> bool:
    """Return whether an own image might start where those that are offered do not suit the machines."""
    findings = (finding for one in prospects if one is not None for finding in one.verdict.findings)
    return card.takes_own_values and any(
        finding.check is Check.DRIVER and finding.state is State.REFUSED for finding in findings
    )
