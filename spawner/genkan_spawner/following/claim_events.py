"""What was reported of the claims of a pod without a place: that no volume is made for one, the pod does not say."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

from genkan_spawner.api import KubernetesApi
from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.storage_records import Phase
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import EVENTS

from .happenings import Happening

LATER = 3.0
"""Seconds after which a start counts as one that takes long."""

EVERY = 5.0
"""Seconds between two looks, each of which is a request for each claim that waits for its volume."""


class ClaimEvents:
    """Collects the events of those of a pod's claims that wait for their volume."""

    def __init__(self, api: KubernetesApi, cache: ClusterCache, *, namespace: str, claims: Sequence[str]) -> None:
        self._api = api
        self._cache = cache
        self._namespace = namespace
        self._claims = claims
        self._found: tuple[Happening, ...] = ()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._claims:
            self._task = asyncio.create_task(self._collect())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def so_far(self) -> Sequence[Happening]:
        """The events as of the last look; none of claims that have their volume."""
        return self._found

    async def _collect(self) -> None:
        await asyncio.sleep(LATER)
        while True:
            waiting = self._waiting()
            with contextlib.suppress(KubernetesError):
                self._found = tuple([happening for uid in waiting for happening in await self._of(uid)])
            await asyncio.sleep(EVERY)

    def _waiting(self) -> list[str]:
        claims = self._cache.snapshot().storage.claims
        found = (claims.get((self._namespace, name)) for name in self._claims)
        return [claim.uid for claim in found if claim is not None and claim.phase is Phase.PENDING]

    async def _of(self, uid: str) -> list[Happening]:
        events = await self._api.list(EVENTS, namespace=self._namespace, field_selector=f"involvedObject.uid={uid}")
        return [Happening.of(event) for event in events]
