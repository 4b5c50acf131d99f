"""Changes to a right catalogue each of which breaks one rule, and the problem that must be reported for it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

import yaml

from .catalogues import Document

Path: TypeAlias = tuple[str | int, ...]
Need: TypeAlias = Callable[[Any, Document], bool]

MISSING = "This field is missing."


class At(Enum):
    """What the position of a problem is that of."""

    VALUE = auto()
    KEY = auto()
    ROW = auto()
    """What the value stands in, as it is not there itself."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule that is broken by putting a value somewhere, or by leaving it out."""

    where: str
    """The field, such as `hardware.*.gpu.count`; a star stands for any row or key."""
    value: Any
    """What is put there, DROPPED, or a function of the row and the document that says it."""
    words: str
    """How the sentence begins."""
    at: At = At.VALUE
    needs: Need = lambda _row, _document: True
    """Whether the row is one on which this breaks the rule and no other."""
    reported: Path | None = None
    """The way from the row to what is reported, if that is not the changed field."""
    consequences: str | None = None
    """How the sentences of further problems begin that come of it."""

    @property
    def name(self) -> str:
        """For people who read a list of tests."""
        shown = "computed" if callable(self.value) else "dropped" if self.value is DROPPED else repr(self.value)
        return f"{self.where}={shown[:40]}: {self.words[:40]}"

    def places(self, document: Document) -> list[Path]:
        """Return where in a document it can be done."""
        *parent, field = self.where.split(".")
        rows = list(_expand(document, (), parent))
        wanted = [(path, row) for path, row in rows if isinstance(row, dict) and self.needs(row, document)]
        return [(*path, field) for path, row in wanted if self.value is not DROPPED or field in row]

    def broken(self, document: Document, path: Path) -> Document:
        """Return a document with the change at a place."""
        changed = copy.deepcopy(document)
        row = at(changed, path[:-1])
        if self.value is DROPPED:
            del row[path[-1]]
        else:
            row[path[-1]] = self.value(row, changed) if callable(self.value) else copy.deepcopy(self.value)
        return changed

    def reported_path(self, path: Path) -> Path:
        """Return the path that the problem must name."""
        return path if self.reported is None else (*path[:-1], *self.reported)

    def position(self, text: str, path: Path) -> tuple[int, int]:
        """Return line and column that the problem must name, found by a parser other than the loader's."""
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        mark = node.start_mark
        reported = self.reported_path(path)
        for step in reported[:-1] if self.at is At.ROW else reported:
            if isinstance(node, yaml.SequenceNode):
                node = node.value[step]
                mark = node.start_mark
            else:
                key, node = next(pair for pair in node.value if pair[0].value == step)
                mark = key.start_mark if self.at is At.KEY else node.start_mark
        return mark.line + 1, mark.column + 1


class _Dropped:
    def __deepcopy__(self, memo: Any) -> "_Dropped":
        return self


DROPPED: Any = _Dropped()


def at(document: Any, path: Path) -> Any:
    """Return the value at a path."""
    for step in path:
        document = document[step]
    return document


def _expand(value: Any, path: Path, pattern: list[str]) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield path, value
        return
    step, *rest = pattern
    steps = _keys(value) if step == "*" else [step] if isinstance(value, dict) and step in value else []
    for found in steps:
        yield from _expand(value[found], (*path, found), rest)


def _keys(value: Any) -> list[Any]:
    return list(range(len(value))) if isinstance(value, list) else list(value) if isinstance(value, dict) else []
