"""What a spawner had before a profile changed it.

A spawner lives longer than a server: JupyterHub uses it for the next start too, and KubeSpawner merges the next profile
into what the last one left.
"""

from collections.abc import Iterable
from typing import Any

from traitlets import HasTraits


class Baseline:
    """The values of traits as they were, to be put back."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def keep(self, traits: HasTraits, names: Iterable[str]) -> None:
        """Note the values of these traits, but for those that are noted already."""
        for name in names:
            if name not in self._values and hasattr(traits, name):
                self._values[name] = _copied(getattr(traits, name))

    def __getitem__(self, name: str) -> Any:
        """Return the value that was noted of a trait; KeyError where none was."""
        return self._values[name]

    def restore(self, traits: HasTraits) -> None:
        """Put back what was noted, and forget it."""
        while self._values:
            name, value = self._values.popitem()
            setattr(traits, name, value)


def _copied(value: Any) -> Any:
    """Copy containers only: a value may be a method of something that is not to be copied with it."""
    match value:
        case dict():
            return {key: _copied(inner) for key, inner in value.items()}
        case list():
            return [_copied(inner) for inner in value]
        case _:
            return value
