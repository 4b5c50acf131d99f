"""Single-user images derived from NVIDIA's."""

from genkan_profiles import __version__

__all__ = ["__version__"]
