"""The table as CSV, for spreadsheets."""

import csv
from collections.abc import Iterable
from datetime import datetime
from io import StringIO

from .view import ServerView

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet would compute; the last four are the full-width forms of the first.

https://owasp.org/www-community/attacks/CSV_Injection
"""

HEAD = (
    "kind", "state", "user", "server", "title", "team", "hardware", "image", "priority", "namespace", "pod", "node",
    "gpus", "products", "gpu_indices", "since", "last_activity", "utilisation_percent", "memory_used_bytes",
    "memory_size_bytes", "measured_at", "idle_since",
)  # fmt: skip


def as_csv(rows: Iterable[ServerView]) -> str:
    """Write rows with a head, as RFC 4180 has it; what people wrote never begins a formula."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEAD)
    writer.writerows([_cell(value) for value in _values(row)] for row in rows)
    return text.getvalue()


def _values(row: ServerView) -> list[object]:
    return [
        row.kind, row.state, row.user, row.name, row.title, row.team, row.hardware, row.image, row.priority,
        row.namespace, row.pod, row.node, row.gpus, " ".join(row.products), " ".join(row.indices), row.since,
        row.last_activity, row.utilisation, row.memory_used, row.memory_size, row.measured_at, row.idle_since,
    ]  # fmt: skip


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat()
        case float():
            return f"{value:.1f}"
        case str() if value.lstrip(" ").startswith(_FORMULA):
            return f"'{value}"
        case _:
            return str(value)
