"""Sentences that know how they were made, so that they can be said again in another language.

A sentence is its English text wherever a string is wanted: in logs, in JSON, in objects of Kubernetes. What is shared
between users and kept between requests is the sentence; `translations` says it to one reader.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Wording:
    """One text with what stands in its braces."""

    text: str
    many: str
    """The text for many; empty if a number makes no difference."""
    count: int
    values: Mapping[str, Any]

    def said(self, choose: Callable[["Wording"], str], say_value: Callable[[Any], Any]) -> str:
        """Return the text that `choose` finds for it, its values said too."""
        return choose(self).format(**{name: say_value(value) for name, value in self.values.items()})


@dataclass(frozen=True, slots=True)
class Row:
    """Several texts one after the other."""

    parts: tuple[str, ...]
    listed: bool
    """Whether they are members of a list, and not sentences."""


class Sentence(str):
    """A text for people. Equal texts are equal sentences."""

    __slots__ = ("made_of",)

    made_of: Wording | Row | None
    """None for a text of somebody else, such as a name in the catalogue, which is the same in all languages."""

    @classmethod
    def of(cls, text: str, made_of: Wording | Row | None) -> Self:
        """Return a text with how it was made."""
        sentence = cls(text)
        sentence.made_of = made_of
        return sentence

    @classmethod
    def quoted(cls, text: str) -> Self:
        """Return a text of somebody else, which is not translated."""
        return cls.of(text, None)

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Nothing of it changes."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Sentence.of, (str(self), self.made_of)


NOTHING = Sentence.quoted("")
"""Where there is nothing to say."""


def say(text: str, /, **values: Any) -> Sentence:
    """Return a sentence; each name in braces stands for a value, which may be a sentence itself."""
    return worded(Wording(text, "", 1, values))


def say_number(one: str, many: str, number: int, /, **values: Any) -> Sentence:
    """Return a sentence in which words depend on a number."""
    return worded(Wording(one, many, number, values))


def together(sentences: Iterable[str]) -> Sentence:
    """Return sentences one after the other; empty ones are left out."""
    return row(sentences, listed=False)


def enumerated(names: Iterable[str]) -> Sentence:
    """Return the members of a list."""
    return row(names, listed=True)


def row(parts: Iterable[str], *, listed: bool) -> Sentence:
    """Return several texts one after the other, as members of a list or as sentences; empty ones are left out."""
    kept = tuple(part for part in parts if part)
    return Sentence.of((", " if listed else " ").join(kept), Row(kept, listed=listed))


def worded(wording: Wording) -> Sentence:
    """Return the sentence that a wording makes."""
    return Sentence.of(wording.said(in_english, lambda value: value), wording)


def in_english(wording: Wording) -> str:
    """Return the text of a wording as it was written."""
    return wording.text if wording.count == 1 or not wording.many else wording.many
