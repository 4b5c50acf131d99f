"""What rows of a catalogue have in common: who is offered them, and what people see."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from .documents import Row
from .names import Group, Slug

_BREAKING = frozenset({"Cc", "Zl", "Zp"})


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in _BREAKING for character in text.strip()):
        raise ValueError("This must be on one line, without control characters.")
    return text.strip()


Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line), Field(min_length=1)]
"""Text for people on one line."""

Groups = Annotated[tuple[Group, ...], Field(max_length=200)]


class Restricted(Row):
    """A row that may be kept for some."""

    groups: Groups = ()
    """The groups whose members are offered this row; without any it is offered to everybody."""

    def is_offered_to(self, groups: frozenset[str]) -> bool:
        """Return whether somebody in these groups may have it."""
        return not self.groups or not groups.isdisjoint(self.groups)


class Offer(Restricted):
    """A row that users see and choose."""

    slug: Slug
    """What links, forms and the REST API call it; it should never change."""
    display_name: Line
    """What users read."""
    description: str = Field(default="", max_length=1000)
    """A sentence or two below the name."""


class DefaultableOffer(Offer):
    """A row that can be the one that users start with."""

    default: bool = False
    """Chosen for users who have not chosen yet; without one it is the first row that they are offered."""
