"""The per-user cache: entries are complete or they do not exist, and one run at a time makes one."""

import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from genkan_sandbox.binaries.components import Source

_SEAL = "complete.json"


class SealedFile(BaseModel):
    """One file of an entry as it was when the entry was complete."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    """Bytes."""

    changed: int
    """Modification time in nanoseconds; a file whose time differs is read again."""

    sha256: str


class Seal(BaseModel):
    """What makes a folder of the cache an entry: written last, it lists every file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_by: Source
    files: dict[str, SealedFile]


@dataclass(frozen=True, slots=True)
class Entry:
    """A complete folder in the cache."""

    path: Path
    made_by: Source


class Lock:
    """A lock against every other run; the kernel frees it when its holder ends, however it does."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def take(self) -> bool:
        """Take the lock if it is free."""
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        return True

    def holder(self) -> int | None:
        """Read the process id of the run that holds it; None in the moment before it has written it."""
        self._file.seek(0)
        text = self._file.read().strip()
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Store:
    """Entries by key below one folder, with their locks, logs and unfinished work beside them."""

    root: Path

    def lookup(self, key: str) -> Entry | None:
        """Return an entry if it is there, complete and unaltered. It needs no right to write."""
        path = self.root / key
        try:
            seal = Seal.model_validate_json((path / _SEAL).read_bytes())
            intact = all(_is_intact(path / name, sealed=sealed) for name, sealed in seal.files.items())
        except (OSError, ValidationError):
            return None
        return Entry(path=path, made_by=seal.made_by) if intact else None

    @contextmanager
    def lock(self, name: str) -> Iterator[Lock]:
        """Open a lock, which is not taken yet; it is free again at the end of the block."""
        # The file stays for ever: a lock on a file that others may remove holds nobody off.
        with (self._folder("locks") / f"{name}.lock").open("a+", encoding="ascii") as file:
            yield Lock(file)

    @contextmanager
    def work(self, key: str) -> Iterator[Path]:
        """Give an empty folder to make an entry in; call it under the entry's lock.

        What an earlier run left there is dead, since its lock was free, and is removed; so is this one's at the end.
        """
        folder = self._folder("work") / key
        _remove(folder)
        folder.mkdir()
        try:
            yield folder
        finally:
            with suppress(OSError):
                _remove(folder)

    def complete(self, key: str, made: Path, *, made_by: Source) -> Entry:
        """Turn a finished folder below `work` into the entry: on the disk first, then sealed, then renamed."""
        seal = Seal(made_by=made_by, files={str(file.relative_to(made)): _seal(file) for file in _files(made)})
        sealed = made / _SEAL
        sealed.write_text(json.dumps(seal.model_dump(mode="json"), indent=1), encoding="utf-8")
        _sync(sealed)
        for folder in [path for path, _, _ in os.walk(made)]:
            _sync(Path(folder))
        final = self.root / key
        if os.path.lexists(final):
            final.rename(made.with_name("replaced"))
        made.rename(final)
        _sync(self.root)
        return Entry(path=final, made_by=made_by)

    def forget(self, name: str) -> None:
        """Remove an entry, or another folder of the cache, if it is there."""
        _remove(self.root / name)

    def log(self, name: str) -> Path:
        """Start an empty log file."""
        path = self._folder("logs") / f"{name}.log"
        path.write_bytes(b"")
        return path

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _files(folder: Path) -> Iterator[Path]:
    for path, _, names in os.walk(folder):
        for name in names:
            if not (file := Path(path, name)).is_symlink():
                yield file


def _seal(file: Path) -> SealedFile:
    _sync(file)
    state = file.stat()
    return SealedFile(size=state.st_size, changed=state.st_mtime_ns, sha256=_sha256(file))


def _is_intact(file: Path, *, sealed: SealedFile) -> bool:
    state = file.lstat()
    if not stat.S_ISREG(state.st_mode) or state.st_size != sealed.size:
        return False
    return state.st_mtime_ns == sealed.changed or _sha256(file) == sealed.sha256


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
