"""The sandbox: a real Kubernetes control plane on one machine."""

from genkan_profiles import __version__

__all__ = ["__version__"]
