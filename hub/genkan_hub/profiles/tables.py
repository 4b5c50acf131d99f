"""What is offered as text in columns, for a terminal."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from .offered import Offered

Line: TypeAlias = tuple[str, ...]

CHOSEN = "*"
"""Marks what is chosen unless the user chooses otherwise."""


def offered_text(offered: Offered) -> str:
    """Write a table for each section that has rows, with what is left out at the end."""
    tables = (
        _hardware(offered),
        _images(offered),
        _priorities(offered),
        _teams(offered),
        _volumes(offered),
        _own_image(offered),
        _left_out(offered),
    )
    texts = [_aligned(lines) for lines in map(list, tables) if len(lines) > 1]
    if not offered.hardware:
        texts.insert(0, "Nothing is offered.")
    return "\n\n".join([*texts, f"{CHOSEN} is chosen unless the user chooses otherwise."])


def _hardware(offered: Offered) -> Iterator[Line]:
    yield "HARDWARE", "NAME", "A SERVER GETS", "IMAGES"
    for row in offered.hardware:
        images = [_marked(slug, default=slug == row.default_image) for slug in row.images]
        yield _marked(row.slug, default=row.default), row.display_name, row.details, ", ".join(images)


def _images(offered: Offered) -> Iterator[Line]:
    yield "IMAGE", "NAME", "REFERENCE"
    for row in offered.images:
        yield row.slug, row.display_name, row.image


def _priorities(offered: Offered) -> Iterator[Line]:
    yield "PRIORITY", "NAME", "PRIORITY CLASS"
    for row in offered.priorities:
        yield _marked(row.slug, default=row.default), row.display_name, row.priority_class


def _teams(offered: Offered) -> Iterator[Line]:
    yield "TEAM", "NAME", "NAMESPACE"
    for row in offered.teams:
        yield _marked(row.slug, default=row.default), row.display_name, row.namespace


def _volumes(offered: Offered) -> Iterator[Line]:
    yield "VOLUME", "NAME", "MOUNTED AT", "ON"
    everywhere = tuple(row.slug for row in offered.hardware)
    for row in offered.volumes:
        place = f"{row.mount_path} (read-only)" if row.read_only else row.mount_path
        yield row.slug, row.display_name, place, "all" if row.hardware == everywhere else ", ".join(row.hardware)


def _own_image(offered: Offered) -> Iterator[Line]:
    yield "OWN IMAGE", "PATTERN"
    if offered.own_image is not None:
        yield offered.own_image.display_name, offered.own_image.pattern


def _left_out(offered: Offered) -> Iterator[Line]:
    yield "LEFT OUT", "ROW", "ON", "BECAUSE"
    for row in offered.left_out:
        yield row.section, row.slug, row.hardware or "all", row.reason


def _marked(slug: str, *, default: bool) -> str:
    return f"{slug}{CHOSEN}" if default else slug


def _aligned(lines: Sequence[Line]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
