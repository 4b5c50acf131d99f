"""The lock files fix what is installed and say nothing of where from."""

import json
import re

import pytest

from .checkout import ROOT, distribution, project_table

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
ADDRESS = re.compile(r"https?:|--(?:extra-)?index-url|--find-links|--trusted-host|^-[if]\b|\s@\s", re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """Read the entries of a lock file, each with the lines that belong to it."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "requirements" / name).read_text())
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {re.split(r"[=\[; ]", entry, maxsplit=1)[0]: entry for entry in entries}


def direct(requirements: list[str]) -> set[str]:
    return {distribution(requirement).lower() for requirement in requirements}


@pytest.mark.parametrize("lock", [path.name for path in LOCKS])
def test_every_entry_has_a_version_and_hashes(lock: str) -> None:
    entries = locked(lock)

    assert entries
    assert [name for name, entry in entries.items() if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", [path.name for path in LOCKS])
def test_no_address_is_locked(lock: str) -> None:
    assert ADDRESS.findall((ROOT / "requirements" / lock).read_text()) == []


def test_the_locks_cover_what_the_project_declares() -> None:
    project = project_table()
    hub = direct(project["project"]["dependencies"])
    extras = project["project"]["optional-dependencies"]
    sandbox = hub | direct(extras["sandbox"])
    image = hub | direct(extras["hub"])
    groups = project["dependency-groups"]

    assert image <= locked("hub.txt").keys()
    assert sandbox <= locked("sandbox.txt").keys()
    assert direct([item for group in ("lint", "test", "docs") for item in groups[group]]) <= locked("dev.txt").keys()
    assert image <= locked("dev.txt").keys()


def test_the_locks_agree() -> None:
    """The hub's image, a sandbox and CI run the same versions."""
    versions: dict[str, set[str]] = {}
    for lock in ("hub.txt", "sandbox.txt", "dev.txt"):
        for name, entry in locked(lock).items():
            versions.setdefault(name, set()).add(re.split(r"[\s;]", entry.partition("==")[2], maxsplit=1)[0])

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_proxy_is_locked_with_hashes_and_no_address() -> None:
    lock = json.loads((ROOT / "sandbox/proxy/package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert packages
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []
