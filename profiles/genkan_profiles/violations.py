"""Broken rules across several fields: how a model reports them, each at its own place."""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from .parts import Location

KIND = "violation"
"""The type of pydantic's error for a violation."""

OTHER = "{other}"
"""What stands in a violation's sentence for the place that it is at odds with."""

MAX_VIOLATIONS = 1000
"""How many of one model are told at once."""

_SHOWN_CHARACTERS = 100
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule across several fields that is broken, seen from the model that knows the rule."""

    path: Location
    """From the model to the value that should change, such as `("quotas", 0, "namespace")`."""
    sentence: str
    """May hold `{other}` where the other place should be named."""
    allowed: tuple[str, ...] = ()
    other: Location = ()
    """The way to the value that this one is at odds with."""


def raise_violations(title: str, violations: Iterable[Violation]) -> None:
    """Raise all of a model validator's violations at once, each at its own place; nothing if there are none.

    `title` is the name of the model. A pydantic validator may raise a single error at the place of its model only;
    this is the way round it.
    """
    details = [
        InitErrorDetails(
            type=PydanticCustomError(KIND, "{sentence}", context_of(violation, title=title)),
            loc=tuple(violation.path),
            input=None,
        )
        for violation in itertools.islice(violations, MAX_VIOLATIONS)
    ]
    if details:
        raise ValidationError.from_exception_data(title, details)


def path_text(location: Location) -> str:
    """Write the way to a value as people do: `pools[2].labels["nvidia.com/gpu"]`."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif len(step) <= _SHOWN_CHARACTERS and _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]' if len(step) <= _SHOWN_CHARACTERS else f'["{step[:_SHOWN_CHARACTERS]}..."]'
    return text


def context_of(violation: Violation, *, title: str) -> dict[str, Any]:
    """Return what pydantic's error carries of a violation; `title` is the name of the model."""
    return {
        "sentence": violation.sentence.replace(OTHER, path_text(violation.other)),
        "template": violation.sentence,
        "allowed": violation.allowed,
        "other": tuple(violation.other),
        "depth": len(violation.path),
        "model": title,
    }
