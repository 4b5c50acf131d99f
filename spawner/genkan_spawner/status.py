"""What stands on a form beside its cards: how much is free in all, and what the user's teams have left."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genkan_profiles.compiler import TEAM
from genkan_profiles.language.sentences import NOTHING, Sentence, say

from .cards import Hand
from .counts import Amount, TeamShare
from .form import Status

if TYPE_CHECKING:
    from .spawner import GenkanSpawner

MOST_AMOUNTS = 4
"""Bars for one team."""


def status_for(spawner: "GenkanSpawner", hand: Hand) -> Status:
    """Return what is known of the cluster for the user of a form."""
    demands = [prospect.demand for prospect in hand.foreseen]
    if not demands:
        return Status(view=spawner.view.standing() if hand.foreseeable else None)
    forecasts = spawner.view.forecasts
    home = forecasts.home_fill(demands)
    teams = [
        TeamShare(name, [Amount.of_share(share) for share in shares[:MOST_AMOUNTS]])
        for name, namespace in _teams(spawner, hand)
        for shares in [forecasts.shares(hand.offering.edition, namespace, demands)]
    ]
    totals = forecasts.totals(hand.offering.edition, demands)
    return Status(
        totals=_words(totals) if totals is not None else NOTHING,
        teams=teams,
        home=Amount.of_disk(home) if home is not None else None,
        view=spawner.view.standing(),
    )


def _words(totals: tuple[int, int, int]) -> Sentence:
    free, total, machines = totals
    return say("{free} of {total} GPUs free on {machines} machines", free=free, total=total, machines=machines)


def _teams(spawner: "GenkanSpawner", hand: Hand) -> Iterator[tuple[str, str]]:
    """Yield name and namespace of each team that can be chosen; without any, those of the hub itself."""
    profile: dict[str, Any] = hand.cards[0].card.profile if hand.cards else {}
    choices = profile.get("profile_options", {}).get(TEAM, {}).get("choices", {})
    for choice in choices.values():
        yield choice["display_name"], choice["kubespawner_override"].get("namespace") or spawner.namespace
    if not choices:
        yield "", hand.foreseen[0].demand.namespace
