"""The catalogue: what a site offers, and how it becomes KubeSpawner's profile list."""

__version__ = "0.1.0"

__all__ = ["__version__"]
