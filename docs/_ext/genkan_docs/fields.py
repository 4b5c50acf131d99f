"""The reference of a file's fields, from the models that validate it."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]
"""A JSON Schema as pydantic writes it."""

_HEADER = ("Field", "Value", "Default", "Meaning")


def field_reference(model: str) -> str:
    """Describe a model and all models below it as Markdown: a heading and a table of fields for each."""
    module, _, name = model.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if not issubclass(found, BaseModel):
        raise TypeError(f"{model} is not a pydantic model")
    schema = found.model_json_schema()
    objects = {name: schema, **{key: value for key, value in schema.get("$defs", {}).items() if "properties" in value}}
    return "\n".join(_section(title, section, schema) for title, section in objects.items())


def _section(title: str, model: Schema, root: Schema) -> str:
    required = model.get("required", ())
    rows = [
        (f"`{name}`", _value(field, root), "required" if name in required else _default(field), _prose(field))
        for name, field in model["properties"].items()
    ]
    return "\n".join([f"## {title}", "", _prose(model), "", *_table([_HEADER, ("---",) * len(_HEADER), *rows]), ""])


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"


def _prose(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split())


def _default(field: Schema) -> str:
    match field.get("default"):
        case None:
            return "none"
        case [] | {}:
            return "empty"
        case bool(value):
            return f"`{str(value).lower()}`"
        case value:
            return f"`{value}`"


def _value(field: Schema, root: Schema) -> str:
    """Say what a field takes, in the words of the file rather than of the schema."""
    match field:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            target = root["$defs"][name]
            value = f"[{name}](#{name.lower()})" if "properties" in target else _value(target, root)
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            value = " or ".join(_value(choice, root) for choice in choices if choice.get("type") != "null")
        case {"enum": [*choices]}:
            value = " or ".join(f"`{choice}`" for choice in choices)
        case {"type": "array", "items": item} | {"type": "array", "prefixItems": [item, *_]}:
            value = f"list of {_value(item, root)}"
        case {"type": "object", "additionalProperties": dict(item)}:
            value = f"mapping to {_value(item, root)}"
        case _:
            value = _plain_value(field)
    return value


def _plain_value(field: Schema) -> str:
    match field:
        case {"const": choice}:
            value = f"`{choice}`"
        case {"type": "string", "pattern": pattern}:
            value = f"text matching `{pattern}`"
        case {"type": "string"}:
            value = "text"
        case {"type": "integer"}:
            value = _limited("whole number", field)
        case {"type": "number"}:
            value = _limited("number", field)
        case {"type": "boolean"}:
            value = "`true` or `false`"
        case _:
            value = str(field.get("type", "any value"))
    return value


def _limited(word: str, field: Schema) -> str:
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    return ", ".join([word, *(f"{relation} {field[key]}" for key, relation in limits.items() if key in field)])
