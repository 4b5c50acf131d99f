"""Follow all objects of one kind, for ever: list, watch, resume, and list again where the place is lost.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ForbiddenError, GoneError, KubernetesError, UnreachableError
from genkan_spawner.kinds import Kind
from genkan_spawner.listing import list_objects

T = TypeVar("T")

log = logging.getLogger(__name__)

WATCH_SECONDS = 600
"""How long the API server keeps one watch open; it ends watches itself after 30 to 60 minutes."""

SILENCE_SECONDS = 90.0
"""A watch without a line for this long may be broken and is opened again, which costs one request.

The server sends a bookmark about once a minute, but none of a kind of which nothing has changed since it started.
"""

OPENING_SECONDS = 30.0
"""How long the server may take to open a watch; it answers at once, before there are events."""

PAUSE = 0.1
"""Seconds before a watch that ended in order is opened again, should a server end each at once."""

BACKOFF_FIRST, BACKOFF_MOST = 0.2, 15.0
"""Seconds between attempts after failures; doubled each time and spread by a third."""

BACKOFF_REFUSED = 60.0
"""The most seconds between attempts where rights are missing: those change seldom, and each attempt is a request."""


class ChangeType(StrEnum):
    """What happened to one object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """All objects there are; whatever a caller knew beside them is gone."""

    items: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """One object as it is after a change, or as it was before it went."""

    type: ChangeType
    item: T


class Observer:
    """Is told how a watch fares and what it sees; to be subclassed, and by itself indifferent to all of it."""

    def alive(self) -> None:
        """Note a sign of life: a page of a list, a watch that opened, an event or a bookmark."""

    def failed(self, failure: KubernetesError) -> None:
        """Note a failure; the watch goes on by itself."""

    def seen(self, change: ChangeType, raw: JsonObject) -> None:
        """Look at a raw object before it is projected; those of a list count as added."""


class Watch(Generic[T]):
    """The events of one kind, as projected by the caller.

    `project` is called with each raw object at once, so that nothing of it is held longer than its own result. An
    exception of it is a defect of the caller and ends the watch. With an observer, telling people of failures is the
    observer's part.
    """

    def __init__(
        self,
        api: KubernetesApi,
        kind: Kind,
        *,
        project: Callable[[JsonObject], T],
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        observer: Observer | None = None,
        silence: float = SILENCE_SECONDS,
    ) -> None:
        self._api = api
        self._kind = kind
        self._project = project
        self._namespace = namespace
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        self._selectors = {key: value for key, value in selectors.items() if value is not None}
        self._observer = observer or Observer()
        self._loud = observer is None
        self._silence = silence
        self._version: str | None = None
        self._failures = 0
        self._listed: str | None = None
        """The place that the last list gave."""
        self._lost = 0
        """How often in a row such a place was refused."""

    async def events(self) -> AsyncGenerator[Listed[T] | Changed[T], None]:
        """Yield the state and then each change, without end; every failure is logged, waited out and mended."""
        while True:
            try:
                if self._version is None:
                    yield await self._list()
                async with aclosing(self._changes(self._version or "")) as changes:
                    async for change in changes:
                        yield change
                await asyncio.sleep(PAUSE)
            except GoneError as e:
                log.info("The watch of %s fell behind; listing again.", self._kind.plural)
                if self._version in {None, self._listed}:
                    # Not even the place that a list has just given is good: listing at once would never end.
                    self._failures = self._lost
                    self._lost += 1
                    await self._back_off(e)
                self._version = None
            except KubernetesError as e:
                await self._back_off(e)

    def list_again(self) -> None:
        """Read everything anew at the next attempt instead of going on."""
        self._version = None

    async def _list(self) -> Listed[T]:
        items, self._version = await list_objects(
            self._api,
            self._kind,
            project=lambda raw: self._take(ChangeType.ADDED, raw),
            namespace=self._namespace,
            selectors=self._selectors,
            opened=self._alive,
        )
        self._listed = self._version
        return Listed(tuple(items))

    async def _changes(self, version: str) -> AsyncGenerator[Changed[T], None]:
        query = {
            **self._selectors,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        opened = False
        try:
            async with AsyncExitStack() as stack:
                lines = await self._opened(stack, query)
                opened = True
                self._observer.alive()
                async for line in lines:
                    event = _event(line)
                    self._version = event["object"]["metadata"]["resourceVersion"]
                    self._alive()
                    self._lost = 0
                    if event["type"] != "BOOKMARK":
                        change = ChangeType(event["type"])
                        yield Changed(change, self._take(change, event["object"]))
        except UnreachableError as e:
            if not opened or not isinstance(e.__cause__, TimeoutError):
                raise
            log.debug("The watch of %s was silent; opening it again.", self._kind.plural)

    async def _opened(self, stack: AsyncExitStack, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        path = self._kind.path(namespace=self._namespace)
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                return await stack.enter_async_context(self._api.stream(path, query=query, silence=self._silence))
        except TimeoutError as e:
            raise UnreachableError.from_exception(e) from e

    def _take(self, change: ChangeType, raw: JsonObject) -> T:
        self._observer.seen(change, raw)
        return self._project(raw)

    def _alive(self) -> None:
        self._failures = 0
        self._observer.alive()

    async def _back_off(self, failure: KubernetesError) -> None:
        self._observer.failed(failure)
        most = BACKOFF_REFUSED if isinstance(failure, ForbiddenError) else BACKOFF_MOST
        delay = min(BACKOFF_FIRST * 2**self._failures, most) * random.uniform(1, 4 / 3)  # noqa: S311  # spreads load
        self._failures = min(self._failures + 1, 16)
        level = logging.WARNING if self._loud and self._failures > 1 else logging.DEBUG
        log.log(level, "Watching %s: %s Trying again in %.1f s.", self._kind.plural, failure.message, delay)
        await asyncio.sleep(delay)


def _event(line: bytes) -> JsonObject:
    """Decode one line; an ERROR event and a line cut off by a broken connection become exceptions."""
    try:
        event: JsonObject = json.loads(line)
    except ValueError as e:
        raise UnreachableError.from_exception(e) from e
    if event["type"] == "ERROR":
        status = event["object"]
        raise KubernetesError.from_status(
            int(status.get("code") or 0), reason=status.get("reason") or "", message=status.get("message") or ""
        )
    return event
