"""What Prometheus is told of the catalogue, among the hub's own metrics at /hub/metrics."""

import math
from collections.abc import Callable, Mapping, Sized
from datetime import datetime

from prometheus_client import Gauge

from genkan_profiles import Catalogue, Section

_VALID = Gauge(
    "genkan_catalogue_valid",
    "1 if the newest catalogue file is in use; 0 if it is broken, and the last good one, if there was any, is used",
)
_LOADED = Gauge(
    "genkan_catalogue_loaded_timestamp_seconds",
    "When the catalogue in use was read, in seconds since 1970",
)
_ROWS = Gauge("genkan_catalogue_rows", "Rows of the catalogue in use, by section", ["section"])

_LOADED.set(math.nan)


class _Validity:
    """The value of `genkan_catalogue_valid`; asking for it lets the files be looked at, for the next one who asks."""

    def __init__(self) -> None:
        self.value = math.nan
        self.look: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        self.look()
        return self.value


_validity = _Validity()
_VALID.set_function(_validity)


def look_before_scrapes(look: Callable[[], None]) -> None:
    """Have the files looked at whenever metrics are read, so that a broken file is found when no user comes."""
    _validity.look = look


def row_counts(catalogue: Catalogue) -> Mapping[Section, int]:
    """Count the rows of each section; an own image is one."""
    sections = {section: getattr(catalogue, section) for section in Section}
    return {
        section: len(rows) if isinstance(rows, Sized) else int(rows is not None) for section, rows in sections.items()
    }


def show_good(catalogue: Catalogue, *, loaded_at: datetime) -> None:
    """Tell that the newest file is in use."""
    _validity.value = 1
    _LOADED.set(loaded_at.timestamp())
    for section, count in row_counts(catalogue).items():
        _ROWS.labels(section=section.value).set(count)


def show_broken() -> None:
    """Tell that the newest file cannot be used; the rows in use are still those that were told of."""
    _validity.value = 0
