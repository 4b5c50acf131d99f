"""What Prometheus is told of the catalogue, among the hub's own metrics at /hub/metrics."""

from collections.abc import Mapping, Sized
from datetime import datetime

from prometheus_client import Gauge

from genkan_profiles import Catalogue, Section

_VALID = Gauge(
    "genkan_catalogue_valid",
    "1 while the newest catalogue file can be used, 0 while an older one stands in for it or none is there",
)
_LOADED = Gauge(
    "genkan_catalogue_loaded_timestamp_seconds",
    "When the catalogue in use was read from its file, in seconds since 1970",
)
_ROWS = Gauge("genkan_catalogue_rows", "Rows of the catalogue in use", ["section"])


def row_counts(catalogue: Catalogue) -> Mapping[Section, int]:
    """Count the rows of each section; an own image is one."""
    sections = {section: getattr(catalogue, section) for section in Section}
    return {
        section: len(rows) if isinstance(rows, Sized) else int(rows is not None) for section, rows in sections.items()
    }


def show_good(catalogue: Catalogue, *, loaded_at: datetime) -> None:
    """Tell that the newest file is in use."""
    _VALID.set(1)
    _LOADED.set(loaded_at.timestamp())
    for section, count in row_counts(catalogue).items():
        _ROWS.labels(section=section.value).set(count)


def show_broken() -> None:
    """Tell that the newest file cannot be used; what is said of the rows stays, for they are still those in use."""
    _VALID.set(0)
