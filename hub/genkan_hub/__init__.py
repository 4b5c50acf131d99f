"""The hub: configuration and the `genkan` command."""

from genkan_profiles import __version__

from .configuration import configure

__all__ = ["__version__", "configure"]
