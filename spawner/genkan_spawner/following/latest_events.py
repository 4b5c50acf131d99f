"""The events of a server's pod, for people who want to see them; nobody is asked as long as nobody does."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from genkan_spawner.api import KubernetesApi
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import EVENTS

from .happenings import Happening

FRESH = 3.0
"""Seconds for which an answer serves everybody who asks."""

MOST = 50
"""Events that are shown; the newest ones."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)


class LatestEvents:
    """What was last heard of one pod."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: tuple[str, float] | None = None
        self._found: Sequence[Happening] = ()

    async def newest(self, api: KubernetesApi, *, namespace: str, uid: str) -> Sequence[Happening]:
        """Return the events, oldest first; what was known before, where the API server does not answer."""
        now = self._clock()
        if self._asked is not None and self._asked[0] == uid and now - self._asked[1] < FRESH:
            return self._found
        if self._asked is None or self._asked[0] != uid:
            self._found = ()
        self._asked = uid, now
        try:
            events = await api.list(EVENTS, namespace=namespace, field_selector=f"involvedObject.uid={uid}")
        except KubernetesError:
            return self._found
        found = sorted(map(Happening.of, events), key=lambda happening: happening.last or _EARLIEST)
        self._found = tuple(found[-MOST:])
        return self._found
