import copy
import json
import pickle

from genkan_profiles.language.sentences import NOTHING, Sentence, enumerated, say, say_number, together
from genkan_profiles.language.translations import Language


class Shouted:
    """Translates every text to capital letters, with its braces left alone."""

    @staticmethod
    def gettext(text: str) -> str:
        return "".join(part if "{" in part else part.upper() for part in text.split("|"))

    @classmethod
    def ngettext(cls, one: str, many: str, number: int) -> str:
        return cls.gettext(one if number == 1 else many)


LOUD = Language("xx", Shouted(), between_sentences="", between_names="/")  # type: ignore[arg-type]  # as far as it is used


def test_a_sentence_is_its_english_text() -> None:
    found = say("{name} is full.", name="A disk")

    assert found == "A disk is full."
    assert json.dumps({"sentence": found}) == '{"sentence": "A disk is full."}'
    assert f"{found} So it is." == "A disk is full. So it is."
    assert not NOTHING


def test_a_sentence_is_said_again_with_its_values() -> None:
    inner = say("cards")
    found = say("all |{what}| in |{place}", what=inner, place=Sentence.quoted("a <name> {x}"))

    assert found == "all |cards| in |a <name> {x}"
    assert LOUD.say(found) == "ALL CARDS IN a <name> {x}"


def test_words_follow_a_number() -> None:
    one, two = (say_number("{count}| card", "{count}| cards", count, count=count) for count in (1, 2))

    assert (one, two) == ("1| card", "2| cards")
    assert (LOUD.say(one), LOUD.say(two)) == ("1 CARD", "2 CARDS")


def test_rows_have_the_marks_of_their_language() -> None:
    found = together([say("first."), NOTHING, "Quoted.", enumerated(["a", say("b")])])

    assert found == "first. Quoted. a, b"
    assert LOUD.say(found) == "FIRST.Quoted.a/B"


def test_texts_of_others_are_the_same_in_all_languages() -> None:
    assert LOUD.say("as it is") == "as it is"
    assert LOUD.say(Sentence("as it is")) == "as it is"


def test_a_copy_can_still_be_translated() -> None:
    found = say("full|{what}", what=say("y"))

    for copied in (copy.deepcopy(found), copy.copy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301  # our own
        assert copied == found
        assert LOUD.say(copied) == "FULLY"
