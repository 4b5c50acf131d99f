"""The records of one kind, by the place of their objects, with each change told to whom it concerns."""

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Generic, TypeAlias, TypeVar

from genkan_spawner.api import JsonObject

R = TypeVar("R")

Key: TypeAlias = tuple[str, str]
"""Namespace, empty for kinds without one, and name."""


@dataclass(frozen=True, slots=True)
class Item(Generic[R]):
    """One object: where it is, which version of which incarnation, and what is kept of it."""

    key: Key
    uid: str
    version: str
    record: R | None
    """None if nothing is to be kept but that it is there."""


def key_of(raw: JsonObject) -> Key:
    """Return the place of a raw object."""
    metadata = raw["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


class Table(Generic[R]):
    """All objects of one kind; `changed` is called with the record before and after each change of one."""

    def __init__(self, *, changed: Callable[[R | None, R | None], None]) -> None:
        self._items: dict[Key, Item[R]] = {}
        self._changed = changed
        self._records = 0

    def __len__(self) -> int:
        """Return how many records are kept."""
        return self._records

    def get(self, key: Key) -> Item[R] | None:
        """Return what is at a place."""
        return self._items.get(key)

    def namespaces(self) -> set[str]:
        """Return where there are objects."""
        return {namespace for namespace, _ in self._items}

    def put(self, item: Item[R]) -> None:
        """Take in an object as it is now."""
        before = self._items.get(item.key)
        record = before.record if before is not None else None
        if item.record == record:
            self._items[item.key] = replace(item, record=record)
        else:
            self._items[item.key] = item
            self._tell(record, item.record)

    def drop(self, key: Key) -> None:
        """Forget an object that is gone."""
        if (before := self._items.pop(key, None)) is not None and before.record is not None:
            self._tell(before.record, None)

    def keep(self, keys: Container[Key], *, namespace: str | None = None) -> list[Item[R]]:
        """Forget all objects but these, everywhere or in one namespace, and return those that are gone."""
        gone = [
            item for key, item in self._items.items() if key not in keys and (namespace is None or key[0] == namespace)
        ]
        for item in gone:
            self.drop(item.key)
        return gone

    def _tell(self, before: R | None, after: R | None) -> None:
        self._records += (after is not None) - (before is not None)
        self._changed(before, after)
