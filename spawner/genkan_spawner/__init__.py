"""The spawner: a KubeSpawner that offers the catalogue.

The names are loaded when they are first used: KubeSpawner and JupyterHub take two seconds to import, and the sandbox's
node agent and commands, which need no more than the Kubernetes API, would wait for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from genkan_profiles import __version__

if TYPE_CHECKING:
    from .refusals import Reason, Refusal
    from .spawner import GenkanSpawner, offered_profiles

__all__ = ["GenkanSpawner", "Reason", "Refusal", "__version__", "offered_profiles"]

_HOMES = {"GenkanSpawner": "spawner", "Reason": "refusals", "Refusal": "refusals", "offered_profiles": "spawner"}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
