import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from genkan_profiles.documents import load_document, parse_document
from genkan_profiles.exceptions import DocumentError
from genkan_profiles.names import LabelKey, Name
from genkan_profiles.reading import MAX_BYTES
from genkan_profiles.violations import Violation, path_text, raise_violations

from ..support.users import ordinary_user


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Circle(Strict):
    kind: Literal["circle"]
    radius: float = Field(gt=0)


class Square(Strict):
    kind: Literal["square"]
    side: float


class Part(Strict):
    name: Name
    count: int = Field(default=1, ge=0, le=9)
    colour: Colour = Colour.RED
    labels: dict[LabelKey, str] = Field(default_factory=dict)
    tags: tuple[str, ...] = Field(default=(), max_length=2)
    shape: Annotated[Circle | Square, Field(discriminator="kind")] | None = None


class Machine(Strict):
    title: str
    on: bool = False
    parts: tuple[Part, ...] = ()
    spare: Part | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [part.name for part in self.parts]
        raise_violations(
            "Machine",
            [
                Violation(("parts", index, "name"), f"{name!r} is taken.", ("another",))
                for index, name in enumerate(names)
                if name in names[:index]
            ],
        )
        return self


def refusal(text: str) -> DocumentError | None:
    try:
        parse_document(text, Machine, source="m.yaml")
    except DocumentError as error:
        return error
    return None


def problems(text: str) -> list[str]:
    error = refusal(text)
    return [] if error is None else [str(problem) for problem in error.problems]


def test_a_right_document_becomes_the_model() -> None:
    text = "title: Loom\nparts:\n- {name: a, colour: green, shape: {kind: circle, radius: 2}}\n"

    machine = parse_document(text, Machine, source="m.yaml")

    assert machine.parts[0].colour is Colour.GREEN
    assert machine.parts[0].shape == Circle(kind="circle", radius=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on: true", "1:1: title: This field is missing."),
        ("title: 13.4", '1:8: title: This must be text, not 13.4; put it in quotes: "13.4".'),
        ("title: true", '1:8: title: This must be text, not true; put it in quotes: "true".'),
        ("title: [a]", "1:8: title: This must be text, not a list."),
        ("title:", "1:7: title: This must be text, not nothing."),
        ("title: t\non: 1", "2:5: on: This must be true or false, not 1."),
        ("title: t\non: 'true'", "2:5: on: This must be true or false, not 'true'."),
        ("title: t\nparts: a", "2:8: parts: This must be a list, not 'a'."),
        ("title: t\nparts: [a]", "2:9: parts[0]: This must be a mapping of fields to values, not 'a'."),
        ("- title: t", "1:1: This must be a mapping of fields to values, not a list."),
        ("text", "1:1: This must be a mapping of fields to values, not 'text'."),
        ("title: t\nspare: {name: a, count: 2.5}", "2:25: spare.count: This must be a whole number, not 2.5."),
        ("title: t\nspare: {name: a, count: '2'}", "2:25: spare.count: This must be a whole number, not '2'."),
        ("title: t\nspare: {name: a, count: 10}", "2:25: spare.count: This must be at most 9, not 10."),
        ("title: t\nspare: {name: a, count: -1}", "2:25: spare.count: This must be at least 0, not -1."),
        (
            "title: t\nspare:\n  name: a\n  colour: gren",
            (
                "4:11: spare.colour: 'gren' is not one of the values that may stand here; did you mean 'green'? "
                "(allowed: red, green)"
            ),
        ),
        (
            "title: t\nspare:\n  nmae: a\n  name: b",
            (
                "3:3: spare.nmae: There is no field 'nmae' here; did you mean 'name'? "
                "(allowed: name, count, colour, labels, tags, shape)"
            ),
        ),
        (
            "title: t\ncolor: a",
            "2:1: color: There is no field 'color' here. (allowed: title, on, parts, spare)",
        ),
        (
            "title: t\nspare: {name: a, labels: {b/c/d: x}}",
            (
                "2:27: spare.labels[\"b/c/d\"]: 'b/c/d' cannot stand here: a label's key is a name of at most 63 "
                "characters, after a domain and a slash if there is one."
            ),
        ),
        (
            "title: t\nspare: {name: a, labels: {d.e/f: 1}}",
            '2:34: spare.labels["d.e/f"]: This must be text, not 1; put it in quotes: "1".',
        ),
        (
            "title: t\nspare: {name: a, tags: [a, b, c]}",
            "2:24: spare.tags: This must have at most 2 entries, not 3.",
        ),
        (
            "title: t\nspare: {name: a, shape: {kind: circle, radius: 0}}",
            "2:48: spare.shape.radius: This must be more than 0, not 0.",
        ),
        (
            "title: t\nspare: {name: a, shape: {kind: circle, side: 1, radius: 1}}",
            "2:40: spare.shape.side: There is no field 'side' here. (allowed: kind, radius)",
        ),
        (
            "title: t\nparts:\n- name: a\n- name: a",
            "4:9: parts[1].name: 'a' is taken. (allowed: another)",
        ),
        ("title: t\ntitle: u", "2:1: The key 'title' is already in line 1."),
    ],
)
def test_a_problem_names_place_way_and_what_is_allowed(text: str, expected: str) -> None:
    assert problems(text) == [f"m.yaml:{expected}"]


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = "parts:\n- {name: a, count: x}\n- {colour: blue}\n- {name: B}\ntitel: t\n"

    assert [line.split(": ")[0:2] for line in problems(text)] == [
        ["m.yaml:1:1", "title"],
        ["m.yaml:2:20", "parts[0].count"],
        ["m.yaml:3:3", "parts[1].name"],
        ["m.yaml:3:12", "parts[1].colour"],
        ["m.yaml:4:10", "parts[2].name"],
        ["m.yaml:5:1", "titel"],
    ]


