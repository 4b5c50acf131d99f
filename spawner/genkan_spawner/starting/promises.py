"""The places of servers between their forms and their starts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from genkan_spawner.checks.conditions import Conditions
from genkan_spawner.checks.demand import Demand

from .reservation import Reservation

if TYPE_CHECKING:
    from genkan_spawner.cluster_spawner import ClusterSpawner

Key: TypeAlias = tuple[str, str]
"""The names of a user and of a server."""

HELD_FOR = 10.0
"""Seconds after which a place is given back whose start did not come: JupyterHub may have turned it away."""


MOST_WISHES = 1000
"""Choices of which it is remembered what they need; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a choice asks for, and under which conditions."""

    demand: Demand
    conditions: Conditions


class Promises:
    """Places that are held, by user and server.

    After a refusal JupyterHub reads the next form with another spawner than it starts.
    """

    def __init__(self) -> None:
        self._held: dict[Key, tuple[Reservation, asyncio.TimerHandle]] = {}
        self._wishes: dict[str, Wish] = {}

    def wish(self, options: Mapping[str, Any]) -> Wish | None:
        """Return what the last one needed who made the same choice."""
        return self._wishes.get(repr(sorted(options.items())))

    def learn(self, options: Mapping[str, Any], wish: Wish) -> None:
        """Remember what a choice needs."""
        self._wishes[repr(sorted(options.items()))] = wish
        while len(self._wishes) > MOST_WISHES:
            del self._wishes[next(iter(self._wishes))]

    def hold(self, spawner: "ClusterSpawner", reservation: Reservation) -> None:
        """Keep a place, for a while."""
        self.release(spawner)
        spawner.foreseen_namespace = reservation.demand.namespace
        lapse = asyncio.get_running_loop().call_later(HELD_FOR, self._release, _key(spawner))
        self._held[_key(spawner)] = reservation, lapse

    def take(self, spawner: "ClusterSpawner") -> Reservation | None:
        """Hand a place over to its start."""
        return self._take(_key(spawner))

    def release(self, spawner: "ClusterSpawner") -> None:
        """Give a place back."""
        self._release(_key(spawner))

    def _release(self, key: Key) -> None:
        if (reservation := self._take(key)) is not None:
            reservation.forget()

    def _take(self, key: Key) -> Reservation | None:
        if key not in self._held:
            return None
        reservation, lapse = self._held.pop(key)
        lapse.cancel()
        return reservation


def _key(spawner: "ClusterSpawner") -> Key:
    return spawner.user.name, spawner.name
