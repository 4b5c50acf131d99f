"""Every dependency has a reason, and the documentation tells it."""

import re

import pytest

from .checkout import ROOT, distribution, project_table

PAGE = ROOT / "docs/contributors/dependencies.md"
INSTALLING = (
    "tools/environment",
    "tools/images/programs.py",
    "hub/Dockerfile",
    "images/stand-in/base",
    "images/context/steps/science.sh",
    "images/context/steps/server.sh",
)
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


@pytest.mark.parametrize("place", INSTALLING)
def test_what_a_lock_names_is_all_that_is_installed(place: str) -> None:
    """pip else looks for the newest version of what another package wants, and refuses it because it has no hash."""
    lines = [line for line in (ROOT / place).read_text().splitlines() if "--require-hashes" in line]
    assert lines
    assert [line for line in lines if "--no-deps" not in line] == []
