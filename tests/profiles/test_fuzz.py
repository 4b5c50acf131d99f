import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from genkan_profiles import BUILT_IN, SAMPLE, Catalogue, DocumentError, Problem, load_catalogue
from genkan_profiles.documents import parse_document
from genkan_profiles.reading import MAX_BYTES

from ..support.catalogues import Document, as_blocks, as_json, documents
from ..support.hostile_texts import TEXTS
from ..support.mutations import at

MOST_SECONDS = 3
"""Of the processor's time, of which the worst takes a third on a quiet machine: a shared core counts for less."""
MOST_CHARACTERS = 100_000
SENTENCES = (".", "?", ")")


def problems(content: bytes | str) -> tuple[Problem, ...]:
    """What is wrong with it, told in time and in whole sentences; any other exception fails the test."""
    began = time.thread_time()
    try:
        parse_document(content, Catalogue, source="c.yaml")
    except DocumentError as error:
        found, text = error.problems, str(error)
    else:
        found, text = (), ""
    assert len(text) < MOST_CHARACTERS
    assert time.thread_time() - began < MOST_SECONDS
    assert all(problem.sentence.endswith(SENTENCES) for problem in found)
    return found


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_text_takes_long_or_is_a_traceback(text: str) -> None:
    assert len(text.encode()) <= MAX_BYTES, "more is not read at all"

    problems(text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "utf-7"])
def test_other_encodings_are_told_or_do_no_harm(encoding: str) -> None:
    text = BUILT_IN.read_text().replace("Small", "大" if encoding == "shift_jis" else "Größe")

    assert problems(text.encode(encoding)) != () or encoding == "utf-7"


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 10 * MAX_BYTES, 100 * MAX_BYTES])
def test_a_large_file_is_refused_without_reading_it(tmp_path: Path, size: int) -> None:
    file = tmp_path / "c.yaml"
    file.touch()
    os.truncate(file, size)
    began = time.thread_time()

    with pytest.raises(DocumentError, match=r"The file is larger than 1024 KiB"):
        load_catalogue(file)

    assert time.thread_time() - began < MOST_SECONDS


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/proc/self/mem", "/proc/self/environ"])
def test_what_only_looks_like_a_file_is_refused(name: str) -> None:
    with pytest.raises(DocumentError):
        load_catalogue(Path(name))


PIECES = st.sampled_from(
    [
        "\t",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "*a",
        "&a ",
        "!!int ",
        "<<: ",
        '"',
        "'",
        "\n",
        "# ",
        "|",
        "---\n",
        "\0",
        "\x85",
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A shipped catalogue with some characters put in, taken out, or moved."""
    text = draw(st.sampled_from([BUILT_IN, SAMPLE])).read_text()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 12))
        pieces = st.sampled_from(
            [
                "\t",
                ":",
                "- ",
                "{",
                "}",
                "[",
                "]",
                "*a",
                "&a ",
                "!!int ",
                "<<: ",
                '"',
                "'",
                "\n",
                "# ",
                "|",
                "---\n",
                "\0",
                "\x85",
                "\ud7ff",
                "9" * 5000,
            ]
        )
        piece = draw(pieces | st.text(max_size=6) | st.just(text[start : start + 40]))
        text = text[:start] + piece + text[end:]
    return text


@settings(deadline=None)
@given(damaged())
def test_a_damaged_catalogue_is_read_or_refused_at_a_place(text: str) -> None:
    lines = text.removeprefix("\ufeff").count("\n") + text.count("\r") + text.count("\x85") + 2

    for problem in problems(text.encode("utf-8", "surrogatepass")):
        assert problem.position is not None or "larger" in problem.sentence or "nothing" in problem.sentence
        assert problem.position is None or 1 <= problem.position.line <= lines


@settings(deadline=None)
@given(st.data())
def test_damaged_bytes_are_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(SAMPLE.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    problems(bytes(content))


STRANGE: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [2**63, -(2**63), 10**39, 1e308, -0.0, 5e-324, "", "~", "\0", "{}", "{other}", "{0}", "%s", "a" * 3000]
    ),
    st.floats(),
    st.text(max_size=10),
    st.just([]),
    st.just({}),
    st.recursive(st.just("x"), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("slug"), inner)),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[key], (*path, key))


@settings(deadline=None)
@given(documents(), st.data())
def test_any_value_anywhere_is_right_or_refused_at_a_place(document: Document, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths(document))))
    at(document, path[:-1])[path[-1]] = data.draw(STRANGE)

    try:
        text = as_blocks(document)
    except (yaml.YAMLError, RecursionError):
        text = as_json(document)
    for problem in problems(text):
        assert problem.position is not None
