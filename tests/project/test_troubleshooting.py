"""The sentences that the documentation explains are those that the programs say."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .checkout import ROOT

PAGE = ROOT / "docs/sandbox/troubleshooting.md"
ROW = re.compile(r"^\| `(?P<sentence>[^`]+)` \|", re.MULTILINE)
VALUE = "…"


def said_by_python(module: Path) -> Iterator[str]:
    """Yield every text of a module, with … in the place of each value."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@functools.cache
def everything_said() -> tuple[str, ...]:
    modules = sorted((ROOT / "sandbox/genkan_sandbox").rglob("*.py"))
    scripts = [path.read_text() for path in (ROOT / "tools").iterdir() if path.is_file()]
    return (*(text for module in modules for text in said_by_python(module)), *scripts)


def is_said(sentence: str, text: str) -> bool:
    return re.search(".*?".join(re.escape(part) for part in sentence.split(VALUE)), text, re.DOTALL) is not None


@pytest.mark.parametrize("sentence", ROW.findall(PAGE.read_text()))
def test_an_explained_sentence_is_said(sentence: str) -> None:
    assert any(is_said(sentence, text) for text in everything_said())
