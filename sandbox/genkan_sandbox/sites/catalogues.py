"""The catalogue that a site's hub offers, and what it needs of the site."""

import functools
from enum import StrEnum
from pathlib import Path

from genkan_profiles import BUILT_IN, SAMPLE, Catalogue, load_catalogue


class ShippedCatalogue(StrEnum):
    """The catalogues that come with Genkan."""

    BUILT_IN = "built-in"
    """CPUs and any NVIDIA cards, for everybody."""
    SAMPLE = "sample"
    """Cards of several kinds, three priorities and two teams; the site needs their namespaces and classes."""

    @property
    def path(self) -> Path:
        """The file."""
        return _PATHS[self]

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where the servers of its teams run."""
        return tuple(dict.fromkeys(team.namespace for team in _catalogue(self).teams))

    @property
    def priority_classes(self) -> tuple[str, ...]:
        """The classes that its priorities name."""
        return tuple(dict.fromkeys(priority.priority_class for priority in _catalogue(self).priorities))


_PATHS = {ShippedCatalogue.BUILT_IN: BUILT_IN, ShippedCatalogue.SAMPLE: SAMPLE}


@functools.cache
def _catalogue(shipped: ShippedCatalogue) -> Catalogue:
    return load_catalogue(shipped.path)
