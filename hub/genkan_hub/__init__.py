"""The hub: configuration, pages, sign-in and the `genkan` command."""

from genkan_profiles import __version__

from .configuration import configure
from .sign_in import sign_in_with

__all__ = ["__version__", "configure", "sign_in_with"]
