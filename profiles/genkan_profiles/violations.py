"""Broken rules: how a model reports them, and how pydantic's errors become problems with a place and a sentence."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from .annotations import allowed_values, field_names
from .exceptions import Position, Problem
from .yaml_tree import Node

Location: TypeAlias = Sequence[str | int]
"""The way to a value: names of fields, keys of mappings, positions in lists."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN_CHARACTERS = 40
_KEY_MARK = "[key]"
_TYPES = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "model_type": "must be a mapping of fields to values",
    "model_attributes_type": "must be a mapping of fields to values",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
}
_LIMITS = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "must match the pattern {pattern}",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule across several fields that is broken, seen from the model that knows the rule."""

    path: Location
    """From the model to the value that should change, such as `("quotas", 0, "namespace")`."""
    sentence: str
    allowed: tuple[str, ...] = ()


def raise_violations(title: str, violations: Iterable[Violation]) -> None:
    """Raise all of a model validator's violations at once, each at its own place; nothing if there are none.

    A pydantic validator may raise a single error at the place of its model only; this is the way round it.
    """
    details = [
        InitErrorDetails(
            type=PydanticCustomError(
                "violation", "{sentence}", {"sentence": violation.sentence, "allowed": violation.allowed}
            ),
            loc=tuple(violation.path),
            input=None,
        )
        for violation in violations
    ]
    if details:
        raise ValidationError.from_exception_data(title, details)


def problems_of(error: ValidationError, *, model: type[BaseModel], tree: Node, file: str) -> list[Problem]:
    """Return a problem for each error, in the order of the file's lines."""
    problems = [
        _problem(details, model=model, tree=tree, file=file)
        for details in error.errors(include_url=False)
        if not _is_echo(details, tree)
    ]
    return sorted(problems, key=lambda problem: (problem.position or Position(0, 0), problem.path))


def path_text(location: Location) -> str:
    """Write the way to a value as people do: `pools[2].labels["nvidia.com/gpu"]`."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def _is_echo(details: ErrorDetails, tree: Node) -> bool:
    """Return whether a list is called too short only because pydantic does not count its broken entries."""
    if details["type"] != "too_short":
        return False
    return len(_node(tree, details["loc"]).children) >= int(details.get("ctx", {})["min_length"])


def _problem(details: ErrorDetails, *, model: type[BaseModel], tree: Node, file: str) -> Problem:
    kind, location = details["type"], tuple(details["loc"])
    parent, key = location[:-1], str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        allowed = field_names(model, parent)
        sentence = f"There is no field {key!r} here{_ending(key, allowed)}"
        path = path_text((*_known(tree, parent), key))
        return Problem(file, _key_position(tree, parent, key), path, sentence, allowed)
    if kind == "missing":
        path = path_text((*_known(tree, parent), key))
        return Problem(file, _position(tree, parent), path, "This field is missing.")
    if location and location[-1] == _KEY_MARK:
        location = parent
        position = _key_position(tree, location[:-1], str(location[-1]))
    else:
        position = _position(tree, location)
    allowed = allowed_values(model, location) if kind in {"enum", "literal_error"} else ()
    context = details.get("ctx", {})
    allowed = allowed or tuple(context.get("allowed", ()))
    way = location if kind == "violation" else _known(tree, location)
    return Problem(file, position, path_text(way), _sentence(details, allowed), allowed)


def _sentence(details: ErrorDetails, allowed: Sequence[str]) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "violation":
        return str(context["sentence"])
    if kind == "value_error":
        return str(context["error"])
    if allowed:
        return f"{_shown(value)} is not one of the values that may stand here{_ending(str(value), allowed)}"
    if kind in _TYPES:
        quotes = ""
        if kind == "string_type" and isinstance(value, bool | int | float):
            quotes = f'; put it in quotes: "{_shown(value)}"'
        return f"This {_TYPES[kind]}, not {_shown(value)}{quotes}."
    if kind in _LIMITS:
        limits = {name: f"{limit:g}" if isinstance(limit, float) else limit for name, limit in context.items()}
        found = context.get("actual_length", "") if kind in {"too_short", "too_long"} else _shown(value)
        return f"This {_LIMITS[kind].format(**limits)}, not {found}."
    return f"{details['msg']}."


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)[:_SHOWN_CHARACTERS]
        case str():
            return repr(value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}...")
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def _ending(word: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(word[:100], allowed, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def _known(tree: Node, location: Location) -> Location:
    """Drop the steps that pydantic adds for the members of a union, which are not in the file."""
    known: list[str | int] = []
    node: Node | None = tree
    for step in location:
        if node is not None and step in node.children:
            known.append(step)
            node = node.children[step]
    return known


def _node(tree: Node, location: Location) -> Node:
    """Return the value at a place, or the nearest value around it."""
    node = tree
    for step in location:
        node = node.children.get(step, node)
    return node


def _position(tree: Node, location: Location) -> Position:
    return _node(tree, location).position


def _key_position(tree: Node, parent: Location, key: str) -> Position:
    node = _node(tree, parent)
    return node.keys.get(key, node.position)
