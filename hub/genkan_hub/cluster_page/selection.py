"""Search, filters and order of the page, as its address says; whatever an address holds is taken or left out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self, TypeAlias
from urllib.parse import urlencode

from .holders import Kind
from .view import ClusterView, MachineView, ServerView

Query: TypeAlias = Mapping[str, Sequence[str]]
"""The arguments of an address."""

DESCENDING = "-"
"""Before the name of a column that is sorted from the top."""

LONGEST_TEXT = 200

_SortKey: TypeAlias = Callable[[ServerView], Any]


def _text(read: Callable[[ServerView], str]) -> _SortKey:
    return lambda row: read(row).casefold()


def _number(read: Callable[[ServerView], float | datetime | None]) -> _SortKey:
    """Sort by a number; rows without one count as less than all others."""

    def key(row: ServerView) -> tuple[bool, float]:
        value = read(row)
        number = value.timestamp() if isinstance(value, datetime) else value
        return number is not None, number or 0.0

    return key


COLUMNS: Mapping[str, _SortKey] = {
    "who": _text(lambda row: row.user or f"{row.namespace}/{row.pod}"),
    "team": _text(lambda row: row.team),
    "profile": _text(lambda row: f"{row.hardware} {row.image}"),
    "where": _text(lambda row: f"{row.node} {' '.join(row.indices)}"),
    "priority": _text(lambda row: row.priority),
    "since": _number(lambda row: row.since),
    "use": _number(lambda row: row.utilisation),
    "memory": _number(lambda row: row.memory_used),
    "active": _number(lambda row: row.last_activity),
}
"""What the table can be sorted by."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What somebody wants to see; an empty text stands for everything."""

    q: str = ""
    """Words that all have to be somewhere in a row."""
    team: str = ""
    priority: str = ""
    product: str = ""
    state: str = ""
    """A state of a server, or `idle`."""
    kind: str = ""
    """`server`, `other`, or `gpu` for whatever holds one."""
    sort: str = ""

    @classmethod
    def of(cls, query: Query) -> Self:
        """Read the arguments of an address."""
        found = {row.name: query[row.name][-1][:LONGEST_TEXT].strip() for row in fields(cls) if query.get(row.name)}
        if found.get("sort", "").removeprefix(DESCENDING) not in COLUMNS:
            found.pop("sort", None)
        return cls(**found)

    @property
    def filters(self) -> bool:
        """Whether anything is left out."""
        return any((self.q, self.team, self.priority, self.product, self.state, self.kind))

    def address(self, **changes: str) -> str:
        """Return the arguments of an address that shows this, with a question mark; empty where there are none."""
        values = {row.name: getattr(self, row.name) for row in fields(self)} | changes
        arguments = urlencode({name: value for name, value in values.items() if value})
        return f"?{arguments}" if arguments else ""

    def sorted_by(self, column: str) -> str:
        """Return the other order of a column where it is sorted by it already, else its first one."""
        return DESCENDING + column if self.sort == column else column

    def applied(self, view: ClusterView) -> ClusterView:
        """Return a view with the rows that are wanted, in order, and the machines that have to do with them."""
        servers = [row for row in view.servers if self._wants(row, view)]
        if self.sort:
            key = COLUMNS[self.sort.removeprefix(DESCENDING)]
            servers.sort(key=key, reverse=self.sort.startswith(DESCENDING))
        if not self.filters:
            return view.model_copy(update={"servers": tuple(servers)})
        keys = {row.key for row in servers}
        machines = (machine for machine in view.machines if self._wants_machine(machine, keys))
        return view.model_copy(update={"servers": tuple(servers), "machines": tuple(machines)})

    def _wants(self, row: ServerView, view: ClusterView) -> bool:
        return (
            self.team in {"", row.team}
            and self.priority in {"", row.priority}
            and (not self.product or self.product in row.products)
            and self.state in {"", row.state, "idle" if is_idle(row, view) else ""}
            and (self.kind in {"", row.kind} or (self.kind == "gpu" and row.gpus > 0))
            and _has_all(self.q, haystack(row))
        )

    def _wants_machine(self, machine: MachineView, keys: set[str]) -> bool:
        held = {device.server for kind in machine.kinds for device in kind.devices}
        if held & keys:
            return True
        of_rows = self.team or self.priority or self.state or self.kind
        product = not self.product or any(kind.product == self.product for kind in machine.kinds)
        return not of_rows and product and _has_all(self.q, machine_haystack(machine))


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: what there is."""

    teams: tuple[str, ...]
    priorities: tuple[str, ...]
    products: tuple[str, ...]

    @classmethod
    def of(cls, view: ClusterView) -> Self:
        """Gather them from all rows."""
        return cls(
            teams=_distinct(row.team for row in view.servers),
            priorities=_distinct(row.priority for row in view.servers),
            products=_distinct(kind.product for kind in view.kinds),
        )


def is_idle(row: ServerView, view: ClusterView) -> bool:
    """Return whether a server has held its GPUs for long without computing."""
    return row.idle_since is not None and (view.at - row.idle_since).total_seconds() >= view.idle_after


def sort_text(column: str, row: ServerView) -> str:
    """Return by what a row is sorted in a column of texts."""
    return str(COLUMNS[column](row))


def sort_number(column: str, row: ServerView) -> str:
    """Return by what a row is sorted in a column of numbers; empty where it has none."""
    known, number = COLUMNS[column](row)
    return f"{number:.10g}" if known else ""


def haystack(row: ServerView) -> str:
    """Return all words by which a row is found, in small letters."""
    pod = f"{row.namespace}/{row.pod}" if row.kind is Kind.OTHER else row.pod
    words = (
        row.user,
        row.name,
        row.title,
        row.team,
        row.hardware,
        row.image,
        row.priority,
        row.node,
        pod,
        *row.products,
    )
    return " ".join(filter(None, words)).casefold()


def machine_haystack(machine: MachineView) -> str:
    """Return all words by which a machine itself is found, in small letters."""
    return " ".join([machine.name, *(f"{kind.product} {kind.resource}" for kind in machine.kinds)]).casefold()


def _has_all(words: str, text: str) -> bool:
    return all(word in text for word in words.casefold().split())


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({text for text in texts if text}, key=str.casefold))
