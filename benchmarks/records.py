"""What was measured, and under which conditions: the shape of results.json."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Read back from results.json, where an unknown or a missing field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Unit(StrEnum):
    """What a sample counts."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    PODS_PER_SECOND = "pods/s"


class Series(Record):
    """The same thing, measured several times."""

    label: str
    unit: Unit
    samples: tuple[float, ...]


class MemoryReading(Record):
    """The resident memory of a sandbox's components in one situation."""

    situation: str
    components: dict[str, int]
    """Bytes of each component with its children."""

    @property
    def total(self) -> int:
        """All components together, in bytes."""
        return sum(self.components.values())


class Finding(Record):
    """Something that held or did not, in words."""

    label: str
    text: str


class Table(Record):
    """Figures that are neither samples nor single findings."""

    title: str
    head: tuple[str, ...]
    """The first column is for words, the others are for figures."""

    rows: tuple[tuple[str, ...], ...]


class Outcome(Record):
    """What one benchmark found out."""

    title: str
    method: str
    series: tuple[Series, ...] = ()
    memory: tuple[MemoryReading, ...] = ()
    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()


class Conditions(Record):
    """Everything that figures depend on and do not show."""

    started: datetime
    commit: str
    machine: str
    versions: dict[str, str]
    load_before: float
    """Load average of the last minute, before the benchmark began."""

    load_after: float
    quick: bool
    """Whether the figures come from a few samples, taken to see that the benchmark works."""


class Result(Record):
    """One benchmark's outcome and the conditions of its run."""

    name: str
    outcome: Outcome
    conditions: Conditions


class Results(Record):
    """All benchmarks, each as it was run last."""

    results: tuple[Result, ...] = ()

    def with_result(self, result: Result) -> "Results":
        """Put a result in the place of an earlier one of the same benchmark."""
        found = {one.name: one for one in self.results} | {result.name: result}
        return Results(results=tuple(found[name] for name in sorted(found)))
