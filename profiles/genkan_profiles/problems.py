"""How pydantic's errors become problems, each with a place and a sentence."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .annotations import allowed_values, field_names
from .exceptions import Position, Problem
from .parts import Document, Location
from .violations import KIND, OTHER, Violation, context_of, path_text
from .yaml_tree import Node

MAX_PROBLEMS = 1000
"""How many problems of a document are told at once, so that no document keeps a reader waiting."""

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
    "string_pattern_mismatch": "must match the pattern {pattern}",
}

_LENGTHS = frozenset({"string_too_short", "string_too_long", "too_short", "too_long"})


def problems_of(
    error: ValidationError, *, model: type[BaseModel], document: Document, certain: Iterable[Violation] = ()
) -> list[Problem]:
    """Return a problem for each error, in the order of the files and their lines.

    `certain` are violations that hold however the errors are mended; they are told where nothing else is wrong.
    """
    found = [
        details
        for details in error.errors(include_url=False)
        if not _is_echo(details, document.tree) and (document.complete or not _of_document(details, model))
    ]
    places = {tuple(details["loc"]) for details in found}
    found += [_details(violation, model) for violation in certain if tuple(violation.path) not in places]
    told = found[:MAX_PROBLEMS]
    problems = in_order(problem for details in told for problem in _problems(details, model=model, document=document))
    if more := len(found) - len(told):
        sentence = f"There are {more:,} more problems; they are told when these are mended."
        problems.append(Problem(document.file_of(()), None, "", sentence))
    return problems


def placed(violations: Iterable[Violation], *, model: type[BaseModel], document: Document) -> list[Problem]:
    """Return each violation that the document's model knows of at its place."""
    found = (_details(violation, model) for violation in violations)
    return in_order(problem for details in found for problem in _problems(details, model=model, document=document))


def _of_document(error: ErrorDetails, model: type[BaseModel]) -> bool:
    """Return whether an error is about the document as a whole: what it lacks, and what its parts say of each other."""
    if error["type"] == KIND:
        return bool(error.get("ctx", {})["model"] == model.__name__)
    return len(error["loc"]) == 1 and error["type"] in {"missing", "too_short"}


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by files, lines and columns; what is said of files as a whole comes first."""
    return sorted(problems, key=lambda problem: (problem.file, problem.position or Position(0, 0), problem.path))


def _details(violation: Violation, model: type[BaseModel]) -> ErrorDetails:
    """Return what pydantic makes of a violation that the model of the document raises."""
    context = context_of(violation, title=model.__name__)
    return {"type": KIND, "loc": tuple(violation.path), "msg": context["sentence"], "input": None, "ctx": context}


def _is_echo(details: ErrorDetails, tree: Node) -> bool:
    """Return whether a list is called too short only because pydantic does not count its broken entries."""
    if details["type"] != "too_short":
        return False
    return len(_node(tree, details["loc"]).children) >= int(details.get("ctx", {})["min_length"])


def _problems(details: ErrorDetails, *, model: type[BaseModel], document: Document) -> Iterator[Problem]:
    """Yield the problem of an error: one, but for a field that several files have and none should."""
    location, tree = tuple(details["loc"]), document.tree
    parent, key = location[:-1], str(location[-1]) if location else ""
    file = document.file_of(location)
    way = document.within_file(_known(tree, location))
    match details["type"]:
        case "extra_forbidden":
            allowed = field_names(model, parent)
            sentence = f"There is no field {_shown(key)} here{_ending(key, allowed)}"
            places = iter([(file, _key_position(tree, parent, key))]) if parent else document.keys(key)
            path = path_text((*document.within_file(_known(tree, parent)), key))
            for home, position in places:
                yield Problem(home, position, path, sentence, allowed)
        case "missing":
            path = path_text((*document.within_file(_known(tree, parent)), key))
            place = _position(tree, parent) if parent else document.start
            yield Problem(file, place, path, "This field is missing.")
        case "violation":
            allowed = tuple(details.get("ctx", {})["allowed"])
            path = path_text(document.within_file(location))
            yield Problem(file, _place(document, location), path, _violation_sentence(details, document), allowed)
        case kind if location and location[-1] == _KEY_MARK:
            position = _key_position(tree, location[:-2], str(location[-2]))
            yield Problem(file, position, path_text(document.within_file(_known(tree, parent))), _sentence(details, ()))
        case kind:
            allowed = allowed_values(model, location) if kind in {"enum", "literal_error"} else ()
            yield Problem(file, _place(document, location), path_text(way), _sentence(details, allowed), allowed)


def _place(document: Document, location: Location) -> Position | None:
    return _position(document.tree, location) if _known(document.tree, location) else document.start


def _violation_sentence(details: ErrorDetails, document: Document) -> str:
    """Name the other place as it is seen from this one: by its way, and by its file if that is another."""
    context, location = details.get("ctx", {}), tuple(details["loc"])
    other = (*location[: len(location) - context["depth"]], *context["other"])
    named = path_text(document.within_file(other))
    if document.file_of(other) != document.file_of(location):
        named += f" in {document.file_of(other)}:{_position(document.tree, other).line}"
    return str(context["template"]).replace(OTHER, named)


def _sentence(details: ErrorDetails, allowed: Sequence[str]) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
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
        return f"This {_LIMITS[kind].format(**limits)}, not {_shown(value)}."
    if kind in _LENGTHS:
        return f"This must have {_length(value, context)}."
    return f"{details['msg']}."


def _length(value: object, context: Mapping[str, Any]) -> str:
    """Return how long a text or a list must be; for texts pydantic says so in two ways."""
    limit = f"at least {context['min_length']}" if "min_length" in context else f"at most {context['max_length']}"
    noun = "character" if isinstance(value, str) else "entry"
    if not limit.endswith(" 1"):
        noun = "characters" if isinstance(value, str) else "entries"
    return f"{limit} {noun}, not {_shown(value) if isinstance(value, str) else context['actual_length']}"


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
