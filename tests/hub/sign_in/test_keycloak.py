"""What is said where Keycloak cannot be had, so that a run of tests without it says why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ...support.keycloak import MissingError, prepared
from ...support.keycloak.distribution import prepare

JAVA_17, JAVA_11 = (f"""echo 'openjdk version "{version}" 2025-01-01' >&2""" for version in ("17.0.1", "11.0.1"))

NO_NETWORK = "echo 'Unknown host repo.example.org'; exit 1"

ANOTHER_FILE = """
for word; do
    case $word in -Dmaven.repo.local=*) repository=${word#*=} ;; esac
done
/bin/mkdir -p "$repository/org/keycloak"
echo 'something else' >"$repository/org/keycloak/keycloak.zip"
"""

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a program on a machine that has no others, and nothing in its cache."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def program(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return program


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("way", [prepare, prepared])
def test_a_machine_without_java_hears_which_package_has_it(way: Callable[[], Path]) -> None:
    with pytest.raises(MissingError, match="apt-get install default-jre-headless maven"):
        way()


def test_a_java_that_is_too_old_or_broken_is_named(program: Program) -> None:
    program("java", JAVA_11)
    with pytest.raises(MissingError, match=r"Keycloak needs Java 17; .*/programs/java is 11\."):
        prepare()
    program("java", "exit 1")
    with pytest.raises(MissingError, match="is of an unknown version"):
        prepare()


def test_tests_fetch_nothing_by_themselves(program: Program) -> None:
    program("java", JAVA_17)
    with pytest.raises(MissingError, match=r"Run `\.venv/bin/python -m tests\.support\.keycloak` first"):
        prepared()


@pytest.mark.parametrize(
    ("mvn", "words"),
    [
        (None, "there is no mvn"),
        (NO_NETWORK, "mvn cannot fetch Keycloak:\nUnknown host"),
        (ANOTHER_FILE, r"What mvn fetched is not Keycloak 26\.4\.0: its SHA-256 is [0-9a-f]{64}\."),
    ],
)
def test_what_cannot_be_fetched_or_is_another_file_is_told_and_leaves_nothing(
    program: Program, tmp_path: Path, mvn: str | None, words: str
) -> None:
    program("java", JAVA_17)
    if mvn is not None:
        program("mvn", mvn)
    with pytest.raises(MissingError, match=words):
        prepare()
    assert list((tmp_path / "cache").rglob("keycloak-*")) == []
