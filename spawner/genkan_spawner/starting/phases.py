"""The way of a start in five steps, as a page shows it: what is done, what is under way, what is to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.following.steps import Step

from .story import Told


class Place(StrEnum):
    """Where a step of the way stands."""

    DONE = "done"
    NOW = "now"
    TO_COME = "to come"


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of the way."""

    place: Place
    sentence: Sentence
    seconds: float | None = None
    """How long it took, or has taken so far; None for what is to come."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A step of the way: from which progress on it is under way, what to say of it before and after."""

    begins: Step
    to_come: Sentence
    done: Sentence


_WAY = (
    _Kind(Step.ASKED, say("Check your choice"), say("Your choice was checked")),
    _Kind(Step.PLACING, say("Find a machine"), say("A machine was found")),
    _Kind(Step.PLACED, say("Prepare storage and image"), say("Storage and image are ready")),
    _Kind(Step.STARTING, say("Start the server"), say("The server has started")),
    _Kind(Step.RUNNING, say("Connect you to it"), say("You are connected")),
)


def phases(told: Sequence[Told], *, age: float) -> list[Phase]:
    """Return all steps of a start that is `age` seconds old."""
    reached = max((row.percent for row in told), default=0)
    current = max((number for number, kind in enumerate(_WAY) if kind.begins <= reached), default=0)
    began = [next((row.at for row in told if row.percent >= kind.begins), age) for kind in _WAY]
    ended = [*began[1:], age]
    found: list[Phase] = []
    for number, kind in enumerate(_WAY):
        if number < current:
            found.append(Phase(Place.DONE, kind.done, ended[number] - began[number]))
        elif number == current:
            found.append(Phase(Place.NOW, told[-1].sentence if told else kind.to_come, age - began[number]))
        else:
            found.append(Phase(Place.TO_COME, kind.to_come))
    return found
