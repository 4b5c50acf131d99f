from typing import Any

import pytest

from genkan_spawner.cards import Shown
from genkan_spawner.checks.findings import Check, Finding, State, Verdict
from genkan_spawner.drawings import Drawings, once_per_option
from genkan_spawner.offering import Card


class Macros:
    """Stands for the template, and counts."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def options(self, profile: dict[str, Any], _once: object) -> str:
        self.drawn.append(f"options of {profile['slug']}")
        return "<select>\n     </select>"

    def card(self, profile: dict[str, Any], verdict: Verdict | None, _closed: object, options: str) -> str:
        self.drawn.append(profile["slug"])
        return f"<b>\n      {profile['slug']}</b>{verdict.sentence if verdict else ''}{options}"


@pytest.fixture
def macros() -> Macros:
    return Macros()


def card(slug: str = "gpu") -> Card:
    return Card.of({"slug": slug})


def verdict(sentence: str, *, used: str = "1", state: State = State.REFUSED) -> Verdict:
    return Verdict.of([Finding(Check.FIT, state, sentence, used=used)])


def draw(drawings: Drawings, *cards: Shown) -> list[str]:
    once = once_per_option()
    return [str(drawings.card(shown, once=once)) for shown in cards]


def test_a_card_is_drawn_once_for_as_long_as_its_verdict_says_the_same(macros: Macros) -> None:
    drawings, gpu = Drawings(macros), card()

    pages = [
        draw(drawings, Shown(gpu, found))
        for found in (verdict("Full."), verdict("Full."), verdict("Full.", used="2"), verdict("Gone."))
    ]

    assert [page[0] for page in pages] == ["<b>\ngpu</b>Full.<select>\n</select>"] * 3 + [
        "<b>\ngpu</b>Gone.<select>\n</select>"
    ]
    assert macros.drawn == ["options of gpu", "gpu", "gpu"]


def test_the_state_alone_makes_a_difference_and_so_does_its_lack(macros: Macros) -> None:
    drawings, gpu = Drawings(macros), card()
    for found in (verdict("", state=State.READY), verdict("", state=State.WAITS), None, None):
        draw(drawings, Shown(gpu, found))

    assert macros.drawn == ["options of gpu", "gpu", "gpu", "gpu"]


def test_cards_that_look_alike_are_not_the_same_card(macros: Macros) -> None:
    draw(Drawings(macros), Shown(card()), Shown(card()))

    assert macros.drawn == ["options of gpu", "gpu"] * 2


def test_what_is_kept_is_bounded_and_the_longest_unused_goes_first(macros: Macros) -> None:
    cards = [Shown(card(f"gpu-{number}")) for number in range(10)]
    size = sum(len(part) for part in draw(Drawings(macros), cards[0])) + len("<select>\n</select>")
    drawings = Drawings(macros, most=3 * size)
    draw(drawings, *cards)
    assert drawings.size == 3 * size
    macros.drawn.clear()

    draw(drawings, cards[7], cards[8], cards[0], cards[7], cards[8], cards[9])

    assert macros.drawn == ["options of gpu-0", "gpu-0", "options of gpu-9", "gpu-9"]
    draw(drawings, *(Shown(cards[7].card, verdict(str(number))) for number in range(10)))
    assert drawings.size <= 3 * size


def test_a_card_that_never_comes_again_is_not_kept(macros: Macros) -> None:
    drawings = Drawings(macros)
    draw(drawings, Shown(card(), keeps=False))

    assert drawings.size == 0


def test_what_cards_have_in_common_is_made_once() -> None:
    calls: list[dict[str, Any]] = []

    def macro(option: dict[str, Any]) -> str:
        calls.append(option)
        return "made"

    macro.name = "macro"  # type: ignore[attr-defined]  # as a macro of Jinja has
    once, first, second = once_per_option(), {"a": 1}, {"a": 1}

    assert [once(macro, option) for option in (first, second, first)] == ["made"] * 3
    assert [row is first for row in calls] == [True, False]
