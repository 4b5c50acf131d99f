"""The page of refusals has an example of each sentence that users are told, and no sentence that nobody says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .checkout import ROOT

PAGE = ROOT / "docs/users/refusals.md"
ROW = re.compile(r"^\| (?P<example>(?!-|the hub says).+?) \| ", re.MULTILINE)
SPAWNER = ROOT / "spawner/genkan_spawner"
MODULES = [
    *(ROOT / f"profiles/genkan_profiles/{name}.py" for name in ("choices", "home_names")),
    *(SPAWNER / f"checks/{name}.py" for name in ("driver", "fit", "limit_ranges", "priority", "quota", "shortage")),
    *(SPAWNER / f"checks/{name}.py" for name in ("disks", "storage", "storage_quota")),
    SPAWNER / "following/storage_trouble.py",
    *(SPAWNER / f"homes/{name}.py" for name in ("claims", "owner", "preparation", "taking")),
    *(
        SPAWNER / f"starting/{name}.py"
        for name in ("companions", "creation", "line", "pursuit", "reservation", "start")
    ),
    SPAWNER / "following/endings.py",
    *(SPAWNER / f"{name}.py" for name in ("aftermath", "denials", "hooks", "offering", "spawner")),
]
VALUE = "…"
NAMED = re.compile(r"\{\w+\}")
BETWEEN_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z'…0-9])|(?<=…) (?=[A-Z])")
FEWEST_WORDS = 3
"""A text with fewer words of its own is a part of sentences."""

STEPS = {"Your choice is being checked.", "The server is being created.", "An earlier server of yours is ended first."}
"""What is told on the way, and refuses nothing."""
INTERNAL = {"The choice must be checked first."}
"""What only a mistake in the program would say."""


def texts(module: Path) -> Iterator[str]:
    """Yield the texts of a module that people may read, with … in the place of each value."""
    tree = ast.parse(module.read_text())
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner.update(part for part in ast.walk(node) if part is not node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner.add(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "AssertionError":
            inner.update(node.args)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner:
            yield NAMED.sub(VALUE, node.value)


def sentences(text: str) -> Iterator[str]:
    """Cut a text into its sentences; what is none, such as a log message or a part of one, is passed over."""
    if "\n" in text or "%s" in text:
        return
    for sentence in BETWEEN_SENTENCES.split(re.sub(r"(?<=\.)[… ]+$", "", text.strip())):
        words = [word for word in re.findall(r"[\w']+", sentence) if word != VALUE]
        whole = sentence.endswith((".", VALUE)) and (sentence[0].isupper() or sentence[0] == VALUE)
        if whole and len(words) >= FEWEST_WORDS and sentence not in STEPS | INTERNAL:
            yield sentence


SAID = sorted({sentence for module in MODULES for text in texts(module) for sentence in sentences(text)})
EXAMPLES = ROW.findall(PAGE.read_text())
TOLD = [sentence for example in EXAMPLES for sentence in BETWEEN_SENTENCES.split(example)]


def matches(template: str, sentence: str) -> bool:
    return re.fullmatch(".+".join(re.escape(part) for part in template.split(VALUE)), sentence) is not None


@pytest.mark.parametrize("template", SAID)
def test_each_sentence_has_an_example(template: str) -> None:
    assert any(matches(template, sentence) for sentence in TOLD)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_said(example: str) -> None:
    cut = BETWEEN_SENTENCES.split(example)

    assert [one for one in cut if not any(matches(template, one) for template in SAID)] == []


def test_no_example_is_told_twice() -> None:
    assert len(EXAMPLES) == len(set(EXAMPLES))
