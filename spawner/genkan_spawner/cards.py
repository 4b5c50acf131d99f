"""The cards of a form: each profile as it is preselected, with what would come of starting it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .checks.findings import State, Verdict
from .offering import Card, Offering, offered_profiles, offering_of

if TYPE_CHECKING:
    from .spawner import GenkanSpawner

FIRST_LOOK = 2.0
"""Seconds that a form waits for the first view of the cluster; after that it says that nothing is known."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A card with its verdict, None where nothing can be foreseen."""

    card: Card
    verdict: Verdict | None = None
    keeps: bool = True
    """Whether the card will be shown again."""

    @property
    def closed(self) -> bool:
        """Whether it cannot be chosen: its start is refused, and there is nothing else to choose on it."""
        return self.verdict is not None and self.verdict.state is State.REFUSED and not self.card.has_choice

    @property
    def profile(self) -> dict[str, Any]:
        """The profile with its marks and its verdict in one, as a site's own template reads it."""
        return {**self.card.profile, "verdict": self.verdict}


async def cards_for(spawner: "GenkanSpawner") -> Sequence[Shown]:
    """Return the cards of a user's form; a user who is offered nothing is refused.

    A list that a site wrote itself may be another one each time, so nothing of it is kept and nothing foreseen.
    """
    if spawner.profile_list is not offered_profiles:
        profiles = await spawner.offered()
        own = Offering.of(profiles, profiles)
        return [Shown(card, keeps=False) for card in own.cards_with(spawner.user_options)]
    offering = offering_of(spawner, await offered_profiles(spawner))
    cards = offering.cards_with(spawner.user_options)
    view = spawner.view
    await view.ready(within=FIRST_LOOK)
    choices = [card.options for card in cards]
    verdicts = await view.forecasts.verdicts(spawner, choices, offering=offering)
    return [Shown(card, verdict) for card, verdict in zip(cards, verdicts, strict=True)]
