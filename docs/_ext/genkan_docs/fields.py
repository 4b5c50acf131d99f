"""The reference of a file's fields, from the models that validate it."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from sphinx.pycode import ModuleAnalyzer

Schema = Mapping[str, Any]
"""A JSON Schema as pydantic writes it."""

_HEAD = ("Field", "Value", "Default", "Meaning")


def field_reference(name: str) -> str:
    """Describe a model and all models below it as Markdown: a heading and a table of fields for each."""
    root = _named(name)
    definitions = root.model_json_schema().get("$defs", {})
    return "\n".join(_section(model, definitions) for model in dict.fromkeys(_models(root)))


def kind_reference(name: str) -> str:
    """Describe a union of models that differ by `kind` as one Markdown table."""
    rows = [
        (
            f"`{model.model_fields['kind'].default}`",
            _prose(model.model_json_schema()),
            ", ".join(f"`{field}`" for field in model.model_fields if field != "kind"),
        )
        for model in _parts(_named(name))
    ]
    return "\n".join(table(("Kind", "What happens", "Fields"), rows))


def _named(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _models(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Walk a model and those of its fields, each after the one that names it first."""
    yield root
    for field in root.model_fields.values():
        for part in _parts(field.annotation):
            yield from _models(part)


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _section(model: type[BaseModel], definitions: Schema) -> str:
    schema = model.model_json_schema()
    rows = [
        (
            f"`{name}`",
            _value(field, definitions),
            "required" if name in schema.get("required", ()) else _default(field),
            _meaning(model, name) or _prose(_referenced(field, definitions)),
        )
        for name, field in schema["properties"].items()
    ]
    return "\n".join([f"## {model.__name__}", "", _prose(schema), "", *table(_HEAD, rows), ""])


def _meaning(model: type[BaseModel], field: str) -> str:
    """Return the docstring below a field, in the model or in the one it inherits from."""
    for owner in model.__mro__:
        if field in vars(owner).get("__annotations__", ()):
            documented = ModuleAnalyzer.for_module(owner.__module__).find_attr_docs()
            return " ".join(documented.get((owner.__name__, field), ())).strip()
    return ""


def _referenced(field: Schema, definitions: Schema) -> Schema:
    """Return the model that a field holds, alone or in a list; its own sentence speaks for a field without one."""
    reference = field.get("$ref") or field.get("items", {}).get("$ref", "")
    target: Schema = definitions.get(reference.rpartition("/")[2], {})
    return target


def _prose(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split())


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    for row in (head, ("---",) * len(head), *rows):
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"


def _default(field: Schema) -> str:
    match field:
        case {"$ref": _, "default": dict()}:
            return "its own defaults"
        case {"default": [] | {} | ""} | {"type": "object"}:
            return "empty"
        case {"default": bool(value)}:
            return f"`{str(value).lower()}`"
        case {"default": str() | int() | float() as value}:
            return f"`{value}`"
        case _:
            return "none"


def _value(field: Schema, definitions: Schema) -> str:
    """Say what a field takes, in the words of the file rather than of the schema."""
    match field:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            target = definitions[name]
            value = f"[{name}](#{name.lower()})" if "properties" in target else _value(target, definitions)
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            value = " or ".join(_value(choice, definitions) for choice in choices if choice.get("type") != "null")
        case {"enum": [*choices]}:
            value = " or ".join(f"`{choice}`" for choice in choices)
        case {"type": "array", "items": item}:
            value = f"list of {_value(item, definitions)}"
        case {"type": "object", "additionalProperties": dict(item)}:
            value = f"mapping to {_value(item, definitions)}"
        case _:
            value = _plain_value(field)
    return value


def _plain_value(field: Schema) -> str:
    match field:
        case {"examples": [*examples]}:
            value = f"such as {', '.join(f'`{example}`' for example in examples)}"
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
            value = "any value"
    return value


def _limited(word: str, field: Schema) -> str:
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    return ", ".join([word, *(f"{relation} {field[key]}" for key, relation in limits.items() if key in field)])
