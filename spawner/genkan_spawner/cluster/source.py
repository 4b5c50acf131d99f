"""One kind of objects, followed into its table: in all namespaces where rights allow, else in those that are given."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import Kind
from genkan_spawner.watching import Changed, ChangeType, Listed, Observer, Watch

from .liveness import Clock, DefectError, Liveness, together
from .snapshot import Health
from .table import Item, Key, Table, key_of
from .telling import tell_once

R = TypeVar("R")

log = logging.getLogger(__name__)

TURN = 1000
"""Objects of a list that are put into the table before others get their turn: about 5 ms."""

REST_SECONDS = 15.0
"""How long a watch rests that a defect has ended, so that it does not fill the log."""


@dataclass(frozen=True, slots=True)
class Feed(Generic[R]):
    """What is read of one kind, what is kept of each object, and who else wants to know."""

    kind: Kind
    table: Table[R]
    project: Callable[[JsonObject], R | None]
    seen: Callable[[ChangeType, JsonObject], None] = lambda _change, _raw: None
    """Gets each raw object before it is projected; of one that went unseen there is only the metadata."""
    shown: Callable[[Item[R]], None] = lambda _item: None
    """Gets each object of which there was news, once the table has it."""

    def item(self, raw: JsonObject) -> Item[R]:
        """Keep what is wanted of an object; what is known already in this version is not computed again."""
        metadata, key = raw["metadata"], key_of(raw)
        uid, version = metadata.get("uid") or "", metadata.get("resourceVersion") or ""
        known = self.table.get(key)
        if known is not None and version and (known.uid, known.version) == (uid, version):
            return known
        try:
            record = self.project(raw)
        except (LookupError, TypeError, ValueError, AttributeError) as e:
            place = "/".join(filter(None, key))
            tell_once(f"{self.kind.name} {place} is left out: it is not as expected ({type(e).__name__}).")
            record = None
        return Item(key, uid, version, record)

    def remove(self, items: Collection[Item[R]]) -> None:
        """Tell of objects that are gone without an event."""
        for item in items:
            namespace, name = item.key
            self.seen(ChangeType.DELETED, {"metadata": {"namespace": namespace, "name": name, "uid": item.uid}})


class Followed(Generic[R]):
    """Keeps one table up to date, for ever.

    Where all namespaces may not be read, those that are given are followed one by one. The attempt at all of them goes
    on at its own slow pace and takes over as soon as it succeeds.
    """

    def __init__(
        self, api: KubernetesApi, feed: Feed[R], *, namespaces: Collection[str], clock: Clock, silence: float
    ) -> None:
        self._api = api
        self._feed = feed
        self._namespaces = sorted(set(namespaces)) if feed.kind.namespaced else []
        self._clock = clock
        self._silence = silence
        self._parts: list[_Follower[R]] = []
        self._settled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unlisted: dict[Key, str] = {}
        """Uids of what was shown of lists that have not been completed."""
        self._everywhere = self._follower(None)

    def start(self) -> None:
        """Begin to read."""
        self._begin(self._everywhere)

    async def close(self) -> None:
        """Stop reading; what is known stays."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until everything was read, or the attempt has failed."""
        await self._settled.wait()

    def health(self) -> Health:
        """Return how far the table can be trusted."""
        if not self._parts:
            return self._everywhere.liveness.health()
        return together((part.liveness.health() for part in self._parts), partial=True)

    def follow(self, namespaces: Collection[str]) -> None:
        """Follow these namespaces too, where all may not be read."""
        new = sorted(set(namespaces).difference(self._namespaces)) if self._feed.kind.namespaced else []
        self._namespaces += new
        if self._parts:
            self._follow_each(new)
        else:
            self._make_do()

    def shown(self, raw: JsonObject) -> None:
        """Note what was shown to others and may not come to be listed."""
        self._unlisted[key_of(raw)] = raw["metadata"].get("uid") or ""

    def taken(self, key: Key) -> None:
        """Note that the table has what was shown."""
        self._unlisted.pop(key, None)

    def complete(self, present: Container[Key], *, namespace: str | None) -> None:
        """Take back what a list that failed has shown, and a complete one of the same place does not have."""
        ours = [key for key in self._unlisted if namespace is None or key[0] == namespace]
        uids = {key: self._unlisted.pop(key) for key in ours}
        self._feed.remove([Item(key, uid, "", None) for key, uid in uids.items() if key not in present])

    def listed(self, follower: "_Follower[R]") -> None:
        """Note that a whole list is about to be taken in; the one of everything makes all other watches needless."""
        if follower is self._everywhere:
            for part in self._parts:
                part.end()

    def loaded(self, follower: "_Follower[R]") -> None:
        """Note that a whole list was taken in."""
        if follower is self._everywhere:
            self._parts = []
        self._see_whether_settled()

    def failed(self, follower: "_Follower[R]") -> None:
        """Take note that an attempt has failed."""
        if follower is self._everywhere:
            self._make_do()
        self._see_whether_settled()

    def _make_do(self) -> None:
        """Go on with the given namespaces where the others may not be read."""
        if self._everywhere.liveness.forbidden and self._namespaces and not self._parts:
            self._everywhere.list_again()
            for namespace in self._feed.table.namespaces().difference(self._namespaces):
                self._feed.remove(self._feed.table.keep((), namespace=namespace))
            for namespace in {key[0] for key in self._unlisted}.difference(self._namespaces):
                self.complete((), namespace=namespace)
            self._follow_each(self._namespaces)

    def _follow_each(self, namespaces: Iterable[str]) -> None:
        for namespace in namespaces:
            part = self._follower(namespace)
            self._parts.append(part)
            self._begin(part)

    def _see_whether_settled(self) -> None:
        if all(follower.liveness.settled for follower in self._parts or [self._everywhere]):
            self._settled.set()

    def _follower(self, namespace: str | None) -> "_Follower[R]":
        liveness = Liveness(self._feed.kind, namespace=namespace, clock=self._clock, silence=self._silence)
        new_watch = partial(Watch, self._api, self._feed.kind, namespace=namespace, silence=self._silence)
        return _Follower(self, self._feed, namespace=namespace, liveness=liveness, new_watch=new_watch)

    def _begin(self, follower: "_Follower[R]") -> None:
        task = follower.begin()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Follower(Observer, Generic[R]):
    """One watch into the table: of all namespaces or of one."""

    def __init__(
        self,
        owner: Followed[R],
        feed: Feed[R],
        *,
        namespace: str | None,
        liveness: Liveness,
        new_watch: "Callable[..., Watch[Item[R]]]",
    ) -> None:
        self.liveness = liveness
        self._owner = owner
        self._feed = feed
        self._namespace = namespace
        self._new_watch = new_watch
        self._watch: Watch[Item[R]] | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> "asyncio.Task[None]":
        """Start to follow."""
        self._task = asyncio.create_task(self._run(), name=f"follow {self._feed.kind.plural}")
        return self._task

    def end(self) -> None:
        """Stop to follow."""
        if self._task is not None:
            self._task.cancel()

    def list_again(self) -> None:
        """Read everything anew at the next attempt."""
        if self._watch is not None:
            self._watch.list_again()

    async def _run(self) -> None:
        """Follow without end; a defect is logged and does not end it."""
        while True:
            self._watch = self._new_watch(project=self._feed.item, observer=self)
            try:
                async with contextlib.aclosing(self._watch.events()) as events:
                    async for event in events:
                        await self._apply(event)
            except Exception:
                log.exception("The watch of %s met something unexpected.", self._feed.kind.plural)
                self.failed(DefectError("A defect ended the watch."))
            await asyncio.sleep(REST_SECONDS)

    def alive(self) -> None:
        self.liveness.alive()

    def failed(self, failure: KubernetesError) -> None:
        self.liveness.failed(failure)
        self._owner.failed(self)

    def seen(self, change: ChangeType, raw: JsonObject) -> None:
        self._feed.seen(change, raw)
        self._owner.shown(raw)

    async def _apply(self, event: Listed[Item[R]] | Changed[Item[R]]) -> None:
        match event:
            case Listed(items):
                self._owner.listed(self)
                await self._take_in(items)
                self.liveness.loaded()
                self._owner.loaded(self)
            case Changed(ChangeType.DELETED, item):
                self._owner.taken(item.key)
                self._feed.table.drop(item.key)
                self._feed.shown(item)
            case Changed(_, item):
                self._owner.taken(item.key)
                self._feed.table.put(item)
                self._feed.shown(item)

    async def _take_in(self, items: Sequence[Item[R]]) -> None:
        """Make the table that of a list, in turns with others, for tens of thousands of pods take a while."""
        for number, item in enumerate(items, 1):
            self._feed.table.put(item)
            self._feed.shown(item)
            if number % TURN == 0:
                await asyncio.sleep(0)
        present = {item.key for item in items}
        self._feed.remove(self._feed.table.keep(present, namespace=self._namespace))
        self._owner.complete(present, namespace=self._namespace)
