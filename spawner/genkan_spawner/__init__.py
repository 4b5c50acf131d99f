"""The spawner: a KubeSpawner that offers the catalogue."""

from genkan_profiles import __version__

from .refusals import Reason, Refusal
from .spawner import GenkanSpawner, offered_profiles

__all__ = ["GenkanSpawner", "Reason", "Refusal", "__version__", "offered_profiles"]
