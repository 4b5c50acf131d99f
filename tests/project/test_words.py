"""The commands and the files that the pages name exist."""

import re
from pathlib import Path

import pytest

from .checkout import ROOT, make_targets

MAKE = re.compile(r"(?:^    |`|run: )make ((?:[a-z]+ ?)+)", re.MULTILINE)


LINK = re.compile(r"\]\((?!https?:|#)(?P<target>[^)#]+)")


def make_words(text: str) -> set[str]:
    return {word for match in MAKE.finditer(text) for word in match[1].split()}


def test_the_readme_shows_two_commands_first() -> None:
    blocks = re.findall(r"(?:^    \S.*\n)+", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert blocks[0].split("\n") == ["    make up", "    make test", ""]


def test_every_word_of_make_exists(tracked_files: list[Path]) -> None:
    pages = [path for path in tracked_files if path.suffix in {".md", ".yaml"}]
    unknown = {str(page.relative_to(ROOT)): make_words(page.read_text()) - make_targets() for page in pages}

    assert {page: words for page, words in unknown.items() if words} == {}


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md"])
def test_links_of_the_root_pages_lead_somewhere(page: str) -> None:
    targets = LINK.findall((ROOT / page).read_text())

    assert [target for target in targets if not (ROOT / target).exists()] == []
