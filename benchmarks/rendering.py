"""Results as Markdown."""

from collections.abc import Sequence

from benchmarks.records import Conditions, Finding, MemoryReading, Outcome, Result, Results, Series, Unit
from benchmarks.summaries import Summary

HEAD = """\
# Results

Written by `make bench`; [how it measures](../docs/contributors/benchmarks.md).
"""

_MEBIBYTE = 2**20
_NOTHING = "-"


def render(results: Results) -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(render_result(result) for result in results.results)])


def render_result(result: Result) -> str:
    """Return the section of one benchmark: how, what, and under which conditions."""
    parts = [f"## {result.outcome.title}", result.outcome.method, *_tables(result.outcome)]
    return "\n\n".join([*parts, f"*{_conditions(result.conditions)}*"]) + "\n"


def _tables(outcome: Outcome) -> list[str]:
    return [
        *([_series_table(outcome.series)] if outcome.series else []),
        *([_findings_table(outcome.findings)] if outcome.findings else []),
        *([_memory_table(outcome.memory)] if outcome.memory else []),
        *(f"{table.title}\n\n{_table(table.head, table.rows)}" for table in outcome.tables),
    ]


def _series_table(rows: Sequence[Series]) -> str:
    return _table(["", "samples", "median", "p95", "min", "max"], [_series_row(row) for row in rows])


def _series_row(row: Series) -> list[str]:
    found = Summary.of(row.samples)
    numbers = (found.median, found.p95, found.least, found.most)
    return [
        row.label,
        str(found.count),
        *(_NOTHING if number is None else _spell(number, row.unit) for number in numbers),
    ]


def _findings_table(rows: Sequence[Finding]) -> str:
    return _table(["", "found"], [[row.label, row.text] for row in rows])


def _memory_table(readings: Sequence[MemoryReading]) -> str:
    """Return one row per component and one column per situation, in MiB."""
    names = list(dict.fromkeys(name for reading in readings for name in reading.components))
    rows = [[name, *(_mebibytes(reading.components.get(name)) for reading in readings)] for name in names]
    totals = ["together", *(_mebibytes(reading.total) for reading in readings)]
    return _table(["MiB", *(reading.situation for reading in readings)], [*rows, totals])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is for words and the others for numbers."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(_cell(text) for text in row)} |" for row in (head, rule, *rows))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _spell(number: float | None, unit: Unit) -> str:
    if number is None:
        return _NOTHING
    match unit:
        case Unit.SECONDS:
            return f"{number:.2f} s"
        case Unit.MILLISECONDS:
            return f"{number:.0f} ms"
        case Unit.PODS_PER_SECOND:
            return f"{number:.0f}/s"


def _mebibytes(count: int | None) -> str:
    return _NOTHING if count is None else f"{count / _MEBIBYTE:,.0f}"


def _conditions(found: Conditions) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    load = f"load average {found.load_before:.1f} before and {found.load_after:.1f} after"
    quick = " A quick run: the figures only show that it works." if found.quick else ""
    return f"{found.started:%Y-%m-%d %H:%M} UTC, commit {found.commit}. {found.machine}; {load}. {versions}.{quick}"
