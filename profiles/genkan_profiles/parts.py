"""A document in one file or in several: which values there are, and in which file each of them stands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .exceptions import Position, Problem
from .yaml_tree import Node

Location: TypeAlias = Sequence[str | int]
"""The way to a value: names of fields, keys of mappings, positions in lists."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file and what it says."""

    file: str
    tree: Node


@dataclass(frozen=True, slots=True)
class Document:
    """One or several files as a single tree of values."""

    name: str
    """The file, or the directory of the files."""
    tree: Node
    parts: tuple[Part, ...]
    rows: Mapping[str, tuple[tuple[Part, int], ...]] = field(default_factory=dict)
    """For each list that was joined, where its entries come from: the file, and the position in its own list."""
    complete: bool = True
    """Whether nothing is missing of it because a file cannot be read."""

    @property
    def start(self) -> Position | None:
        """Where the document begins; None if it is a directory, even one with a single file."""
        return self.tree.position if [part.file for part in self.parts] == [self.name] else None

    def file_of(self, location: Location) -> str:
        """Return the file in which a value stands; for what is in none of them, the document's name."""
        return self._home(location)[0]

    def within_file(self, location: Location) -> tuple[str | int, ...]:
        """Return the way to a value from the top of its own file."""
        return self._home(location)[1]

    def keys(self, key: str) -> Iterator[tuple[str, Position]]:
        """Yield where a key stands at the top of the files."""
        for part in self.parts:
            if key in part.tree.keys:
                yield part.file, part.tree.keys[key]

    def _home(self, location: Location) -> tuple[str, tuple[str | int, ...]]:
        match list(location):
            case [str(section), int(index), *rest] if index < len(self.rows.get(section, ())):
                part, place = self.rows[section][index]
                return part.file, (section, place, *rest)
            case [str(section), *_]:
                home = next(self.keys(section), None)
                return self.name if home is None else home[0], tuple(location)
            case _:
                return self.name, tuple(location)


def whole(part: Part) -> Document:
    """Return the document that is one file."""
    return Document(part.file, part.tree, (part,))


def joined(name: str, parts: Sequence[Part]) -> tuple[Document, list[Problem]]:
    """Join the lists that have the same name in several files; anything else may be in one file only.

    What cannot be joined is left out of the document, with a problem at its place.
    """
    sections: dict[str, list[tuple[Part, Node]]] = {}
    problems: list[Problem] = []
    for part in parts:
        if not isinstance(part.tree.value, dict):
            sentence = "This must be a mapping of fields to values, as in every file of a directory."
            problems.append(Problem(part.file, part.tree.position, "", sentence))
            continue
        for section, node in part.tree.children.items():
            homes = sections.setdefault(str(section), [])
            if homes and not (isinstance(node.value, list) and isinstance(homes[0][1].value, list)):
                first, position = homes[0][0], homes[0][0].tree.keys[str(section)]
                sentence = f"This is already in {first.file}:{position.line}; only lists are joined."
                problems.append(Problem(part.file, part.tree.keys[str(section)], str(section), sentence))
            else:
                homes.append((part, node))
    children: dict[str | int, Node] = {section: _joined_lists(homes) for section, homes in sections.items()}
    value = {section: node.value for section, node in children.items()}
    keys = {section: homes[0][0].tree.keys[section] for section, homes in sections.items()}
    tree = Node(value, Position(1, 1), sum(part.tree.size for part in parts), children, keys)
    rows = {
        section: tuple((part, index) for part, node in homes for index in range(len(node.children)))
        for section, homes in sections.items()
        if isinstance(homes[0][1].value, list)
    }
    return Document(name, tree, tuple(parts), rows), problems


def _joined_lists(homes: Sequence[tuple[Part, Node]]) -> Node:
    first = homes[0][1]
    if len(homes) == 1:
        return first
    nodes = [child for _, node in homes for child in node.children.values()]
    value = [child.value for child in nodes]
    return Node(value, first.position, sum(node.size for _, node in homes), dict(enumerate(nodes)))
