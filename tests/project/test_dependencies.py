"""Every dependency has a reason, and the documentation tells it."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .checkout import ROOT, distribution, project_table

PAGE = ROOT / "docs/contributors/dependencies.md"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)(?:\[(?P<extras>[^]]+)\])?==", re.MULTILINE)
SECTION = re.compile(r"^## `?(?P<title>[^`\n]+)`?\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^- `(?P<name>[^`]+)`: (?P<reason>.+)$", re.MULTILINE)


def declared() -> dict[str, list[str]]:
    project = project_table()
    groups = {
        "Genkan": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        **project["dependency-groups"],
    }
    return {
        title: sorted(distribution(requirement) for requirement in requirements)
        for title, requirements in groups.items()
    }


def told() -> dict[str, list[str]]:
    sections = {section["title"]: section["body"] for section in SECTION.finditer(PAGE.read_text())}
    return {title: sorted(line["name"] for line in LINE.finditer(body)) for title, body in sections.items()}


@pytest.mark.parametrize("group", declared())
def test_every_dependency_has_its_line_and_nothing_more(group: str) -> None:
    assert told().get(group) == declared()[group]


def test_no_section_outlives_its_group() -> None:
    assert told().keys() == declared().keys()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_what_is_locked_with_an_extra_says_so(lock: Path) -> None:
    """pip looks for the newest version else, and refuses it because it has no hash."""
    pins = {pin["name"]: set((pin["extras"] or "").split(",")) - {""} for pin in PIN.finditer(lock.read_text())}
    assert pins
    missing = {
        f"{name} wants {wanted.name}[{','.join(wanted.extras)}]"
        for name in pins
        for wanted in required_by(name)
        if wanted.extras and wanted.name in pins and not wanted.extras <= pins[wanted.name]
    }
    assert missing == set()


def required_by(name: str) -> list[Requirement]:
    """Return what an installed package always requires here."""
    try:
        found = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return []
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]
