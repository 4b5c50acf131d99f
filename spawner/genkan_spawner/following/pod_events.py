"""The events of one pod, asked for while its start takes long: most starts are over before."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from genkan_spawner.api import KubernetesApi
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import EVENTS

from .happenings import Happening
from .pod_state import PodState

LATER = 3.0
"""Seconds after which a start counts as one that takes long."""

EVERY = 8.0
"""Seconds between two looks. A watch would come at once, but hold one of the hub's connections for each start."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)


class PodEvents:
    """Collects the events of one pod from a while after it was created, while they tell more than the pod does."""

    def __init__(self, api: KubernetesApi, *, namespace: str, uid: str) -> None:
        self._api = api
        self._namespace = namespace
        self._uid = uid
        self._wanted = False
        self._found: tuple[Happening, ...] = ()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._collect())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None  # noqa: S101  # entered before it is left
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def see(self, pod: PodState) -> None:
        """Take in the pod: its events matter between its place on a machine and its first container."""
        self._wanted = pod.placed and not any(row.running for row in pod.containers)

    @property
    def so_far(self) -> Sequence[Happening]:
        """The events as of the last look, oldest first."""
        return self._found

    async def _collect(self) -> None:
        await asyncio.sleep(LATER)
        while True:
            if self._wanted:
                with contextlib.suppress(KubernetesError):
                    self._found = await self._listed()
            await asyncio.sleep(EVERY)

    async def _listed(self) -> tuple[Happening, ...]:
        selector = f"involvedObject.uid={self._uid}"
        events = await self._api.list(EVENTS, namespace=self._namespace, field_selector=selector)
        return tuple(sorted(map(Happening.of, events), key=lambda happening: happening.last or _EARLIEST))
