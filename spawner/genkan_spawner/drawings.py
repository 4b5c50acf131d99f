"""Cards as parts of a page, kept between forms.

A card is kept by what it is made of: a profile of one list with one earlier choice, and what its verdict says. Users
for whom all of that is the same see the same card; nothing else of a form is kept.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from markupsafe import Markup

from .cards import Shown
from .checks.findings import Verdict
from .offering import Card

MOST_CHARACTERS = 20_000_000
"""Of all cards that are kept; the one that was not shown for longest goes first."""

_Once: TypeAlias = Callable[[Any, dict[str, Any]], Any]

_INDENT = re.compile(r"\n\s+")
"""A third of a page, which browsers and proxies would only skip."""


@dataclass(slots=True)
class _Drawing:
    """One card as it was last shown."""

    options: Markup
    """What can be chosen with it, which no verdict changes."""
    verdict: Verdict | None
    part: Markup

    @property
    def size(self) -> int:
        """How many characters it takes."""
        return len(self.options) + len(self.part)


class Drawings:
    """Draws cards with the macros of a template, each once for as long as its verdict says the same."""

    def __init__(self, macros: Any, *, most: int = MOST_CHARACTERS) -> None:
        self._macros = macros
        self._most = most
        self._kept: OrderedDict[Card, _Drawing] = OrderedDict()
        self.size = 0
        """How many characters are kept."""

    def card(self, shown: Shown, *, once: _Once) -> Markup:
        """Return a card; `once` spares drawing what several cards have in common."""
        known = self._kept.get(shown.card)
        if known is not None and (known.verdict is shown.verdict or _words(known.verdict) == _words(shown.verdict)):
            known.verdict = shown.verdict
            self._kept.move_to_end(shown.card)
            return known.part
        profile, verdict = shown.card.profile, shown.verdict
        options = known.options if known is not None else _compact(self._macros.options(profile, once))
        drawing = _Drawing(options, verdict, _compact(self._macros.card(profile, verdict, shown.closed, options)))
        if shown.keeps:
            self._keep(shown.card, drawing)
        return drawing.part

    def _keep(self, card: Card, drawing: _Drawing) -> None:
        if (before := self._kept.pop(card, None)) is not None:
            self.size -= before.size
        self._kept[card] = drawing
        self.size += drawing.size
        while self.size > self._most:
            self.size -= self._kept.popitem(last=False)[1].size


def once_per_option() -> _Once:
    """Return a function that calls a macro once for options that are one object, as those of most hardware are."""
    results: dict[tuple[str, int], Any] = {}

    def once(macro: Any, option: dict[str, Any]) -> Any:
        key = (macro.name, id(option))
        if key not in results:
            results[key] = macro(option)
        return results[key]

    return once


def _words(verdict: Verdict | None) -> tuple[str, str] | None:
    """Return all that a card tells of a verdict."""
    return None if verdict is None else (verdict.state, verdict.sentence)


def _compact(part: str) -> Markup:
    return Markup(_INDENT.sub("\n", part))  # noqa: S704  # a macro with autoescape has made it
