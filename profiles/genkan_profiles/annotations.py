"""What a model allows at a place in its data, read from its fields' types."""

import enum
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, RootModel


def field_names(model: type[BaseModel], parent: Sequence[str | int]) -> tuple[str, ...]:
    """Return the fields of the model at a place; none if there is no model."""
    names: dict[str, None] = {}
    for annotation in _annotations_at(model, parent):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names.update((field.alias or name, None) for name, field in annotation.model_fields.items())
    return tuple(names)


def allowed_values(model: type[BaseModel], location: Sequence[str | int]) -> tuple[str, ...]:
    """Return the values of the closed set at a place; none if any value of a type may stand there."""
    values: dict[str, None] = {}
    for annotation in _annotations_at(model, location):
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            values.update((str(member.value), None) for member in annotation)
        elif typing.get_origin(annotation) is typing.Literal:
            values.update((str(value), None) for value in typing.get_args(annotation))
    return tuple(values)


def _annotations_at(model: type[BaseModel], location: Sequence[str | int]) -> list[Any]:
    """Return the types that may stand at a place; a step that none of them knows is a union's mark for one of them."""
    annotations: list[Any] = [model]
    for step in location:
        below = [inner for annotation in annotations for inner in _step_into(annotation, step)]
        annotations = below or [row for row in annotations if _is_marked(row, step)] or annotations
    return annotations


def _is_marked(annotation: Any, mark: str | int) -> bool:
    """Return whether a model is the member of a discriminated union that pydantic names so."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return False
    literals = (field.annotation for field in annotation.model_fields.values())
    return any(mark in typing.get_args(kind) for kind in literals if typing.get_origin(kind) is typing.Literal)


def _step_into(annotation: Any, step: str | int) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        for member in _members(annotation.model_fields["root"].annotation):
            yield from _step_into(member, step)
        return
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if step in {name, field.alias}:
                yield from _members(field.annotation)
        return
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {list, tuple, set, frozenset} and isinstance(step, int):
        yield from _members(arguments[0])
    elif origin in {dict, Mapping} and isinstance(step, str):
        yield from _members(arguments[1])


def _members(annotation: Any) -> Iterator[Any]:
    if hasattr(annotation, "__value__"):
        yield from _members(annotation.__value__)
    elif typing.get_origin(annotation) is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        for member in typing.get_args(annotation):
            yield from _members(member)
    else:
        yield annotation
