"""The catalogue of a running hub: read again when its file changes, and the last good one while that is broken."""

import asyncio
import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from genkan_profiles import Catalogue, DocumentError, ProfileList, compile_profiles, load_catalogue, offers_for

from . import catalogue_metrics
from .file_changes import Signature, is_settled, signature_of

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two looks at the files: forms come in crowds, and nobody notices a change that waits so long."""

MOST_LISTS = 100
"""Compiled lists that are kept for one catalogue, one for each set of groups that makes a difference to it."""

_Found: TypeAlias = Catalogue | DocumentError


@dataclass(slots=True)
class _Lists:
    """The profile lists of one catalogue, compiled when first wanted; the longest unused one goes first."""

    catalogue: Catalogue
    groups: frozenset[str]
    kept: dict[frozenset[str], ProfileList] = field(default_factory=dict)

    def of(self, groups: frozenset[str]) -> ProfileList:
        wanted = groups & self.groups
        found = self.kept.pop(wanted, None)
        if found is None:
            found = compile_profiles(offers_for(self.catalogue, wanted))
            while len(self.kept) >= MOST_LISTS:
                del self.kept[next(iter(self.kept))]
        self.kept[wanted] = found
        return found


@dataclass(frozen=True, slots=True)
class Loaded:
    """A catalogue as it was found, and how it stands with its file."""

    catalogue: Catalogue
    broken: DocumentError | None
    """Why the newest file cannot be used; the catalogue is then the last good one."""
    loaded_at: datetime
    """When it was read for the first time as it is."""
    checked_at: datetime
    """When its file was last looked at."""
    _lists: _Lists = field(repr=False, compare=False)

    def profiles_for(self, groups: Collection[str]) -> ProfileList:
        """Return what users in these groups are offered; the list is shared and must not be changed.

        It is compiled once for all users whose groups make no difference to this catalogue.
        """
        return self._lists.of(frozenset(groups))


class CatalogueSource:
    """Gives the catalogue of a file or directory as it is now; for one event loop.

    The files are looked at when somebody asks, at most once in INTERVAL seconds, and by one thread however many ask.
    `load` reads them; `clock` counts seconds; `patience` is how many a form waits for a look when there is a catalogue
    already: a file server may hang.
    """

    def __init__(
        self,
        path: Path,
        *,
        load: Callable[[Path], Catalogue] = load_catalogue,
        clock: Callable[[], float] = time.monotonic,
        patience: float = 5.0,
    ) -> None:
        self.path = path
        self._load = load
        self._clock = clock
        self._patience = patience
        self._loaded: Loaded | None = None
        self._broken: DocumentError | None = None
        self._signature: Signature | None = None
        self._looked_at = clock() - INTERVAL
        self._look: asyncio.Task[None] | None = None

    def first(self) -> Loaded:
        """Return the catalogue as it was last found; where there is none yet it is read at once, while the hub starts.

        Raises DocumentError while no good one was ever found.
        """
        if self._loaded is None:
            self._accept(*self._read(None))
        return self._result()

    async def current(self) -> Loaded:
        """Return the catalogue as it is now, or the last good one while its file is broken.

        Raises DocumentError while no good one was ever found.
        """
        if look := self._due_look():
            # Unlike awaiting it, this leaves the look to the others when one who waits is cancelled.
            await asyncio.wait({look}, timeout=None if self._loaded is None else self._patience)
            if self._loaded is None:
                look.result()
        return self._result()

    def look_soon(self) -> None:
        """Begin to look at the files, if it is time and an event loop runs; whoever asks next is told the result."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        self._due_look()

    def _due_look(self) -> asyncio.Task[None] | None:
        """Return the look that runs, or a new one if it is time for it."""
        if self._look is not None and not self._look.done():
            return self._look
        if self._loaded is not None and self._clock() - self._looked_at < INTERVAL:
            return None
        self._look = asyncio.create_task(self._look_again())
        return self._look

    def _result(self) -> Loaded:
        if self._loaded is None:
            assert self._broken is not None  # noqa: S101  # for the type checker: a look ends with one of both
            raise self._broken
        return self._loaded

    async def _look_again(self) -> None:
        self._accept(*await asyncio.to_thread(self._read, self._signature))

    def _read(self, known: Signature | None) -> tuple[Signature | None, _Found | None]:
        """Read the files unless they are as they are known; without a signature the next look must read again."""
        signature = signature_of(self.path)
        if signature == known:
            return known, None
        found: _Found
        try:
            found = self._load(self.path)
        except DocumentError as error:
            found = error
        return (signature if is_settled(signature) else None), found

    def _accept(self, signature: Signature | None, found: _Found | None) -> None:
        """Keep what a look found; None stands for what was there before."""
        now = datetime.now(tz=UTC)
        self._looked_at = self._clock()
        self._signature = signature
        match found:
            case Catalogue():
                self._take(found, now)
            case DocumentError():
                self._mourn(found)
            case None:
                pass
        if self._loaded is not None:
            self._loaded = dataclasses.replace(self._loaded, checked_at=now, broken=self._broken)

    def _take(self, catalogue: Catalogue, now: datetime) -> None:
        if self._broken is not None:
            log.info("The catalogue %s can be used again.", self.path)
        self._broken = None
        if self._loaded is None or self._loaded.catalogue != catalogue:
            log.info("The catalogue %s was read (%s).", self.path, _counted(catalogue))
            lists = _Lists(catalogue, catalogue.named_groups)
            self._loaded = Loaded(catalogue, None, loaded_at=now, checked_at=now, _lists=lists)
        catalogue_metrics.show_good(catalogue, loaded_at=self._loaded.loaded_at)

    def _mourn(self, error: DocumentError) -> None:
        if self._broken is None or self._broken.problems != error.problems:
            kept = "" if self._loaded is None else "; the last good one stays in use"
            log.error("The catalogue %s cannot be used%s.\n%s", self.path, kept, error)
        self._broken = error
        catalogue_metrics.show_broken()


@functools.cache
def source_for(path: Path) -> CatalogueSource:
    """Return the one source of a path: every spawner of the hub asks the same."""
    source = CatalogueSource(path)
    catalogue_metrics.look_before_scrapes(source.look_soon)
    return source


def _counted(catalogue: Catalogue) -> str:
    counts = catalogue_metrics.row_counts(catalogue).items()
    return ", ".join(f"{section}: {count}" for section, count in counts if count)
