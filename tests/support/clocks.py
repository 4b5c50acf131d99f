"""A clock that a test turns by hand."""

from dataclasses import dataclass


@dataclass(slots=True)
class FakeClock:
    """Seconds since some moment."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