def test_faults_of_one_model_are_told_at_once() -> None:
    assert len(problems("title: t\nparts: [{name: a}, {name: a}, {name: a}]")) == 2


def test_a_list_of_rows_can_be_a_document() -> None:
    class Parts(RootModel[tuple[Part, ...]]):
        pass

    with pytest.raises(DocumentError, match=r"p\.yaml:1:13: \[0\]\.nmae: There is no field 'nmae' here.*allowed: name"):
        parse_document("- {name: a, nmae: b}", Parts, source="p.yaml")


def test_the_text_of_an_error_is_bounded() -> None:
    with pytest.raises(DocumentError) as refused:
        parse_document("title: t\nparts:\n" + "- {}\n" * 500, Machine, source="m.yaml")

    assert len(refused.value.problems) == 500
    assert len(str(refused.value).splitlines()) == 101
    assert str(refused.value).endswith("... and 400 more.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ": The file holds nothing."),
        (b"# nothing\n", ": The file holds nothing."),
        (b"title: ok\non: \xff", ":2:5: This byte is not UTF-8; save the file as UTF-8."),
        ("title: ok".encode("utf-16"), ":1:1: This byte is not UTF-8; save the file as UTF-8."),
        (b"x" * (MAX_BYTES + 1), ": The file is larger than 1024 KiB, the most that is read."),
        (b"title: a\n\tb: c", ":2:1: A tab stands here; YAML indents with spaces."),
    ],
    ids=["empty", "comment", "latin-1", "utf-16", "large", "tab"],
)
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(content)

    with pytest.raises(DocumentError) as refused:
        load_document(file, Machine)

    assert str(refused.value) == f"{file}{expected}"


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(b"\xef\xbb\xbftitle: t\r\non: true\r\n")

    assert load_document(file, Machine).on


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    expected = {
        tmp_path: "This is a directory, not a file.",
        tmp_path / "pipe": "This is no ordinary file.",
        tmp_path / "gone.yaml": "There is no such file.",
        tmp_path / ("x" * 300): "This file cannot be read: File name too long.",
        tmp_path / "a\0b": "This file cannot be read: its name is not valid.",
        loop: "This file cannot be read: Too many levels of symbolic links.",
    }
    for path, sentence in expected.items():
        with pytest.raises(DocumentError) as refused:
            load_document(path, Machine)
        assert str(refused.value) == f"{path}: {sentence}"


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.touch(mode=0o000)

    with ordinary_user(), pytest.raises(DocumentError, match="may not be read by the user"):
        load_document(file, Machine)


@pytest.mark.parametrize(
    ("location", "text"),
    [((), ""), (("a", 2, "b-c"), "a[2].b-c"), (("a", "x.y/z", "b"), 'a["x.y/z"].b'), ((0,), "[0]")],
)
def test_a_way_is_written_as_people_do(location: tuple[str | int, ...], text: str) -> None:
    assert path_text(location) == text


TREES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["red", "circle"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["title", "parts", "spare", "name", "count", "shape", "kind", "labels", "?"]), inner
        )
    ),
    max_leaves=12,
)


@given(TREES)
def test_any_data_is_the_model_or_refused_at_its_place(tree: Any) -> None:
    error = refusal(yaml.safe_dump(tree, allow_unicode=True))

    for problem in error.problems if error else ():
        assert problem.position is not None or problem.sentence == "The file holds nothing."
        assert problem.sentence.endswith((".", "?"))
