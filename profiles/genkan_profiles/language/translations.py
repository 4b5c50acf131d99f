"""Sentences in the language of whoever reads them.

The translations are gettext's `.po` files beside this module, read when a language is first asked for.
"""

import functools
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel.dates import format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from .sentences import Row, Sentence, Wording, in_english, say

ENGLISH = "en"
LANGUAGES = (ENGLISH, "ja")
"""What the pages are shown in; the first is for all who speak none of the others."""

MESSAGES = Path(__file__).with_name("messages")


@dataclass(frozen=True, slots=True)
class Language:
    """One language, in which anything can be said."""

    code: str
    """As HTML's `lang` has it."""
    texts: NullTranslations
    between_sentences: str = " "
    between_names: str = ", "

    @property
    def is_english(self) -> bool:
        """Whether everything is said as it was written."""
        return self.code == ENGLISH

    def say(self, text: str) -> str:
        """Return a sentence in this language; other texts are the same in all languages."""
        made_of: Wording | Row | None = getattr(text, "made_of", None)
        if self.is_english or made_of is None:
            return text
        match made_of:
            case Wording():
                return made_of.said(self._choose, self._say_value)
            case Row():
                between = self.between_names if made_of.listed else self.between_sentences
                return between.join(self.say(part) for part in made_of.parts)

    def pattern(self, text: str, many: str = "", number: int = 1) -> str:
        """Return a text of a template, with its braces; `many` is what it is for other numbers than one."""
        return self._choose(Wording(text, many, number, {}))

    def moment(self, at: datetime) -> str:
        """Return a time for people who may be anywhere."""
        day = format_skeleton("MMMMd", at.astimezone(UTC), locale=self.code)
        return self.say(say("{day}, {time} UTC", day=day, time=f"{at.astimezone(UTC):%H:%M}"))

    def _choose(self, wording: Wording) -> str:
        if self.is_english:
            return in_english(wording)
        if wording.many:
            return self.texts.ngettext(wording.text, wording.many, wording.count)
        return self.texts.gettext(wording.text)

    def _say_value(self, value: Any) -> Any:
        return self.say(value) if isinstance(value, Sentence) else value


_SPACES = {"ja": ("", "、")}
"""What stands between sentences and between the members of a list, where that is not as in English."""


@functools.cache
def language(code: str) -> Language:
    """Return a language by its code; English for one that is not there."""
    if code not in LANGUAGES:
        return language(ENGLISH)
    if code == ENGLISH:
        return Language(ENGLISH, NullTranslations())
    return Language(code, _read(MESSAGES / f"{code}.po"), *_SPACES.get(code, ()))


def _read(file: Path) -> GNUTranslations:
    with file.open("rb") as source:
        catalogue = read_po(source)
    binary = io.BytesIO()
    write_mo(binary, catalogue)
    binary.seek(0)
    return GNUTranslations(binary)
