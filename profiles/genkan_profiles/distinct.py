"""What no two rows of a catalogue may share: names, and being the default.

The rows come as mappings, those of the models as well as raw ones, so that this is told even while a row is broken.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from .violations import OTHER, Violation

Rows: TypeAlias = Sequence[Mapping[str, Any]]

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "hardware": ("slug",),
    "images": ("slug",),
    "priorities": ("slug",),
    "teams": ("slug",),
    "volumes": ("slug", "mount_path"),
    "gpu_products": ("product",),
}
"""The sections with the fields in which their rows differ."""

_STAND_INS = {("teams", "slug"): "group"}
"""Fields that give a name where the one that should is left out."""


def shared(data: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield the later ones of rows that share what they must not; data that is no list of mappings is passed over."""
    for section, fields in SECTIONS.items():
        rows = data.get(section)
        if not isinstance(rows, list | tuple):
            continue
        mappings = [row if isinstance(row, Mapping) else {} for row in rows]
        for field in fields:
            yield from _repeated(section, field, mappings)
        yield from _defaults(section, mappings)


def _repeated(section: str, field: str, rows: Rows) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        name = row.get(field) or row.get(_STAND_INS.get((section, field), field))
        if not isinstance(name, str):
            continue
        if name in first:
            sentence = f"{name!r} is already the {field} of {OTHER}."
            yield Violation((section, index, field), sentence, other=(section, first[name]))
        first.setdefault(name, index)


def _defaults(section: str, rows: Rows) -> Iterator[Violation]:
    marked = [index for index, row in enumerate(rows) if row.get("default") is True]
    for index in marked[1:]:
        sentence = f"Only one row can be the default; {OTHER} is already."
        yield Violation((section, index, "default"), sentence, other=(section, marked[0]))
    for index in marked[:1]:
        if rows[index].get("groups"):
            sentence = "The default must be offered to everybody, and the groups of this row hide it from others."
            yield Violation((section, index, "default"), sentence)
