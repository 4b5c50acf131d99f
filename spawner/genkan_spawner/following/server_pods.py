"""The pods of users' servers, and whoever waits for one of them to change.

It is fed by the watch of pods that the whole hub shares; nothing here asks the API.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from typing import TypeAlias, TypeVar

from genkan_spawner.api import JsonObject

from .endings import Ending, end_of
from .pod_state import PodState

Key: TypeAlias = tuple[str, str]
"""Namespace and name."""

V = TypeVar("V")

MOST_ENDINGS = 10_000
"""Ends of servers, and moments, that are remembered; the oldest goes first."""


class ServerPods:
    """The newest state of each server's pod."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[Key, PodState] = {}
        self._trimmed: dict[Key, JsonObject] = {}
        self._waiting: dict[Key, set[asyncio.Event]] = {}
        self._endings: dict[Key, Ending] = {}
        self._alerts: dict[Key, Callable[[], None]] = {}
        self._gone: dict[Key, float] = {}
        """When pods went."""

    def show(self, pod: JsonObject) -> None:
        """Take in a pod that is there."""
        state = PodState.of(pod)
        key = (state.namespace, state.name)
        self._states[key] = state
        self._endings.pop(key, None)
        self._trimmed[key] = trimmed(pod)
        self._wake(key)

    def drop(self, pod: JsonObject) -> None:
        """Take in that a pod is gone, as it was at its end or no more than its metadata; a namesake stays."""
        last = PodState.of(pod)
        key = (last.namespace, last.name)
        known = self._states.get(key)
        if known is None or known.uid != last.uid:
            return
        self._gone.pop(key, None)
        self._gone[key] = self._clock()
        _forget_oldest(self._gone)
        ending = (end_of(last) if pod.get("status") else None) or end_of(known)
        if ending is not None:
            self._endings[key] = ending
            _forget_oldest(self._endings)
        del self._states[key], self._trimmed[key]
        self._wake(key)

    def has_just_gone(self, namespace: str, name: str, *, within: float) -> bool:
        """Whether a pod of this name has gone in the last so many seconds."""
        gone = self._gone.get((namespace, name))
        return gone is not None and self._clock() - gone < within

    def ending(self, namespace: str, name: str) -> Ending | None:
        """Return why the last pod of a server went, if Kubernetes said so; None too for one that is there."""
        key = (namespace, name)
        state = self._states.get(key)
        return end_of(state) if state is not None else self._endings.get(key)

    def get(self, namespace: str, name: str) -> PodState | None:
        """Return a pod as it was last seen; None if it is not there."""
        return self._states.get((namespace, name))

    async def changes(self, namespace: str, name: str, *, every: float) -> AsyncGenerator[PodState | None]:
        """Yield a pod now, at each change and at least every so many seconds, for ever; None while it is not there."""
        key = (namespace, name)
        event = asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        try:
            while True:
                event.clear()
                yield self._states.get(key)
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
                with suppress(TimeoutError):
                    async with asyncio.timeout(every):
                        await event.wait()
        finally:
            waiting = self._waiting[key]
            waiting.discard(event)
            if not waiting:
                del self._waiting[key]

    def settle(self, namespace: str, name: str) -> None:
        """Forget why a pod went that the hub itself has removed, and whom to alert."""
        self._endings.pop((namespace, name), None)
        self._alerts.pop((namespace, name), None)

    def alert(self, namespace: str, name: str, callback: Callable[[], None]) -> None:
        """Call back once, as soon as this pod ends or goes; a later callback takes the place of an earlier one."""
        self._alerts[namespace, name] = callback

    def raw(self, namespace: str, name: str) -> JsonObject | None:
        """Return what KubeSpawner reads of a pod."""
        return self._trimmed.get((namespace, name))

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._states))

    def _wake(self, key: Key) -> None:
        state = self._states.get(key)
        if (state is None or end_of(state) is not None) and (callback := self._alerts.pop(key, None)) is not None:
            callback()
        for event in self._waiting.get(key, ()):
            event.set()


def _forget_oldest(rows: dict[Key, V]) -> None:
    while len(rows) > MOST_ENDINGS:
        del rows[next(iter(rows))]


def trimmed(pod: JsonObject) -> JsonObject:
    """Keep what KubeSpawner reads, and no environment: it holds the server's token."""
    metadata, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    kept = ("name", "namespace", "uid", "labels", "annotations", "creationTimestamp", "deletionTimestamp")
    containers = [
        {key: row[key] for key in ("name", "image", "ports", "resources") if key in row}
        for row in spec.get("containers") or ()
    ]
    return {
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"nodeName": spec.get("nodeName"), "containers": containers},
        "status": pod.get("status") or {},
    }
