import string
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles.exceptions import Position
from genkan_profiles.yaml_tree import MAX_NODES, TreeError, parse_tree

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


def value(text: str) -> object:
    tree = parse_tree(text)
    assert tree is not None
    return tree.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1", {"a": 1}),
        ("a: -0x1F", {"a": "-0x1F"}),
        ("a: 0x1F", {"a": 31}),
        ("a: 0o17", {"a": 15}),
        ("a: 010", {"a": 10}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 1e999", {"a": "1e999"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: yes", {"a": "yes"}),
        ("a: true", {"a": True}),
        ("a: 'true'", {"a": "true"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-01-31", {"a": "2026-01-31"}),
        ("a: 535.104.05", {"a": "535.104.05"}),
        ("443: a", {"443": "a"}),
        ("a: !!str 4", {"a": "4"}),
        ("[1, [2]]", [1, [2]]),
        ("\ufeffa: 1", {"a": 1}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}", {"a": {"k": 1, "l": 2}, "b": {"l": 3, "k": 1}}),
        ("a: &x {k: 1}\nb: {<<: [*x, {m: 2}]}", {"a": {"k": 1}, "b": {"k": 1, "m": 2}}),
        ("'<<': 1", {"<<": 1}),
    ],
)
def test_words_mean_what_yaml_1_2_says(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", "---\n", "--- \n...\n", "~"])
def test_nothing_is_none(text: str) -> None:
    assert parse_tree(text) is None


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("a: 1\nb:\n\tc: 2", (3, 1), "A tab stands here; YAML indents with spaces."),
        ("a: 1\nb: 2\na: 3", (3, 1), "The key 'a' is already in line 1."),
        ("a: 1\n---\nb: 2", (2, 1), "A second YAML document starts here; only one is read."),
        ("a: [*b]", (1, 5), "There is no anchor &b above this alias."),
        ("a: &a [*a]", (1, 8), "The alias *a stands within its own anchor."),
        ("? [a]\n: b", (1, 3), "A key must be plain text."),
        ("a: !!python/name:os.system x", (1, 4), "Explicit types such as 'tag:yaml.org,2002:python/name:os.system' "),
        ("a: !!int 3", (1, 4), "Explicit types such as 'tag:yaml.org,2002:int' are not read."),
        ("<<: 3", (1, 5), "`<<` takes a mapping, or a list of mappings."),
        ("ä: 1\nb: \x07", (2, 4), "A control character stands here, which YAML does not allow."),
        ("a: \x00", (1, 4), "A control character stands here, which YAML does not allow."),
        ("a: [1,\n", (2, 1), "This is not valid YAML: "),
        ("a: 'x", (1, 6), "This is not valid YAML: "),
        ("a: b: c", (1, 5), "This is not valid YAML: "),
        ("[" * 200_000, (1, 52), "Values are nested more than 50 levels deep here."),
        (BOMB, (5, 12), f"The document holds more than {MAX_NODES:,} values."),
        ("- x\n" * 200_000, (20_000, 3), "The document holds more than 20,000 values."),
        (f"a: &a {'x' * 50_000}\nb: [{'*a, ' * 1000}]", (2, 161), "The document holds more than 20,000 values."),
    ],
    ids=lambda part: part[:30] if isinstance(part, str) else None,
)
def test_what_is_no_document_is_refused_at_its_place(text: str, place: tuple[int, int], sentence: str) -> None:
    with pytest.raises(TreeError) as refused:
        parse_tree(text)

    assert refused.value.sentence.startswith(sentence)
    assert refused.value.position == Position(*place)


def test_values_and_keys_know_their_places() -> None:
    tree = parse_tree("a:\n  - x: 1\n    yy: [2, 3]\n")
    assert tree is not None

    row = tree.children["a"].children[0]
    assert row.position == Position(2, 5)
    assert row.keys == {"x": Position(2, 5), "yy": Position(3, 5)}
    assert row.children["yy"].children[1].position == Position(3, 13)


def place_of_refusal(text: str) -> Position | None:
    try:
        parse_tree(text)
    except TreeError as error:
        return error.position
    return None


@given(st.text(alphabet=string.printable + "äé\u2028\U0001f600\ufeff&*!<>%@`|\t", max_size=60))
def test_any_text_is_a_tree_or_refused(text: str) -> None:
    place = place_of_refusal(text)

    assert place is None or (place.line >= 1 and place.column >= 1)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
@pytest.mark.parametrize(
    "text", [r'a: "\ud83d\ude00"', r'{"a": "x \uD83D"}', r'a: "\udc00 b"', r'"\uDFFF": b', 'a: "b\n  \\ud83d"']
)
def test_halves_of_characters_are_refused_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, loader: Any, text: str
) -> None:
    monkeypatch.setattr("genkan_profiles.yaml_tree._Loader", loader)

    with pytest.raises(TreeError) as refused:
        parse_tree(text)

    assert refused.value.sentence == (
        r"\ud800 to \udfff are halves of a character, which only JSON puts together; "
        r"write the character itself, or its whole number, such as \U0001F600."
    )
    assert refused.value.position.line in {1, 2}


def test_what_only_looks_like_half_a_character_is_text() -> None:
    plain = parse_tree(r"""[\ud83d, '\ud83d', "\\ud83d", "\u00e9", "\U0001F600"]""")

    assert plain is not None
    assert plain.value == [r"\ud83d", r"\ud83d", r"\ud83d", "é", "\U0001f600"]
