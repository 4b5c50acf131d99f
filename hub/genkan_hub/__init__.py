"""The hub: configuration, pages, sign-in and the `genkan` command."""

from typing import TYPE_CHECKING, Any

from genkan_profiles import __version__

if TYPE_CHECKING:
    from .configuration import configure
    from .sign_in import sign_in_with

__all__ = ["__version__", "configure", "sign_in_with"]


def __getattr__(name: str) -> Any:
    """Import what a hub's configuration calls when that is asked for: services and commands begin without it."""
    match name:
        case "configure":
            from .configuration import configure

            return configure
        case "sign_in_with":
            from .sign_in import sign_in_with

            return sign_in_with
        case _:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
