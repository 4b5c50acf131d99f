"""What the cards of a profile form say, read from the page."""

import html
import re
from dataclasses import dataclass

_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class CardText:
    """One card: what is said of its start."""

    tone: str
    pill: str
    reason: str
    instead: str
    """What would start in its place; empty where nothing is named."""
    free: str

    @property
    def state(self) -> str:
        """The state of the verdict."""
        return {"ok": "ready", "warn": "ready", "wait": "waits", "no": "refused", "unknown": "unknown"}[self.tone]


def card_text(page: object, slug: str) -> CardText:
    """Read a card on a page, of which something must be foreseen."""
    _, found, rest = str(page).partition(f'id="profile-item-{slug}-live">')
    assert found, f"Nothing is said of {slug} on the page."
    live = rest[: rest.index("<!--end-->")]
    return CardText(
        tone=_one(r'data-tone="(\w+)"', live),
        pill=_one(r'class="genkan-pill"[^>]*>(.*?)</span>', live),
        reason=_one(r'class="genkan-reason">(.*?)</span>', live),
        instead=_one(r'class="genkan-instead"[^>]*>(.*?)</a>', live),
        free=_one(r'class="genkan-count">(.*?)</span>', live),
    )


def _one(shape: str, text: str) -> str:
    found = re.search(shape, text, re.DOTALL)
    return " ".join(html.unescape(_TAG.sub("", found[1])).split()) if found else ""
