"""Folders that differ in capitals only: right, and told with their place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles import Homes
from genkan_profiles.capitals import caseless_parts
from genkan_profiles.homes import folder_parts, shared_folders
from genkan_profiles.linting import lint_catalogue

BASE = """\
hardware: [{slug: small, display_name: Small, cpu: 1, memory: 2Gi}]
images: [{slug: one, display_name: One, image: "registry.example.org/one:1"}]
"""
WHERE = "Where the file server does not tell capitals from small letters, "


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.yaml"


def warnings(file: Path, text: str) -> list[str]:
    """What is told of a catalogue, which a hub can use."""
    file.write_text(BASE + text)
    found = lint_catalogue(file)
    assert found.problems == ()
    return [str(warning).removeprefix(f"{file}:") for warning in found.warnings]


def homes(*lines: str, names: str = "stable") -> str:
    folders = "".join(f"    {line}\n" for line in lines)
    return f"homes:\n  kind: shared\n  claim: homes\n  folder: home\n  names: {names}\n  folders:\n{folders}"


@pytest.mark.parametrize(
    ("first", "second"),
    [("Staff", "staff"), ("staff", "STAFF/b"), ("a/B/c", "A/b"), ("Stra\u00dfe", "STRASSE"), ("\u00c9", "e\u0301")],
)
def test_folders_that_differ_in_capitals_only_are_told_at_the_later_one(file: Path, first: str, second: str) -> None:
    (told,) = [
        line for line in warnings(file, homes(f"ann: {first}", "carol: x.y", f"bob: {second}")) if "is that of" in line
    ]
    assert told == (
        f"11:10: homes.folders.bob: {WHERE}this folder is that of homes.folders.ann too, "
        "or one of them is in the other."
    )


def test_what_a_windows_server_passes_over_makes_no_difference(file: Path) -> None:
    (told,) = warnings(file, homes("ann: 'a.smith'", "bob: 'A.Smith. '"))
    assert told.startswith("10:10: homes.folders.bob: ")


def test_a_folder_that_somebody_else_has_by_name_is_told(file: Path) -> None:
    assert warnings(file, homes("bob.smith: Bob", "carol: Students/carol")) == [
        f'9:16: homes.folders["bob.smith"]: {WHERE}a user called bob has this folder too, or the one around it.',
        f"10:12: homes.folders.carol: {WHERE}a user called students has this folder too, or the one around it.",
    ]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["bob: Bob"], id="it is that very user's"),
        pytest.param(["Bob: Bob", "bob: bob.b"], id="whoever is called so has another one"),
        pytest.param(["ann: A.Smith"], id="nobody has such a folder by name"),
        pytest.param(["ann: bob"], id="nobody else gets it, and is told so"),
    ],
)
def test_what_nobody_else_can_have_is_not_told(file: Path, lines: list[str]) -> None:
    assert [line for line in warnings(file, homes(*lines)) if WHERE in line] == []


def test_names_that_older_hubs_escape_are_no_folders_by_themselves(file: Path) -> None:
    assert len(warnings(file, homes("ann: A-B"))) == 1
    assert warnings(file, homes("ann: A-B", names="escaped")) == []


def test_users_whose_names_differ_in_capitals_only_are_told(file: Path) -> None:
    (told,) = warnings(file, homes("Ann: ann", "ann: ann.b"))
    assert told == (
        "10:10: homes.folders.ann: This name differs from homes.folders.Ann in capitals only. "
        "Most hubs make names small, and one of the two is then nobody."
    )


def test_a_volume_that_may_show_all_homes_is_told(file: Path) -> None:
    volumes = "volumes: [{slug: v, display_name: V, mount_path: /v, claim: homes, sub_path: Home/ann}]\n"
    assert warnings(file, f"{volumes}homes: {{kind: shared, claim: homes, folder: home}}\n") == [
        f"3:78: volumes[0].sub_path: {WHERE}this would show the homes of all users."
    ]
    assert warnings(file, f"{volumes}homes: {{kind: shared, claim: homes, folder: people}}\n") == []


def test_a_warning_of_homes_stands_in_its_own_file(file: Path) -> None:
    file.write_text(BASE)
    more = file.with_name("homes.yaml")
    more.write_text("homes: {kind: shared, claim: homes, folders: {a: X.y, b: x.Y}}\n")
    (told,) = lint_catalogue(file.parent).warnings
    assert str(told).startswith(f"{more}:1:58: homes.folders.b: ")


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text("aAbB/.\u00df", min_size=1, max_size=6), max_size=8))
def test_the_same_folder_is_the_same_without_capitals_too(folders: dict[str, str]) -> None:
    exact = [found.path for found in shared_folders(folders)]
    caseless = [found.path for found in shared_folders(folders, parts=caseless_parts)]
    assert len(caseless) >= len(exact)
    assert all(caseless_parts(folder) == caseless_parts(folder.swapcase()) or "\u00df" in folder for folder in folders)
    assert all(len(caseless_parts(folder)) == len(folder_parts(folder)) for folder in folders.values())


def test_homes_of_other_kinds_have_nothing_of_it(file: Path) -> None:
    assert warnings(file, "homes: {kind: claim}\n") == []
    assert Homes.model_validate({"kind": "claim"}).folders == {}
