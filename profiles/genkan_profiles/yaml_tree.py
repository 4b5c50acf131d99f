"""YAML text as plain data in which every value and every key knows its place.

YAML 1.2's core schema decides what a plain word means (`yes`, `1:30` and `2026-01-31` are text), the limits below what
is still a document that a person wrote: without them a kilobyte of aliases grows to gigabytes.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from .exceptions import Position

MAX_DEPTH = 50
MAX_NODES = 20_000
"""Values in a document, each alias counted with all that it stands for."""
LONG_TEXT = 100
"""Characters of a text that count as one more value."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_ESCAPE = re.compile(r".?u[dD][89a-fA-F]")
_HALF = (
    r"\ud800 to \udfff are halves of a character, which only JSON puts together; "
    r"write the character itself, or its whole number, such as \U0001F600."
)
_PLAIN_WORDS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,40}"), int),
    (re.compile(r"0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}"), lambda text: int(text, base=0)),
    (
        re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?"),
        lambda text: number if math.isfinite(number := float(text)) else text,
    ),
)
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place and, for mappings and lists, the nodes of its parts."""

    value: Any
    position: Position
    size: int = 1
    children: Mapping[str | int, "Node"] = field(default_factory=dict)
    keys: Mapping[str, Position] = field(default_factory=dict)
    """Where each key of a mapping stands."""


class TreeError(Exception):
    """Text that is not one YAML document within the limits."""

    def __init__(self, sentence: str, position: Position) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.position = position


def parse_tree(text: str) -> Node | None:
    """Return the one document of a text, or None if there is nothing in it.

    Raises TreeError at the first place that is not YAML, or that is YAML but not unmistakable: a key given twice, an
    explicit type, an alias within its own anchor.
    """
    text = text.removeprefix("\ufeff")
    if strange := _UNREADABLE.search(text):
        place = Position(
            text.count("\n", 0, strange.start()) + 1, strange.start() - text.rfind("\n", 0, strange.start())
        )
        raise TreeError("A control character stands here, which YAML does not allow.", place)
    try:
        return _Composer(yaml.parse(text, Loader=_Loader)).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from error


class _Composer:
    """Builds nodes from the parser's events, so that limits hold before anything is expanded."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node | None] = {}

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise TreeError("A second YAML document starts here; only one is read.", _position(event))
                root = self._node(next(self._events), depth=0)
        if root is not None and root.value is None and not root.children:
            return None
        return root

    def _node(self, event: Any, *, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        if depth > MAX_DEPTH:
            raise TreeError(f"Values are nested more than {MAX_DEPTH} levels deep here.", _position(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        match event:
            case yaml.ScalarEvent():
                node = Node(_scalar(event), _position(event), 1 + len(event.value) // LONG_TEXT)
            case yaml.SequenceStartEvent():
                node = self._sequence(event, depth)
            case _:
                node = self._mapping(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _aliased(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise TreeError(f"There is no anchor &{_shown(event.anchor)} above this alias.", _position(event))
        node = self._anchors[event.anchor]
        if node is None:
            raise TreeError(f"The alias *{_shown(event.anchor)} stands within its own anchor.", _position(event))
        return node

    def _sequence(self, start: Any, depth: int) -> Node:
        _refuse_tag(start)
        children: dict[str | int, Node] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            child = self._node(event, depth=depth + 1)
            size = _grown(size, child, event)
            children[len(children)] = child
        return Node([child.value for child in children.values()], _position(start), size, children)

    def _mapping(self, start: Any, depth: int) -> Node:
        _refuse_tag(start)
        children: dict[str | int, Node] = {}
        keys: dict[str, Position] = {}
        merged: list[Node] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in keys:
                raise TreeError(f"The key {_shown(key)!r} is already in line {keys[key].line}.", _position(event))
            keys[key] = _position(event)
            child = self._node(next(self._events), depth=depth + 1)
            size = _grown(size, child, event)
            if key == _MERGE and not event.style:
                merged.append(child)
            else:
                children[key] = child
        _merge(merged, children, keys)
        return Node({key: child.value for key, child in children.items()}, _position(start), size, children, keys)

    def _key(self, event: Any) -> str:
        if isinstance(event, yaml.ScalarEvent):
            _refuse_tag(event)
            return _checked_text(event)
        raise TreeError("A key must be plain text.", _position(event))


def _merge(merged: list[Node], children: dict[str | int, Node], keys: dict[str, Position]) -> None:
    """Add the pairs of `<<: *anchor`, which never replace a key that is written out."""
    for node in merged:
        sources = list(node.children.values()) if isinstance(node.value, list) else [node]
        for source in sources:
            if not isinstance(source.value, dict):
                raise TreeError("`<<` takes a mapping, or a list of mappings.", node.position)
            for key, child in source.children.items():
                if key not in children:
                    children[key] = child
                    keys[str(key)] = source.keys[str(key)]


def _grown(size: int, child: Node, event: Any) -> int:
    total = size + child.size
    if total > MAX_NODES:
        raise TreeError(f"The document holds more than {MAX_NODES:,} values.", _position(event))
    return total


def _scalar(event: Any) -> Any:
    text = _checked_text(event)
    if event.tag in _TEXT_TAGS:
        return text
    _refuse_tag(event)
    if not event.style:
        for pattern, convert in _PLAIN_WORDS:
            if pattern.fullmatch(text):
                return convert(text)
    return text


def _checked_text(event: Any) -> str:
    text: str = event.value
    if _SURROGATE.search(text):
        raise TreeError(_HALF, _position(event))
    return text


def _refuse_tag(event: Any) -> None:
    if event.tag is not None and event.tag not in _TEXT_TAGS:
        raise TreeError(f"Explicit types such as {_shown(event.tag)!r} are not read.", _position(event))


def _shown(text: str) -> str:
    return text if len(text) <= LONG_TEXT else f"{text[:LONG_TEXT]}..."


def _position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> TreeError:
    mark = error.problem_mark or error.context_mark
    position = Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)
    lines = text.split("\n")
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        column = line.index("\t") + 1
        return TreeError("A tab stands here; YAML indents with spaces.", Position(position.line, column))
    if _HALF_ESCAPE.match(line, position.column - 2):
        return TreeError(_HALF, position)
    reason = ", ".join(part for part in (error.problem, error.context) if part)
    return TreeError(f"This is not valid YAML: {reason}.", position)
