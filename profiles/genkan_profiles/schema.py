"""The catalogue's JSON Schema, with which editors complete and explain its fields."""

import ast
import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from .catalogue import Catalogue

SCHEMA_FILE = Path(__file__).with_name("catalogue.schema.json")
"""The schema as it is shipped, for files that name it in their first line."""


def catalogue_schema() -> dict[str, Any]:
    """Return the schema of a catalogue's file.

    It takes all that the loader takes, and finds unknown fields and wrong types; what rows say of each other is beyond
    it. No section is required, because a file of a directory may hold any of them.
    """
    schema = Catalogue.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for model in dict.fromkeys(_models(Catalogue)):
        described = schema if model is Catalogue else definitions[model.__name__]
        _describe(model, described)
    del schema["required"]
    for section in schema["properties"].values():
        section.pop("minItems", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Catalogue of Genkan"}


def _models(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield root
    for field in root.model_fields.values():
        for part in _parts(field.annotation):
            yield from _models(part)


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _describe(model: type[BaseModel], schema: dict[str, Any]) -> None:
    """Give each field the docstring below it, in the model or in the one it inherits from."""
    schema["description"] = " ".join(schema["description"].split())
    for name, field in schema["properties"].items():
        for owner in (owner for owner in model.__mro__ if owner.__module__.partition(".")[0] == __package__):
            text = _docstrings(owner.__module__).get((owner.__name__, name))
            if text is not None:
                field["description"] = text
                break


@functools.cache
def _docstrings(module: str) -> Mapping[tuple[str, str], str]:
    """Return the docstrings below the fields of a module's classes."""
    found = {}
    for row in ast.parse(inspect.getsource(sys.modules[module])).body:
        if not isinstance(row, ast.ClassDef):
            continue
        for field, below in zip(row.body, row.body[1:], strict=False):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[row.name, name] = " ".join(text.split())
                case _:
                    pass
    return found
