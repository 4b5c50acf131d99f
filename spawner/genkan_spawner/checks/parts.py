"""Reading a manifest part by part, so that a mistake is told with its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from .exceptions import ManifestError

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping inside a manifest and the way to it, such as `spec.containers[0]`."""

    value: dict[str, Any]
    place: str

    @classmethod
    def of(cls, value: Any, place: str) -> "Part":
        """Take a value that has to be a mapping; one that is missing is empty."""
        if value is None:
            return cls({}, place)
        if not isinstance(value, dict):
            raise _wrong(place, "a mapping", value)
        for key in value:
            if not isinstance(key, str):
                raise ManifestError(f"{place}: The key {key!r} is not text; put it in quotes.")
        return cls(value, place)

    def part(self, key: str) -> "Part":
        """Return the mapping under a key; one that is missing is empty."""
        return Part.of(self.value.get(key), self._at(key))

    def parts(self, key: str) -> Iterator["Part"]:
        """Return the mappings in the list under a key; a list that is missing is empty."""
        for index, item in enumerate(self.items(key)):
            if item is None:
                raise _wrong(f"{self._at(key)}[{index}]", "a mapping", item)
            yield Part.of(item, f"{self._at(key)}[{index}]")

    def items(self, key: str) -> list[Any]:
        """Return the list under a key."""
        found = self.value.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise _wrong(self._at(key), "a list", found)
        return found

    def text(self, key: str, default: str = "") -> str:
        """Return the text under a key."""
        found = self.value.get(key)
        if found is None:
            return default
        if not isinstance(found, str):
            raise _wrong(self._at(key), "text (in quotes)", found)
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts under a key."""
        found = self.items(key)
        for index, item in enumerate(found):
            if not isinstance(item, str):
                raise _wrong(f"{self._at(key)}[{index}]", "text (in quotes)", item)
        return tuple(found)

    def number(self, key: str) -> int | None:
        """Return the whole number under a key, or None where there is none."""
        found = self.value.get(key)
        if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
            raise _wrong(self._at(key), "a whole number", found)
        return found

    def word(self, key: str, words: type[_Word], default: _Word | None = None) -> _Word:
        """Return the word under a key out of a closed set."""
        found = self.text(key, default or "")
        if found == "" and default is not None:
            return default
        try:
            return words(found)
        except ValueError as e:
            allowed = ", ".join(words)
            raise ManifestError(f"{self._at(key)}: {found!r} is not allowed here; it is one of {allowed}.") from e

    def labels(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return a mapping of texts under a key, in the order of its keys."""
        part = self.part(key)
        return tuple((name, part.text(name)) for name in sorted(part.value))

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def _wrong(place: str, wanted: str, found: Any) -> ManifestError:
    shown = repr(found) if isinstance(found, str | int | float | bool) or found is None else type(found).__name__
    return ManifestError(f"{place or 'The manifest'}: This must be {wanted}, not {shown}.")
