"""The spawner: a KubeSpawner that offers the catalogue.

The names are loaded when they are first used: KubeSpawner and JupyterHub take two seconds to import, and the sandbox's
node agent and commands, which need no more than the Kubernetes API, would wait for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from genkan_profiles import __version__

if TYPE_CHECKING:
    from .offering import offered_profiles
    from .reasons import Reason
    from .refusals import Refusal
    from .spawner import GenkanSpawner

__all__ = ["GenkanSpawner", "Reason", "Refusal", "__version__", "offered_profiles"]

_HOMES = {"GenkanSpawner": "spawner", "Reason": "reasons", "Refusal": "refusals", "offered_profiles": "offering"}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
