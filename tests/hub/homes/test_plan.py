import json
from pathlib import Path
from typing import Any

import pytest
from kubespawner.slugs import safe_slug
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_profiles.home_names import stable_name

BASE = """\
hardware: [{slug: small, display_name: Small, cpu: 1, memory: 2Gi}]
images: [{slug: one, display_name: One, image: "registry.example.org/one:1"}]
"""
SHARED = "homes: {kind: shared, claim: homes, folder: people, folders: {ann: a.smith, bob: old}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.yaml"


def run(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["homes", "plan", *map(str, arguments)], input=stdin)


def lines(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_home_in_an_export_is_a_folder(file: Path) -> None:
    file.write_text(BASE + SHARED)

    result = run("--catalogue", file, "--user", "ann", "--user", "../../etc", "--json")

    assert result.exit_code == 0
    assert lines(result) == [
        {"user": "ann", "kind": "shared", "claim": "homes", "path": "people/a.smith"},
        {"user": "../../etc", "kind": "shared", "claim": "homes", "path": f"people/{stable_name('../../etc')}"},
    ]


def test_a_home_that_is_a_claim_has_no_folder(file: Path) -> None:
    file.write_text(BASE + "homes: {kind: claim}\n")

    assert lines(run("--catalogue", file, "--json", "--user", "carol", "Dave")) == [
        {"user": "carol", "kind": "claim", "claim": "home-carol", "path": None},
        {"user": "Dave", "kind": "claim", "claim": f"home-{stable_name('Dave', longest=58)}", "path": None},
    ]


def test_without_a_word_on_homes_claims_are_as_configure_has_them(file: Path) -> None:
    file.write_text(BASE)

    assert lines(run("--catalogue", file, "--json", "--user", "a.b")) == [
        {"user": "a.b", "kind": "claim", "claim": f"home-{safe_slug('a.b', max_length=48)}", "path": None}
    ]


def test_names_come_from_standard_input_too_and_once(file: Path) -> None:
    file.write_text(BASE + SHARED)

    result = run("--catalogue", file, "--json", "--user", "-", stdin="ann\r\n\ncaf\u00e9\nann\n \u30c7\n")

    assert [row["user"] for row in lines(result)] == ["ann", "caf\u00e9", " \u30c7"]


def test_whoever_would_have_no_home_is_told_beside_the_others(file: Path) -> None:
    file.write_text(BASE + SHARED)

    result = run("--catalogue", file, "--json", "--user", "old", "ann")

    assert result.exit_code == 1
    assert [row["user"] for row in lines(result)] == ["ann"]
    assert result.stderr.startswith("old: The folder old for your home is given to another user.")


def test_a_table_is_for_people(file: Path) -> None:
    file.write_text(BASE + SHARED)

    assert run("--catalogue", file, "--user", "ann", "--user", "bob").stdout.splitlines() == [
        "USER  KIND    CLAIM  PATH",
        "ann   shared  homes  people/a.smith",
        "bob   shared  homes  people/old",
    ]
    assert r"'a\n\x1b[1mb'" in run("--catalogue", file, "--user", "a\n\x1b[1mb").stdout


def test_what_cannot_be_answered_is_told(file: Path) -> None:
    file.write_text("homes: 7\n")

    assert run("--user", "ann", "--catalogue", file).exit_code == 1
    assert "homes: This must be a mapping" in run("--user", "ann", "--catalogue", file).stderr
    assert run().exit_code == 2
