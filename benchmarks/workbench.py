"""What every benchmark is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.records import Outcome
from genkan_sandbox.binaries import Binaries
from genkan_sandbox.progress import Progress


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where and how thoroughly to measure."""

    folder: Path
    """Empty; it is removed afterwards."""

    progress: Progress
    quick: bool
    """Whether a few samples are enough."""

    binaries: Binaries
    full: bool = False
    """Whether as many samples are wanted as the product's promises name, whatever the time."""


Benchmark = Callable[[Workbench], Awaitable[Outcome]]
