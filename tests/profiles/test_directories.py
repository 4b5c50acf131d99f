import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genkan_profiles import BUILT_IN, DocumentError, load_catalogue
from genkan_profiles.reading import MAX_BYTES, MAX_FILES
from genkan_profiles.yaml_tree import MAX_NODES

from ..support.catalogues import Document, as_json, documents
from ..support.users import ordinary_user

HARDWARE = "hardware:\n- {slug: %s, display_name: Small, cpu: 1, memory: 2Gi}\n"
IMAGES = 'images:\n- {slug: %s, display_name: SciPy, image: "registry.example.org/scipy:1"}\n'
PRIORITIES = "priorities:\n- {slug: %s, display_name: Normal, priority_class: normal}\n"
OWN_IMAGE = "own_image: {pattern: .+, message: Any image.}\n"


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)


def problems(directory: Path) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        load_catalogue(directory)
    return [str(problem).removeprefix(f"{directory}/") for problem in refused.value.problems]


def refusal(path: Path) -> DocumentError | None:
    try:
        load_catalogue(path)
    except DocumentError as error:
        return error
    return None


def test_lists_of_the_same_section_are_joined_in_the_order_of_names(tmp_path: Path) -> None:
    write(tmp_path, b=HARDWARE % "second" + OWN_IMAGE, a=IMAGES % "scipy" + HARDWARE % "first")
    (tmp_path / "c.yml").write_text(HARDWARE % "third")

    catalogue = load_catalogue(tmp_path)

    assert [row.slug for row in catalogue.hardware] == ["first", "second", "third"]
    assert [row.slug for row in catalogue.images] == ["scipy"]
    assert catalogue.own_image is not None


def test_a_directory_with_one_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text(BUILT_IN.read_text())

    assert load_catalogue(tmp_path) == load_catalogue(BUILT_IN)


def test_what_the_one_file_of_a_directory_lacks_is_told_of_the_directory(tmp_path: Path) -> None:
    write(tmp_path, a=HARDWARE % "small")

    assert str(refusal(tmp_path)) == f"{tmp_path}: images: This field is missing."


def test_what_is_no_document_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, a=HARDWARE % "small" + IMAGES % "scipy")
    for name in (".hidden.yaml", "README.md", "a.yaml~", "a.yaml.bak", "yaml"):
        (tmp_path / name).write_text("not: read")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "..data").symlink_to(tmp_path)

    assert len(load_catalogue(tmp_path).hardware) == 1


def test_every_problem_stands_in_its_own_file_and_counts_from_there(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=HARDWARE % "small" + IMAGES % "scipy",
        b=HARDWARE % "big" + "- {slug: huge, display_name: Huge, cpu: -1, memory: 2Gi}\n",
        c="images:\n- {slug: torch, display_name: PyTorch, image: torch, cudda: '13.0'}\n",
    )

    found = problems(tmp_path)

    assert found[0] == "b.yaml:3:41: hardware[1].cpu: This must not be negative, as -1 is."
    assert found[1].startswith("c.yaml:2:47: images[0].image: 'torch' cannot stand here")
    assert found[2].startswith("c.yaml:2:54: images[0].cudda: There is no field 'cudda' here; did you mean 'cuda'?")
    assert len(found) == 3


def test_a_name_that_two_files_give_names_both_places(tmp_path: Path) -> None:
    write(tmp_path, a=HARDWARE % "small" + IMAGES % "scipy", b="# more\n" + HARDWARE % "big", c=HARDWARE % "big")

    assert problems(tmp_path) == [
        f"c.yaml:2:10: hardware[0].slug: 'big' is already the slug of hardware[0] in {tmp_path}/b.yaml:3."
    ]


def test_two_defaults_in_two_files_name_both_places(tmp_path: Path) -> None:
    default = HARDWARE.replace("cpu: 1", "cpu: 1, default: true")
    write(tmp_path, a=default % "small" + IMAGES % "scipy", b=default % "big")

    other = f"hardware[0] in {tmp_path}/a.yaml:2"
    assert problems(tmp_path) == [
        f"b.yaml:2:53: hardware[0].default: Only one row can be the default; {other} is already."
    ]


@pytest.mark.parametrize("section", [OWN_IMAGE, "images: {}\n", "hardware:\n"])
def test_only_lists_are_joined(tmp_path: Path, section: str) -> None:
    write(tmp_path, a=HARDWARE % "small" + IMAGES % "scipy" + OWN_IMAGE, b=f"# more\n{section}")
    name = section.partition(":")[0]
    line = 1 + ["hardware", "", "images", "", "own_image"].index(name)

    assert problems(tmp_path) == [
        f"b.yaml:2:1: {name}: This is already in {tmp_path}/a.yaml:{line}; only lists are joined."
    ]


def test_a_field_that_does_not_exist_is_told_in_each_file(tmp_path: Path) -> None:
    write(tmp_path, a=HARDWARE % "small" + IMAGES % "scipy" + "image: []\n", b="image: []\n")

    assert [line.partition(";")[0] for line in problems(tmp_path)] == [
        "a.yaml:5:1: image: There is no field 'image' here",
        "b.yaml:1:1: image: There is no field 'image' here",
    ]


def test_a_section_that_no_file_has_is_a_problem_of_the_directory(tmp_path: Path) -> None:
    write(tmp_path, a=HARDWARE % "small", b=PRIORITIES % "normal")

    assert problems(tmp_path) == [f"{tmp_path}: images: This field is missing."]


