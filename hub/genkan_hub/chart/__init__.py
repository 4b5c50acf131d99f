"""The hub in the Zero to JupyterHub chart."""

from .configuration import configure

__all__ = ["configure"]
