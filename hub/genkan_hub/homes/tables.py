"""Homes as lines of JSON, and as text in columns for a terminal."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from .listing import FoundHome
from .planning import PlannedHome

_KNOWN = {True: "yes", False: "no", None: "?"}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024


def planned_line(home: PlannedHome) -> str:
    """Return a home as a line of JSON."""
    return json.dumps(asdict(home), ensure_ascii=False)


def found_line(home: FoundHome) -> str:
    """Return a home as a line of JSON, with its times as text."""
    times = {"made": _time(home.made) or None, "last_use": _time(home.last_use) or None}
    return json.dumps(asdict(home) | times, ensure_ascii=False)


def planned_text(homes: Sequence[PlannedHome]) -> str:
    """Write a table of homes that users would have."""
    return _aligned(
        [
            ("USER", "KIND", "CLAIM", "PATH"),
            *((_shown(row.user), row.kind, row.claim, _shown(row.path or "")) for row in homes),
        ]
    )


def found_text(homes: Sequence[FoundHome]) -> str:
    """Write a table of the homes that there are."""
    rows = [
        (
            "?" if row.user is None else _shown(row.user),
            _KNOWN[row.known],
            _shown(row.path or f"{row.namespace}/{row.claim}"),
            size_text(row.size),
            _last_use(row),
        )
        for row in homes
    ]
    return _aligned([("USER", "KNOWN", "HOME", "SIZE", "LAST USE"), *rows])


def size_text(size: int | None) -> str:
    """Write a number of bytes as people do; nothing where it is not known."""
    if size is None:
        return ""
    step = min(max(0, (size.bit_length() - 1) // 10), len(_UNITS) - 1)
    return f"{size} B" if step == 0 else f"{size / _STEP**step:.1f} {_UNITS[step]}"


def _shown(name: str) -> str:
    """Return a name as it is, or quoted where a terminal would not show it so."""
    return name if name.isprintable() else repr(name)


def _last_use(home: FoundHome) -> str:
    """Write when a home was last used, or since when it may have been; nothing where neither is known."""
    if home.last_use is None and home.made is not None:
        return f"after {_time(home.made)}"
    return _time(home.last_use)


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _aligned(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
