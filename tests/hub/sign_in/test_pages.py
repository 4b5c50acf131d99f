"""What sign-in says: sentences that can be said again in another language, whatever names are in them."""

from collections.abc import Callable, Iterable, Iterator
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract

from genkan_hub.sign_in import pages
from genkan_hub.sign_in.pages import ADMINISTRATOR, Page, Wording
from genkan_profiles.language.packing import packed, unpacked
from genkan_profiles.language.sentences import Row, Sentence
from genkan_profiles.language.sentences import Wording as Said
from genkan_profiles.language.translations import Language

KEYCLOAK = Wording("Keycloak", "gpu-help@example.org")

PAGES = Path(pages.__file__)

NAMES = ("alice", "{who}", "{", "%s", "<b>x</b>", "../../etc", "源氏", "a\u202eb", "")

SAID: dict[str, Callable[[Wording, str], Page | Sentence]] = {
    "unavailable": lambda wording, _: wording.unavailable(),
    "not_allowed": lambda wording, name: wording.not_allowed(name, by_groups=False),
    "not_allowed_by_groups": lambda wording, name: wording.not_allowed(name, by_groups=True),
    "blocked": lambda wording, name: wording.blocked(name),
    "stale": lambda wording, _: wording.stale(),
    "cancelled": lambda wording, _: wording.cancelled(),
    "wrong_settings": lambda wording, _: wording.wrong_settings(),
    "clocks_differ": lambda wording, _: wording.clocks_differ(-1500),
    "unusable_name": lambda wording, name: wording.unusable_name(name),
    "unconfirmed_address": lambda wording, name: wording.unconfirmed_address(name),
    "name_of_another": lambda wording, name: wording.name_of_another(name),
    "session_over": lambda wording, _: wording.session_over(),
    "never_signed_in": lambda wording, _: wording.never_signed_in(),
    "no_longer_allowed": lambda wording, _: wording.no_longer_allowed(),
    "unconfirmed": lambda wording, _: wording.unconfirmed(),
}


class Marked(NullTranslations):
    """Marks all that is translated."""

    def gettext(self, message: str) -> str:
        return f"«{message}»"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"«{msgid1 if n == 1 else msgid2}»"


ELSEWHERE = Language("xx", Marked())


def flattened(texts: Iterable[str | tuple[str, ...]]) -> Iterator[str]:
    for text in texts:
        yield from (text,) if isinstance(text, str) else text


def wordings(text: Any) -> Iterator[str]:
    """Yield the texts of which a sentence is made."""
    match getattr(text, "made_of", None):
        case Said(text=one, values=values):
            yield one
            for value in values.values():
                yield from wordings(value)
        case Row(parts=parts):
            for part in parts:
                yield from wordings(part)
        case _:
            pass  # A name or a number.


def sentences(said: Page | Sentence) -> Iterator[Sentence]:
    if isinstance(said, Page):
        yield said.title
        yield said.sentence
    else:
        yield said


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("what", SAID)
def test_all_that_is_said_can_be_said_in_another_language(what: str, name: str) -> None:
    for sentence in sentences(SAID[what](KEYCLOAK, name)):
        elsewhere = ELSEWHERE.say(sentence)
        assert elsewhere.startswith("«")
        assert elsewhere.endswith("»")
        assert elsewhere.replace("«", "").replace("»", "") == sentence
        assert unpacked(packed(sentence)) == sentence


def test_every_text_is_among_those_that_are_looked_at() -> None:
    methods = {name for name, value in vars(Wording).items() if callable(value) and not name.startswith("_")}
    assert {name.removesuffix("_by_groups") for name in SAID} == methods


def test_texts_stand_where_they_can_be_collected_for_translation() -> None:
    """Each is written out in the call that makes it a sentence: collecting does not run the code."""
    with PAGES.open("rb") as file:
        collected = {text for _, text, _, _ in extract("python", file, keywords={"say": None, "say_number": (1, 2)})}
    texts = set(flattened(collected))
    for make in SAID.values():
        for sentence in sentences(make(KEYCLOAK, "alice")):
            assert set(wordings(sentence)) <= texts


def test_whoever_is_named_by_nobody_is_an_administrator_in_every_language() -> None:
    said = Wording("Keycloak").wrong_settings().sentence
    assert "Tell an administrator: the hub's log has the details." in said
    assert f"Tell «{ADMINISTRATOR}»:" in ELSEWHERE.say(said)
    assert "Tell gpu-help@example.org:" in ELSEWHERE.say(KEYCLOAK.wrong_settings().sentence)


@pytest.mark.parametrize(
    ("seconds", "words"), [(1500, "25 minutes"), (-301, "5 minutes"), (60, "a minute"), (1, "a minute")]
)
def test_how_far_clocks_are_apart_is_told_in_minutes(seconds: float, words: str) -> None:
    assert f"are {words} apart" in KEYCLOAK.clocks_differ(seconds).sentence
