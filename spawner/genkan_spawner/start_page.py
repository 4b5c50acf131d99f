"""A start that is under way, as parts of a page in the language of whoever reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from genkan_profiles.language.sentences import Sentence
from genkan_profiles.language.translations import Language

from .following.happenings import Happening
from .starting.phases import phases
from .starting.story import Told
from .templating import own_templates


@dataclass(frozen=True, slots=True)
class StartPage:
    """What there is to show of one start at one moment."""

    told: Sequence[Told]
    age: float
    """Seconds since it began."""
    choice: Sequence[str]
    """What was chosen, in the words of the catalogue."""
    note: Sentence
    """What else there is to know, such as how long it may take."""

    def steps(self, reader: Language) -> Markup:
        """Return the steps as a part of a page."""
        percent = self.told[-1].percent if self.told else 0
        found = phases(self.told, age=self.age)
        return _part(_macros(reader).steps(found, percent, self.age, self.note))


def events_part(happenings: Sequence[Happening], reader: Language) -> Markup:
    """Return what the cluster itself said, as a part of a page."""
    return _part(_macros(reader).events(happenings))


def _macros(reader: Language) -> Any:
    return own_templates(reader).get_template("start.html").module


def _part(text: str) -> Markup:
    return Markup(text.strip())  # noqa: S704  # a macro with autoescape has made it
