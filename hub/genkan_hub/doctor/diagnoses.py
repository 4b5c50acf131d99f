"""What the doctor says: one thing at a time, how bad it is, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, from best to worst."""

    OK = "ok"
    UNKNOWN = "unknown"
    """It cannot be seen from here."""
    WARNING = "warning"
    """The hub works, and somebody will wonder."""
    PROBLEM = "problem"
    """Something that is offered cannot work."""


class Topic(StrEnum):
    """What is looked at, in the order in which it is told."""

    CLUSTER = "cluster"
    CATALOGUE = "catalogue"
    RIGHTS = "rights"
    NAMESPACES = "namespaces"
    PRIORITIES = "priorities"
    SHARES = "shares"
    MACHINES = "machines"
    DRIVERS = "drivers"
    STORAGE = "storage"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was found."""

    topic: Topic
    level: Level
    sentence: str
    mend: str = ""
    """What to do about it, in a sentence."""


def in_order(found: Iterable[Diagnosis]) -> list[Diagnosis]:
    """Return diagnoses topic by topic, the worst first, each once."""
    topics, levels = list(Topic), list(Level)
    return sorted(
        dict.fromkeys(found), key=lambda one: (topics.index(one.topic), -levels.index(one.level), one.sentence)
    )


def worst(found: Iterable[Diagnosis]) -> Level:
    """Return the worst level; nothing found is all well."""
    levels = list(Level)
    return max((one.level for one in found), key=levels.index, default=Level.OK)


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts, whose plural ends in s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
