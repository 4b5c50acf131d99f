"""The events of one pod, asked for while its start takes long: most starts are over before."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import EVENTS
from genkan_spawner.watching import Changed, ChangeType, Listed, Watch

from .happenings import Happening

LATER = 2.0
"""Seconds after which a start counts as one that takes long."""


class PodEvents:
    """Collects the events of one pod from a while after it was created."""

    def __init__(self, api: KubernetesApi, *, namespace: str, uid: str, after: float = LATER) -> None:
        self._watch = Watch(
            api, EVENTS, project=_happening, namespace=namespace, field_selector=f"involvedObject.uid={uid}"
        )
        self._after = after
        self._found: dict[str, Happening] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._collect())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None  # noqa: S101  # entered before it is left
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    @property
    def so_far(self) -> Sequence[Happening]:
        """All events that were seen, oldest first."""
        return tuple(self._found.values())

    async def _collect(self) -> None:
        await asyncio.sleep(self._after)
        async for news in self._watch.events():
            match news:
                case Listed(items):
                    self._found = {item.uid: item for item in items}
                case Changed(ChangeType.DELETED, _):
                    pass
                case Changed(_, item):
                    self._found[item.uid] = item


def _happening(event: JsonObject) -> Happening:
    return Happening.of(event)
