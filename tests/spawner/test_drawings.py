from typing import Any

import pytest

from genkan_profiles.language.sentences import Sentence
from genkan_spawner.cards import Shown
from genkan_spawner.checks.demand import Demand
from genkan_spawner.checks.findings import Check, Finding, State, Verdict
from genkan_spawner.checks.free import Free
from genkan_spawner.drawings import Drawings, once_per_option
from genkan_spawner.forecast import Prospect
from genkan_spawner.nearest import Suggestion
from genkan_spawner.offering import Card

DEMAND = Demand("", "hub", {"nvidia.com/gpu": 1000})


class Macros:
    """Stands for the template, and counts."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def options(self, profile: dict[str, Any], _once: object) -> str:
        self.drawn.append(f"options of {profile['slug']}")
        return "<select>\n     </select>"

    def live(self, _id: str, pill: Any, reason: str, free: Any, nearest: Any) -> str:
        self.drawn.append(" ".join(filter(None, [pill.words, reason, free and free.words, nearest and nearest.link])))
        return f"<i>{reason}</i>"

    def card(self, _id: str, profile: dict[str, Any], *rest: Any) -> str:
        *frame, live, options = rest
        self.drawn.append(profile["slug"])
        return f"<b>\n      {profile['slug']}</b>{frame}{live}{options}"


@pytest.fixture
def macros() -> Macros:
    return Macros()


def card(slug: str = "gpu") -> Card:
    return Card.of({"slug": slug})


def shown(
    card: Card,
    sentence: str | None = None,
    *,
    used: str = "1",
    state: State = State.REFUSED,
    free: Free | None = None,
    nearest: Suggestion | None = None,
) -> Shown:
    if sentence is None:
        return Shown(card)
    verdict = Verdict.of([Finding(Check.FIT, state, Sentence.quoted(sentence), used=used)])
    return Shown(card, Prospect(DEMAND, verdict, free), nearest)


def free(*machines: tuple[int, int]) -> Free:
    rows = [row[0] for row in machines]
    return Free("nvidia.com/gpu", machines, sum(rows), sum(row[1] for row in machines), max(rows))


def draw(drawings: Drawings, *cards: Shown) -> list[str]:
    once = once_per_option()
    return [str(drawings.card(one, once=once)) for one in cards]


def test_a_card_is_drawn_once_for_as_long_as_the_same_is_said_of_it(macros: Macros) -> None:
    drawings, gpu = Drawings(macros), card()
    frame = "[True, False, True]"

    pages = [
        draw(drawings, found)
        for found in (shown(gpu, "Full."), shown(gpu, "Full."), shown(gpu, "Full.", used="2"), shown(gpu, "Gone."))
    ]

    assert [page[0] for page in pages] == [f"<b>\ngpu</b>{frame}<i>Full.</i><select>\n</select>"] * 3 + [
        f"<b>\ngpu</b>{frame}<i>Gone.</i><select>\n</select>"
    ]
    assert macros.drawn == ["options of gpu", "gpu", "No room now Full.", "No room now Gone."]


def test_what_is_free_and_what_would_start_instead_are_drawn_anew(macros: Macros) -> None:
    drawings, gpu = Drawings(macros), card()
    other = Suggestion((("profile", "cpu"),), Sentence.quoted("CPU starts now"))
    for found in (
        shown(gpu, "Full.", free=free((1, 4))),
        shown(gpu, "Full.", free=free((0, 4))),
        shown(gpu, "Full.", free=free((0, 4)), nearest=other),
    ):
        draw(drawings, found)

    assert macros.drawn[2:] == [
        "No room now Full. 1 of 4 free",
        "No room now Full. 0 of 4 free",
        "No room now Full. 0 of 4 free ?opt-profile=cpu",
    ]


def test_the_state_alone_makes_a_difference_and_so_does_its_lack(macros: Macros) -> None:
    drawings, gpu = Drawings(macros), card()
    for found in (shown(gpu, "", state=State.READY), shown(gpu, "", state=State.WAITS), shown(gpu), shown(gpu)):
        draw(drawings, found)

    assert macros.drawn == ["options of gpu", "gpu", "Starts now", "Waits for room", "options of gpu", "gpu"]


def test_cards_that_look_alike_are_not_the_same_card(macros: Macros) -> None:
    draw(Drawings(macros), shown(card()), shown(card()))

    assert macros.drawn == ["options of gpu", "gpu"] * 2


def test_what_is_kept_is_bounded_and_the_longest_unused_goes_first(macros: Macros) -> None:
    cards = [shown(card(f"gpu-{number}")) for number in range(10)]
    size = sum(len(part) for part in draw(Drawings(macros), cards[0]))
    drawings = Drawings(macros, most=3 * size)
    draw(drawings, *cards)
    assert drawings.size == 3 * size
    macros.drawn.clear()

    draw(drawings, cards[7], cards[8], cards[0], cards[7], cards[8], cards[9])

    assert macros.drawn == ["options of gpu-0", "gpu-0", "options of gpu-9", "gpu-9"]
    draw(drawings, *(shown(cards[7].card, str(number)) for number in range(10)))
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
