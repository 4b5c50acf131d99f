"""How full one disk is, and from when on that matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class DiskFill:
    """One shared disk at one moment; sizes in bytes."""

    used: int
    size: int
    warn_from: float
    """Percent from which users are told."""
    refuse_from: float
    """Percent from which only hardware for cleaning up starts."""
    rescue: tuple[str, ...] = ()
    """What people call that hardware, as far as everybody is offered it."""
    largest: tuple[tuple[str, int], ...] = ()
    """Who uses most, with bytes, where the site tells."""

    @property
    def percent(self) -> float:
        """How full it is; what has no size is empty."""
        return 100 * self.used / self.size if self.size else 0.0

    @property
    def warns(self) -> bool:
        """Whether users are to be told."""
        return self.percent >= self.warn_from

    @property
    def refuses(self) -> bool:
        """Whether servers are not started."""
        return self.percent >= self.refuse_from


Fills: TypeAlias = Mapping[tuple[str, str], DiskFill]
"""By namespace and name of a claim; the namespace is empty where a claim of that name is the same disk everywhere."""
