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
    *(SPAWNER / f"homes/{name}.py" for name in ("claims", "had", "owner", "preparation", "taking")),
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

STEPS = {
    "Your choice is being checked.",
    "The server is being created.",
    "An earlier server of yours is ended first.",
}
"""What is told on the way, and refuses nothing."""


def texts(module: Path) -> Iterator[tuple[str, ...]]:
    """Yield what a module says to people, with … in the place of each value; in the singular and the plural."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"say", "say_number"}:
            forms = node.args[: 1 if node.func.id == "say" else 2]
            yield tuple(NAMED.sub(VALUE, str(ast.literal_eval(form))) for form in forms)


def sentences(text: str) -> list[str]:
    """Cut a text into its sentences; what is none but a part of one is passed over."""
    cut = BETWEEN_SENTENCES.split(text.strip())
    return [sentence for sentence in cut if _is_whole(sentence) and sentence not in STEPS]


def _is_whole(sentence: str) -> bool:
    words = [word for word in re.findall(r"[\w']+", sentence) if word != VALUE]
    begins = sentence[:1].isupper() or sentence[:1].isdigit() or sentence[:1] == VALUE
    return begins and sentence.endswith((".", VALUE)) and len(words) >= FEWEST_WORDS


SAID = sorted(
    {forms for module in MODULES for text in texts(module) for forms in zip(*map(sentences, text), strict=True)}
)
"""Each sentence in its forms."""
EXAMPLES = ROW.findall(PAGE.read_text())
TOLD = [sentence for example in EXAMPLES for sentence in BETWEEN_SENTENCES.split(example)]


def matches(template: str, sentence: str) -> bool:
    return re.fullmatch(".+".join(re.escape(part) for part in template.split(VALUE)), sentence) is not None


@pytest.mark.parametrize("forms", SAID, ids=lambda forms: forms[-1])
def test_each_sentence_has_an_example(forms: tuple[str, ...]) -> None:
    assert any(matches(form, sentence) for form in forms for sentence in TOLD)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_said(example: str) -> None:
    cut = BETWEEN_SENTENCES.split(example)

    assert [one for one in cut if not any(matches(form, one) for forms in SAID for form in forms)] == []


def test_no_example_is_told_twice() -> None:
    assert len(EXAMPLES) == len(set(EXAMPLES))
