"""The kubelet's growing delays between attempts."""

from dataclasses import dataclass

RESTART_FIRST, RESTART_MOST = 10.0, 300.0
"""Seconds between restarts of a container, and between pulls of an image."""

FORGIVEN_AFTER = 600.0
"""Seconds of running after which a container's failures are forgotten."""

MOUNT_FIRST, MOUNT_MOST = 0.5, 122.0
"""Seconds between attempts to mount a volume."""


@dataclass(slots=True)
class Backoff:
    """Delays that double from the first to the longest."""

    first: float
    most: float
    _next: float = 0.0

    def delay(self) -> float:
        """Return the seconds to wait now."""
        delay = self._next or self.first
        self._next = min(delay * 2, self.most)
        return delay

    def reset(self) -> None:
        """Begin with the first delay again."""
        self._next = 0.0
