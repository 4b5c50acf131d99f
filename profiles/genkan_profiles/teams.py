"""Priorities and teams: what a server weighs against others, and whose it is."""

from typing import Self

from pydantic import Field, model_validator

from .documents import Row
from .names import DottedName, Group, Name, Slug, is_slug
from .rows import DefaultableOffer, Line
from .violations import Violation, raise_violations


class Priority(DefaultableOffer):
    """How a server stands against others when machines are full."""

    priority_class: DottedName
    """The cluster's PriorityClass."""


class Team(Row):
    """People who share a namespace, with its quota and its storage."""

    group: Group | None = None
    """The group whose members are in the team; without one everybody is."""
    slug: Slug | None = None
    """What links, forms and the REST API call it; by default the group, where that can be a slug."""
    display_name: Line
    """What users read."""
    description: str = Field(default="", max_length=1000)
    """A sentence or two below the name."""
    namespace: Name
    """Where the servers of the team run."""

    @property
    def key(self) -> str:
        """The slug, given or taken from the group."""
        return self.slug or self.group or ""

    def is_offered_to(self, groups: frozenset[str]) -> bool:
        """Return whether somebody in these groups is in the team."""
        return self.group is None or self.group in groups

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.slug is None and (self.group is None or not is_slug(self.group)):
            sentence = "This team needs a slug: it has no group, or one whose name cannot stand in a link."
            raise_violations("Team", [Violation(("slug",), sentence)])
        return self
