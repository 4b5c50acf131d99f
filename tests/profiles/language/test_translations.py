"""Everything that Genkan tells users is there in each language, with the same things in its braces."""

import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from tools.messages import NotFoundError, Text, in_code, merged, read, texts

from genkan_profiles.language.negotiation import preferred
from genkan_profiles.language.sentences import enumerated, say, say_number, together
from genkan_profiles.language.translations import ENGLISH, LANGUAGES, language

TRANSLATED = [code for code in LANGUAGES if code != ENGLISH]
JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
THE_SAME = {
    "Compute Capability",
    "GPU",
    "GPU {index}:",
    "({hardware})",
    "{what}{size}",
    "{day} {time} UTC",
    "{used} / {size} GB",
    "{card} ({part})",
    "{value} %",
}
"""What Japanese leaves as it is."""


def names(text: str) -> list[str]:
    """Return what stands in the braces of a text."""
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name is not None})


def both(message: Message) -> tuple[str, str]:
    """Return a text and its translation; of texts that depend on a number those for many."""
    text = message.id if isinstance(message.id, str) else message.id[-1]
    said = message.string or ""
    return text, said if isinstance(said, str) else said[-1]


@pytest.mark.parametrize("code", TRANSLATED)
def test_each_text_has_its_translation_and_there_are_no_others(code: str) -> None:
    shipped = {message.id: message.string for message in read(code) if message.id}
    wanted = {message.id: message.string for message in merged(code) if message.id}
    assert shipped == wanted, "Run `make messages`, and translate what is new."
    assert [text for text, said in map(both, (one for one in read(code) if one.id)) if not said] == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_translations_have_the_same_in_their_braces(code: str) -> None:
    pairs = [both(message) for message in read(code) if message.id]
    assert [text for text, said in pairs if names(text) != names(said)] == []
    assert [text for text, said in pairs if bool(text[:1] == " ") != bool(said[:1] == " ")] == []


def test_japanese_is_japanese() -> None:
    pairs = [both(message) for message in read("ja") if message.id]
    assert {said for _, said in pairs if not JAPANESE.search(said)} == THE_SAME
    assert [said for text, said in pairs if text.endswith((".", "?")) and not said.endswith(("。", "…"))] == []


def test_texts_are_found_wherever_they_are_said() -> None:
    found = {(text.one, text.many) for text in texts()}
    assert ("The server is being created.", "") in found
    assert ("{number} CPU", "{number} CPUs") in found
    assert ("Last news from the cluster: {seconds} seconds ago", "") in found
    assert ("Cancel", "") in found


def test_a_text_that_is_said_from_elsewhere_is_refused(tmp_path: Path) -> None:
    assert in_code('def f():\n    text = "One"\n    return say(text)', "a.py") == [Text("One", "", "a.py")]
    with pytest.raises(NotFoundError, match=r"a\.py, line 2"):
        in_code("def f(text):\n    return say(text)", "a.py")


def test_sentences_are_said_in_japanese() -> None:
    reader = preferred("ja,en;q=0.5")
    cores = say("{number} {things}", number=4, things=say_number("CPU core", "CPU cores", 4))
    sentence = together([say("Only this: {what}", what="x"), say("One server")])
    assert reader.say(cores) == "4個のCPUコア"
    assert reader.say(enumerated([cores, "A100"])) == "4個のCPUコア、A100"
    assert reader.say(sentence) == "Only this: x一つのサーバー"
    assert language("fr").say(cores) == "4 CPU cores"
