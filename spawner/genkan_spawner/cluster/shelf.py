"""Records of one kind by their place, shown as they are at one moment."""

from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from .table import Table

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class Shelf(Generic[K, R]):
    """A table and the view of it, which is made anew only when somebody looks after a change."""

    def __init__(self, place: Callable[[R], K]) -> None:
        self.table: Table[R] = Table(changed=self._changed)
        self._place = place
        self._records: dict[K, R] = {}
        self._view: Mapping[K, R] | None = None

    def view(self) -> Mapping[K, R]:
        """Return what is there now; it does not change any more."""
        if self._view is None:
            self._view = MappingProxyType(dict(self._records))
        return self._view

    def _changed(self, before: R | None, after: R | None) -> None:
        self._view = None
        if before is not None:
            del self._records[self._place(before)]
        if after is not None:
            self._records[self._place(after)] = after
