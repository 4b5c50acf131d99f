"""What every benchmark is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.records import Outcome
from genkan_sandbox.progress import Progress


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where and how thoroughly to measure."""

    folder: Path
    """Empty; it is removed afterwards."""

    progress: Progress
    quick: bool
    """Whether a few samples are enough."""


Benchmark = Callable[[Workbench], Awaitable[Outcome]]
