"""What can go wrong with what an administrator writes.

ProfilesError
├── DocumentError      a file that cannot be read or does not say what its model asks for
├── QuantityError      a text that is no Kubernetes quantity
└── ToldError          in words for the person who asked
    ├── ChoiceError    a choice that the catalogue does not offer
    └── HomeError      a home that cannot be given to a user
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .language.sentences import Sentence

MAX_SHOWN = 100
"""How many problems the text of one DocumentError lists; `problems` holds all of them."""

_SHOWN_ALLOWED = 50


class ProfilesError(Exception):
    """A failure of this package, with a sentence for people."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; both numbers count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document, and where."""

    file: str
    position: Position | None
    """None where the file as a whole is meant: it is missing, a directory, too big."""
    path: str
    """The way to the value, such as `pools[2].devices[0].count`; empty for the document itself."""
    sentence: str
    allowed: tuple[str, ...] = ()
    """What may stand there instead, where that is a short closed list."""

    def __str__(self) -> str:
        place = self.file
        if self.position is not None:
            place += f":{self.position.line}:{self.position.column}"
        where = f"{place}: {self.path}" if self.path else place
        more = ", ..." if len(self.allowed) > _SHOWN_ALLOWED else ""
        allowed = f" (allowed: {', '.join(self.allowed[:_SHOWN_ALLOWED])}{more})" if self.allowed else ""
        return f"{where}: {self.sentence}{allowed}"


class DocumentError(ProfilesError):
    """A document with problems; all that can be found at once, in the order of their lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            lines.append(f"... and {len(self.problems) - MAX_SHOWN} more.")
        super().__init__("\n".join(lines))


class QuantityError(ProfilesError, ValueError):
    """A text that is no Kubernetes quantity; a ValueError so that pydantic reports it at its place."""


class ToldError(ProfilesError):
    """A failure in words for the person who asked."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class HomeError(ToldError):
    """A home that cannot be given to a user, in words for that user."""


class ChoiceError(ToldError):
    """A choice that the catalogue does not offer, in words for the person who made it."""
