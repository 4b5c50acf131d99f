"""What people have looked at and let pass, each until a day."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from genkan_profiles.documents import Row, load_document
from genkan_profiles.rows import Line

IGNORED = Path("images/ignored.yaml")
"""The project's own list, seen from its checkout."""

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{2,99}$")]


class Ignored(Row):
    """One thing that was looked at."""

    id: _Id
    """The scanner's name for it, such as CVE-2026-12345, or a rule such as aws-access-key-id."""
    where: Annotated[str, Field(max_length=500)] = ""
    """The package, or the file of a secret; without it, wherever it is found."""
    reason: Line
    """Why it may pass."""
    expires: date
    """The last day on which it passes."""

    def matches(self, found: str, place: str) -> bool:
        """Return whether it speaks of a finding."""
        return self.id == found and self.where in {"", place}


class IgnoreList(Row):
    """All that was looked at."""

    vulnerabilities: Annotated[tuple[Ignored, ...], Field(max_length=1000)] = ()
    """Weaknesses that do not matter here, or not yet."""
    secrets: Annotated[tuple[Ignored, ...], Field(max_length=1000)] = ()
    """What looks like a secret and is none."""


class Exceptions:
    """A list on one day, which remembers what of it was needed."""

    def __init__(self, rows: Iterable[Ignored], *, today: date) -> None:
        self._rows = tuple(rows)
        self._today = today
        self._needed: set[int] = set()

    def cover(self, found: str, place: str) -> bool:
        """Return whether a finding may pass."""
        hits = [
            index for index, row in enumerate(self._rows) if row.matches(found, place) and row.expires >= self._today
        ]
        self._needed.update(hits)
        return bool(hits)

    def failures(self) -> list[str]:
        """Return a sentence for each row whose day is over: it goes, or somebody looks again."""
        return [
            f"The exception for {_named(row)} ended on {row.expires}; take it out, or look again and give it a new day."
            for row in self._rows
            if row.expires < self._today
        ]

    def notes(self) -> list[str]:
        """Return a sentence for each row that nothing needed."""
        return [
            f"The exception for {_named(row)} is no longer needed."
            for index, row in enumerate(self._rows)
            if index not in self._needed and row.expires >= self._today
        ]


def load_ignored(path: Path) -> IgnoreList:
    """Read a list; raises DocumentError with all problems that can be found at once."""
    return load_document(path, IgnoreList)


def _named(row: Ignored) -> str:
    return f"{row.id} in {row.where}" if row.where else row.id
