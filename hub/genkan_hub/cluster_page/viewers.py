"""What somebody may see and do on the page, by the scopes that JupyterHub gives them.

https://jupyterhub.readthedocs.io/en/stable/rbac/scopes.html#horizontal-filtering
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from .holders import Holder
from .scopes import SEE, STOP


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose servers a scope is about."""

    everybody: bool = False
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    """As JupyterHub writes them: `user/name`, `user/` for a default server."""

    @classmethod
    def of(cls, scope: str, scopes: Iterable[str]) -> Self:
        """Gather what all filters of one scope allow; a filter that is not known allows nothing."""
        allowed: dict[str, set[str]] = {"user": set(), "group": set(), "server": set()}
        for text in scopes:
            name, filtered, rule = text.partition("!")
            if name != scope:
                continue
            if not filtered:
                return cls(everybody=True)
            kind, _, value = rule.partition("=")
            allowed.get(kind, set()).add(value)
        return cls(
            users=frozenset(allowed["user"]), groups=frozenset(allowed["group"]), servers=frozenset(allowed["server"])
        )

    def covers(self, user: str, name: str, groups: Collection[str]) -> bool:
        """Return whether a server of somebody in these groups is among them."""
        return (
            self.everybody
            or user in self.users
            or f"{user}/{name}" in self.servers
            or not self.groups.isdisjoint(groups)
        )

    def holds(self, holder: Holder) -> bool:
        """Return whether a holder is among them; pods of others are everybody's or nobody's."""
        if self.everybody or not holder.user:
            return self.everybody
        server = holder.server
        return self.covers(holder.user, server.name if server else "", server.groups if server else ())


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at the page."""

    name: str
    sees: Reach
    stops: Reach
    sees_names: bool = False
    """Whether names of people are shown to everybody."""

    @classmethod
    def of(cls, name: str, scopes: Collection[str], *, sees_names: bool) -> Self:
        """Read what the hub says of somebody."""
        return cls(name, sees=Reach.of(SEE, scopes), stops=Reach.of(STOP, scopes), sees_names=sees_names)

    @property
    def is_administrator(self) -> bool:
        """Whether they may see all servers, and with them all that the page knows."""
        return self.sees.everybody

    def may_stop(self, holder: Holder) -> bool:
        """Return whether they may stop a server, as far as the page can tell; the hub decides."""
        return holder.server is not None and self.sees.holds(holder) and self.stops.holds(holder)
