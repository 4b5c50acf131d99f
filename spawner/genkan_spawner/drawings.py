"""Cards as parts of a page, kept between forms, for each language by itself.

A card is kept by what it is made of: a profile of one list with one earlier choice, and what is said of it. Users for
whom all of that is the same see the same card; nothing else of a form is kept.
"""

import functools
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlencode

from markupsafe import Markup

from genkan_profiles.language.translations import Language, language

from .cards import Shown
from .counts import FreeMarks
from .nearest import Suggestion
from .offering import Card
from .pills import pill_of
from .templating import own_templates

MOST_CHARACTERS = 20_000_000
"""Of all cards that are kept in one language; the one that was not shown for longest goes first."""

_Once: TypeAlias = Callable[[Any, dict[str, Any]], Any]

_INDENT = re.compile(r"\n\s+")
"""A third of a page, which browsers and proxies would only skip."""

_LIVE = Markup("<!--live-->")
"""Stands in a card for what goes with the cluster."""


@dataclass(slots=True)
class _Drawing:
    """One card as it was last shown."""

    frame: tuple[bool, bool, bool]
    """What the parts around it depend on."""
    before: Markup
    after: Markup
    said: object
    """What the part between says."""
    live: Markup

    @property
    def size(self) -> int:
        """How many characters it takes."""
        return len(self.before) + len(self.live) + len(self.after)


class Drawings:
    """Draws cards with the macros of a template, each once for as long as nothing else is said of it."""

    def __init__(self, macros: Any, *, most: int = MOST_CHARACTERS) -> None:
        self._macros = macros
        self._most = most
        self._kept: OrderedDict[Card, _Drawing] = OrderedDict()
        self.size = 0
        """How many characters are kept."""

    def card(self, shown: Shown, *, once: _Once) -> Markup:
        """Return a card; `once` spares drawing what several cards have in common."""
        drawing = self._drawing(shown, once=once)
        return drawing.before + drawing.live + drawing.after

    def live(self, shown: Shown) -> Markup:
        """Return the part of a card that goes with the cluster."""
        return self._drawing(shown, once=once_per_option()).live

    def _drawing(self, shown: Shown, *, once: _Once) -> _Drawing:
        known = self._kept.get(shown.card)
        said = _said(shown)
        frame = shown.prospect is not None, shown.closed, shown.refused
        if known is None or known.frame != frame:
            whole = self._whole(shown, *frame, once=once)
            before, _, after = (Markup(part) for part in whole.partition(_LIVE))  # noqa: S704  # a macro has made it
            known = _Drawing(frame, before, after, said, self._live(shown))
        elif known.said != said:
            known = _Drawing(frame, known.before, known.after, said, self._live(shown))
        else:
            self._kept.move_to_end(shown.card)
            return known
        if shown.keeps:
            self._keep(shown.card, known)
        return known

    def _whole(self, shown: Shown, *frame: bool, once: _Once) -> Markup:
        card = shown.card
        options = self._macros.options(card.profile, once)
        return _compact(self._macros.card(_id(card), card.profile, *frame, _LIVE, options))

    def _live(self, shown: Shown) -> Markup:
        prospect = shown.prospect
        if prospect is None:
            return Markup()
        free = FreeMarks.of(prospect.free) if prospect.free is not None else None
        nearest = _Instead(shown.nearest) if shown.nearest is not None else None
        pill, reason = pill_of(prospect.verdict), prospect.verdict.sentence
        return _compact(self._macros.live(_id(shown.card), pill, reason, free, nearest))

    def _keep(self, card: Card, drawing: _Drawing) -> None:
        if (before := self._kept.pop(card, None)) is not None:
            self.size -= before.size
        self._kept[card] = drawing
        self.size += drawing.size
        while self.size > self._most:
            self.size -= self._kept.popitem(last=False)[1].size


class _Instead:
    """What would start instead, as a link that works without JavaScript and a choice for the script."""

    def __init__(self, suggestion: Suggestion) -> None:
        self.words = suggestion.words
        self.link = "?" + urlencode([(f"opt-{name}", value) for name, value in suggestion.options])
        self.choice = json.dumps(dict(suggestion.options))


@functools.cache
def drawings(reader: Language) -> Drawings:
    """Return what is kept in one language."""
    return Drawings(own_templates(reader).get_template("card.html").module)


drawings(language("en"))
# Compiled while the hub starts, which takes longer than any form may hold it up.


def once_per_option() -> _Once:
    """Return a function that calls a macro once for options that are one object, as those of most hardware are."""
    results: dict[tuple[str, int], Any] = {}

    def once(macro: Any, option: dict[str, Any]) -> Any:
        key = (macro.name, id(option))
        if key not in results:
            results[key] = macro(option)
        return results[key]

    return once


def _id(card: Card) -> str:
    return f"profile-item-{card.slug}"


def _said(shown: Shown) -> object:
    """Return all that the live part tells."""
    prospect = shown.prospect
    if prospect is None:
        return None
    verdict = prospect.verdict
    return (pill_of(verdict), verdict.sentence, prospect.free, shown.nearest)


def _compact(part: str) -> Markup:
    return Markup(_INDENT.sub("\n", part))  # noqa: S704  # a macro with autoescape has made it
