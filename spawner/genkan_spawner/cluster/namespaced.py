"""Records of one kind by their namespaces, in the order of their names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar


class _Placed(Protocol):
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...


P = TypeVar("P", bound=_Placed)


class Namespaced(Generic[P]):
    """Follows a table; only the namespaces with a change are put together anew."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, P]] = {}
        self._changed: set[str] = set()
        self._view: Mapping[str, tuple[P, ...]] = MappingProxyType({})

    @property
    def news(self) -> bool:
        """Whether there was a change since the last view."""
        return bool(self._changed)

    def changed(self, before: P | None, after: P | None) -> None:
        """Take in a change of one record."""
        if before is not None:
            self._changed.add(before.namespace)
            left = self._records[before.namespace]
            del left[before.name]
            if not left:
                del self._records[before.namespace]
        if after is not None:
            self._changed.add(after.namespace)
            self._records.setdefault(after.namespace, {})[after.name] = after

    def view(self) -> Mapping[str, tuple[P, ...]]:
        """Return what there is; the same object as long as nothing changes."""
        if self._changed:
            views = {name: found for name, found in self._view.items() if name not in self._changed}
            for name in self._changed & self._records.keys():
                views[name] = tuple(record for _, record in sorted(self._records[name].items()))
            self._view = MappingProxyType(dict(sorted(views.items())))
            self._changed.clear()
        return self._view
