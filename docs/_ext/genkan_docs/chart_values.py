"""The reference of a chart's values, from its schema and its defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from genkan_docs.fields import table
from genkan_docs.root_pages import ROOT

_HEAD = ("Key", "Value", "Default", "Meaning")
_REFERENCE = "#/definitions/"
_MANY = "<name>"
"""Stands for names that a site gives."""

_WORDS = {
    "array": "list",
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "object": "mapping",
    "string": "text",
}

Schema = Mapping[str, Any]


def values_reference(chart: str) -> str:
    """Describe the values of a chart as Markdown: a heading and a table for each section."""
    folder = ROOT / chart
    schema = yaml.safe_load((folder / "values.schema.yaml").read_text())
    defaults = yaml.safe_load((folder / "values.yaml").read_text())
    reference = _Reference(schema["definitions"])
    sections = [
        (name, section, list(reference.rows(name, section, defaults[name])))
        for name, section in schema["properties"].items()
        if name in defaults
    ]
    return "\n".join(
        "\n".join([f"## `{name}`", "", _prose(section), "", *table(_HEAD, rows), ""])
        for name, section, rows in sections
    )


class _Reference:
    """The rows of a chart; what has been described once is named the second time."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._described: dict[str, str] = {}

    def rows(self, place: str, section: Schema, default: Any) -> Iterator[tuple[str, ...]]:
        """Yield the rows of a section and of what is in it."""
        for key, row in section.get("properties", {}).items():
            inner = f"{place}.{key}"
            given = default.get(key) if isinstance(default, Mapping) else None
            yield from self._row(inner, row, given)
        many = section.get("additionalProperties")
        if isinstance(many, Mapping) and many.get("properties"):
            yield from self.rows(f"{place}.{_MANY}", many, None)

    def _row(self, place: str, row: Schema, default: Any) -> Iterator[tuple[str, ...]]:
        if row.get("properties"):
            yield f"`{place}`", "", "", self._meaning(place, row)
            yield from self.rows(place, row, default)
            return
        yield f"`{place}`", self._value(row), _default(default), self._meaning(place, row)
        many = row.get("additionalProperties")
        if isinstance(many, Mapping) and many.get("properties"):
            yield from self.rows(f"{place}.{_MANY}", many, None)

    def _meaning(self, place: str, row: Schema) -> str:
        prose = _prose(row)
        first = self._described.setdefault(prose, place)
        return prose if first == place else f"As in `{first}`."

    def _value(self, row: Schema) -> str:
        if "$ref" in row:
            row = self._definitions[row["$ref"].removeprefix(_REFERENCE)]
        if choices := row.get("enum"):
            return " or ".join(f"`{choice}`" for choice in choices)
        return _WORDS.get(str(row.get("type")), "number or quantity")


def _default(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case _ if value in ("", [], {}):
            return "empty"
        case _:
            written = yaml.safe_dump(value, default_flow_style=True, width=10**6)
            return f"`{written.strip().removesuffix('...').strip()}`"


def _prose(row: Schema) -> str:
    return " ".join(str(row.get("description", "")).split())
