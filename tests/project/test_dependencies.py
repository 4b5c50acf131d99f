"""Every dependency has a reason, and the documentation tells it."""

import re

import pytest

from .checkout import ROOT, distribution, project_table

PAGE = ROOT / "docs/contributors/dependencies.md"
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
