"""Samples in a few numbers."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

ENOUGH_FOR_P95 = 20
"""Below this many samples the 95th percentile is hardly more than the largest one."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The middle and the ends of some samples."""

    count: int
    median: float
    p95: float | None
    """None where there are too few samples for it."""

    least: float
    most: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Summarise at least one sample."""
        return cls(
            count=len(samples),
            median=statistics.median(samples),
            p95=percentile(samples, 95) if len(samples) >= ENOUGH_FOR_P95 else None,
            least=min(samples),
            most=max(samples),
        )


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the value below which so many percent of the samples lie, interpolated between the two nearest."""
    ordered = sorted(samples)
    place = (len(ordered) - 1) * percent / 100
    lower, upper = math.floor(place), math.ceil(place)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower)
