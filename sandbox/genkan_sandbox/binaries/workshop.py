"""What every way of getting a program works with: the cache, the progress, the pins, and a way to stop."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from genkan_sandbox.binaries import processes
from genkan_sandbox.binaries.components import EVERY_SOURCE, Source
from genkan_sandbox.binaries.diagnosis import GO_ON
from genkan_sandbox.binaries.modules import Modules
from genkan_sandbox.binaries.processes import Command, Ended
from genkan_sandbox.binaries.store import Entry, Store
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import Progress, Step

_LOOK_AGAIN_S = 0.2

GIGABYTE = 10**9


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the official downloads are; without a slash at the end."""

    kubernetes: str = "https://dl.k8s.io"
    etcd: str = "https://github.com/etcd-io/etcd/releases/download"
    helm: str = "https://get.helm.sh"


@dataclass(frozen=True, slots=True)
class Workshop:
    """The means of one preparation."""

    store: Store
    progress: Progress
    modules: Modules
    addresses: Addresses = field(default_factory=Addresses)
    sources: frozenset[Source] = EVERY_SOURCE
    stop: threading.Event = field(default_factory=threading.Event)

    def tick(self) -> None:
        """Go on, unless the preparation is to stop; then a BinariesError unwinds it."""
        if self.stop.is_set():
            raise BinariesError("The preparation of the sandbox's programs was stopped.", mend=GO_ON)

    @contextmanager
    def alone(self, name: str, *, doing: str) -> Iterator[None]:
        """Run a block while no other run is in a block of this name; wait for it with a line that says so.

        `doing` says what such a block does, as in "building with Go".
        """
        with self.store.lock(name) as lock:
            if not lock.take():
                holder = lock.holder()
                who = "another process" if holder is None else f"process {holder}"
                with self.progress.step(f"Waiting for {who}, which is {doing} already") as step:
                    while not lock.take():
                        self.stop.wait(_LOOK_AGAIN_S)
                        self.tick()
                        step.update()
            yield

    def obtain(self, key: str, *, title: str, make: Callable[[Path, Path], Source], renew: bool = False) -> Entry:
        """Return the cache's entry, or make it first; `renew` makes it even though it is there.

        `make` fills the first folder, uses the second for what is temporary, and tells how it made the entry. When two
        runs want the same entry, the second waits and takes what the first made.
        """
        if not renew and (entry := self.store.lookup(key)):
            return entry
        with self.alone(key, doing=f"preparing {title}"):
            if not renew and (entry := self.store.lookup(key)):
                return entry
            with self.store.work(key) as work:
                made, scratch = work / "made", work / "scratch"
                made.mkdir()
                scratch.mkdir()
                made_by = make(made, scratch)
                return self.store.complete(key, made, made_by=made_by)

    def run(self, command: Command, *, step: Step, heed: Callable[[str], None] | None = None) -> Ended:
        """Run a command as part of a step; `heed` gets each line that it prints."""

        def tick() -> None:
            self.tick()
            step.update()

        return processes.run(command, heed=heed or _ignore, tick=tick)

    def require_room(self, place: Path, *, size: int, purpose: str) -> None:
        """Refuse to begin what cannot end: look whether a file system has this many bytes left.

        BinariesError: it has not.
        """
        free = shutil.disk_usage(_nearest(place)).free
        if free < size:
            raise BinariesError(
                f"There is too little room for {purpose}: {_gigabytes(size)} are needed on the file system of {place}, "
                f"and {_gigabytes(free)} are left.",
                mend="Make room there, or choose a cache folder that has it with --cache DIR.",
            )


def _ignore(_line: str) -> None:
    pass


def _nearest(place: Path) -> Path:
    """Find the nearest folder that exists already."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _gigabytes(size: int) -> str:
    return f"{size / GIGABYTE:.1f} GB"
