"""The pods of users' servers, and whoever waits for one of them to change.

It is fed by the watch of pods that the whole hub shares; nothing here asks the API.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from genkan_spawner.api import JsonObject

from .pod_state import PodState

Key: TypeAlias = tuple[str, str]
"""Namespace and name."""


class ServerPods:
    """The newest state of each server's pod."""

    def __init__(self) -> None:
        self._states: dict[Key, PodState] = {}
        self._trimmed: dict[Key, JsonObject] = {}
        self._waiting: dict[Key, set[asyncio.Event]] = {}

    def show(self, pod: JsonObject) -> None:
        """Take in a pod that is there."""
        state = PodState.of(pod)
        key = (state.namespace, state.name)
        self._states[key] = state
        self._trimmed[key] = _trimmed(pod)
        self._wake(key)

    def drop(self, namespace: str, name: str, *, uid: str = "") -> None:
        """Take in that a pod is gone; one of the same name with another uid stays."""
        key = (namespace, name)
        known = self._states.get(key)
        if known is None or (uid and known.uid != uid):
            return
        del self._states[key], self._trimmed[key]
        self._wake(key)

    def replace(self, pods: Iterable[JsonObject]) -> None:
        """Take in all pods that there are."""
        found = list(pods)
        keys = {(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in found}
        for key in [key for key in self._states if key not in keys]:
            self.drop(*key)
        for pod in found:
            self.show(pod)

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
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), every)
        finally:
            waiting = self._waiting[key]
            waiting.discard(event)
            if not waiting:
                del self._waiting[key]

    def in_namespace(self, namespace: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the pods of a namespace as KubeSpawner's reflector holds them, by namespace and name."""
        return {f"{key[0]}/{key[1]}": pod for key, pod in self._trimmed.items() if key[0] == namespace}

    def raw(self, namespace: str, name: str) -> JsonObject | None:
        """Return what KubeSpawner reads of a pod."""
        return self._trimmed.get((namespace, name))

    def _wake(self, key: Key) -> None:
        for event in self._waiting.get(key, ()):
            event.set()


def _trimmed(pod: JsonObject) -> JsonObject:
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