def test_what_an_unreadable_file_may_hold_is_not_called_missing(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=HARDWARE % "small" + HARDWARE.removeprefix("hardware:\n") % "small",
        b="images:\n\t- {}",
        c="volumes:\n- {slug: d, display_name: D, mount_path: /d, claim: d, hardware: [big]}\n",
        d="- a\n",
        e="",
        f="priorities: [{slug: p, display_name: P, priority_class: A B}]",
    )

    assert [line.partition(" cannot stand")[0] for line in problems(tmp_path)] == [
        "a.yaml:3:10: hardware[1].slug: 'small' is already the slug of hardware[0].",
        "b.yaml:2:1: A tab stands here; YAML indents with spaces.",
        "d.yaml:1:1: This must be a mapping of fields to values, as in every file of a directory.",
        "e.yaml: The file holds nothing.",
        "f.yaml:1:57: priorities[0].priority_class: 'A B'",
    ]


def test_a_file_of_nothing_but_sound_rows_does_not_hide_an_unreadable_one(tmp_path: Path) -> None:
    write(tmp_path, a=HARDWARE % "small" + IMAGES % "scipy")
    (tmp_path / "b.yaml").symlink_to("gone.yaml")

    assert problems(tmp_path) == ["b.yaml: There is no such file."]


def test_a_directory_without_files_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "catalogue.json").write_text("{}")

    assert problems(tmp_path) == [f"{tmp_path}: No file in this directory has a name that ends in .yaml or .yml."]


def test_a_directory_of_somebody_else_is_a_problem() -> None:
    with TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        shut = Path(parent, "shut")
        shut.mkdir(mode=0o000)

        with ordinary_user():
            found = problems(shut)

    assert found == [f"{shut}: This directory cannot be read: Permission denied."]


def test_all_files_together_keep_to_the_limits_of_one(tmp_path: Path) -> None:
    large, many, deep = (tmp_path / name for name in ("large", "many", "deep"))
    for directory in (large, many, deep):
        directory.mkdir()
    write(large, **dict.fromkeys("abc", f"# {'x' * (MAX_BYTES // 2)}\nhardware: []"))
    write(many, **{f"file-{index}": "hardware: []" for index in range(MAX_FILES + 1)})
    rows = f"hardware: [{'1,' * (MAX_NODES * 2 // 3)}]"
    write(deep, a=rows, b=rows, c=rows)

    assert f"{large}: The files are together larger than 1024 KiB, the most that is read." in problems(large)
    assert problems(many) == [f"{many}: There are more than {MAX_FILES} files, the most that are read."]
    assert f"{deep}: The files hold together more than 20,000 values." in problems(deep)


def test_names_that_repeat_are_told_beside_broken_rows(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(
        "hardware:\n"
        "- {slug: a, display_name: A, cpu: 1, memory: 2Gi, default: true}\n"
        "- {slug: b, display_name: B, cpu: 1, memory: lots}\n"
        "- {slug: a, display_name: C, cpu: 1, memory: 2Gi, default: true}\n"
        "- 5\n"
        "teams:\n"
        "- {group: t, display_name: T, namespace: t}\n"
        "- {slug: t, display_name: T, namespace: u}\n"
        "volumes:\n"
        "- {slug: v, display_name: V, mount_path: /v, claim: v, hardware: [b, nowhere]}\n"
        "- {slug: w, display_name: W, mount_path: /v, claim: v}\n"
    )

    with pytest.raises(DocumentError) as refused:
        load_catalogue(file)

    assert [(problem.position.line if problem.position else 0, problem.path) for problem in refused.value.problems] == [
        (1, "images"),
        (3, "hardware[1].memory"),
        (4, "hardware[2].slug"),
        (4, "hardware[2].default"),
        (5, "hardware[3]"),
        (8, "teams[1].slug"),
        (11, "volumes[1].mount_path"),
    ]


def test_a_broken_name_that_repeats_is_broken_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    row = "{slug: A B, display_name: A, cpu: 1, memory: 2Gi}"
    file.write_text(f"hardware: [{row}, {row}]\n" + IMAGES % "i")

    with pytest.raises(DocumentError) as refused:
        load_catalogue(file)

    assert ["cannot stand here" in problem.sentence for problem in refused.value.problems] == [True, True]


def test_a_path_that_leads_nowhere_is_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path / "a\0b", tmp_path / ("x" * 300)):
        with pytest.raises(DocumentError):
            load_catalogue(path)


def test_a_pipe_in_a_directory_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")

    assert problems(tmp_path) == ["a.yaml: This is no ordinary file."]


@settings(max_examples=25, deadline=None)
@given(documents(), st.data())
def test_a_catalogue_may_be_cut_into_files_anywhere(document: Document, data: st.DataObject) -> None:
    first, second = {}, {}
    for section, rows in document.items():
        if isinstance(rows, list):
            cut = data.draw(st.integers(0, len(rows)))
            first[section], second[section] = rows[:cut], rows[cut:]
        else:
            data.draw(st.sampled_from([first, second]))[section] = rows
    with TemporaryDirectory() as name:
        whole, parts = Path(name, "whole.json"), Path(name, "parts")
        parts.mkdir()
        whole.write_text(as_json(document))
        (parts / "1.yaml").write_text(as_json(first))
        (parts / "2.yaml").write_text(as_json(second))

        assert load_catalogue(parts) == load_catalogue(whole)


@settings(max_examples=25, deadline=None)
@given(documents(), st.text(max_size=30), st.integers(0, 200))
def test_any_two_files_are_a_catalogue_or_refused_at_their_places(document: Document, text: str, cut: int) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "1.yaml").write_text(as_json(document))
        (directory / "2.yaml").write_text(text + as_json(document)[:cut], errors="replace")

        refused = refusal(directory)

        assert refused is None or refused.problems
        assert all(problem.file.startswith(name) for problem in (refused.problems if refused else ()))
