"""The state directory of a sandbox: where everything is, who may use it, and what it remembers."""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import platformdirs

from genkan_sandbox.exceptions import StateError

VERSION = "1"
"""Of the layout below; another one is refused and never migrated in place."""

POD_LOGS = 200
"""Pods whose logs a new start keeps."""

ROOM = 512 * 1024 * 1024
"""Bytes that must be free before a start: a control plane that runs out of disk loses its store."""

LOCK_SECONDS = 1.0
"""How long a start waits for the lock: who only looks whether a sandbox runs holds it for a moment."""


def default_state_directory() -> Path:
    """Where a sandbox lives if nobody says otherwise (XDG_STATE_HOME)."""
    return platformdirs.user_state_path("genkan") / "sandbox"


def default_cache_directory() -> Path:
    """Where binaries are kept if nobody says otherwise (XDG_CACHE_HOME)."""
    return platformdirs.user_cache_path("genkan")


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Paths below one directory that only its owner may enter."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Self:
        """Create the directory or take up an existing one; refuse what is not a sandbox's state."""
        state = cls(root.absolute())
        try:
            state._create()
        except OSError as e:
            raise state._unusable(e) from e
        return state

    @classmethod
    def existing(cls, root: Path) -> Self | None:
        """Take up a sandbox's state where there is one, and create nothing; many have a file called `version`."""
        state = cls(root.absolute())
        try:
            made = state._version_file.is_file() and all(folder.is_dir() for folder in state._folders)
        except OSError as e:
            raise state._unusable(e) from e
        return state if made else None

    def _create(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise StateError(f"{self.root} is not a directory.", mend="Name another one with --state.")
        self.root.mkdir(parents=True, exist_ok=True)
        if not self._version_file.exists():
            if any(self.root.iterdir()):
                raise StateError(
                    f"{self.root} holds other files and is no sandbox's state.",
                    mend="Name an empty or a new directory with --state.",
                )
            self.root.chmod(0o700)
            self.write("version", VERSION)
        found = self._version_file.read_text().strip()
        if found != VERSION:
            raise StateError(
                f"{self.root} is of version {found!r}; this Genkan reads version {VERSION}.",
                mend=f"Run `genkan-sandbox reset --state {self.root}` to forget it, or name another one with --state.",
            )
        for folder in self._folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        free = shutil.disk_usage(self.root).free
        if free < ROOM:
            raise StateError(
                f"{self.root} has {free // 2**20} MiB of disk left; a sandbox needs {ROOM // 2**20} MiB.",
                mend="Free some room, or name a directory on another disk with --state.",
            )

    def _unusable(self, e: OSError) -> StateError:
        if e.errno in {errno.ENOSPC, errno.EDQUOT}:
            return StateError(
                f"The disk of {self.root} is full.", mend="Free some room, or name another directory with --state."
            )
        reason = os.strerror(e.errno) if e.errno else type(e).__name__
        return StateError(
            f"The state directory {self.root} cannot be used ({reason}).", mend="Name another one with --state."
        )

    @property
    def _version_file(self) -> Path:
        return self.root / "version"

    @property
    def _folders(self) -> tuple[Path, ...]:
        return self.certificates, self.logs, self.pod_logs, self.volumes, self.pods, self.hub

    @property
    def id(self) -> str:
        """What every process of this sandbox carries in GENKAN_SANDBOX_ID; the same at every start."""
        return self.remember("id", secrets.token_hex(8))

    @property
    def certificates(self) -> Path:
        """The sandbox's own certificate authority, and keys."""
        return self.root / "certs"

    @property
    def etcd(self) -> Path:
        """The cluster's store."""
        return self.root / "etcd"

    @property
    def logs(self) -> Path:
        """One file per component."""
        return self.root / "logs"

    @property
    def pod_logs(self) -> Path:
        """One folder per pod, one file per container."""
        return self.logs / "pods"

    @property
    def volumes(self) -> Path:
        """One folder per persistent volume: the users' homes."""
        return self.root / "volumes"

    @property
    def exports(self) -> Path:
        """One folder per export of the site's file server."""
        return self.root / "exports"

    @property
    def pods(self) -> Path:
        """What pods have beside claims: emptyDirs, secrets."""
        return self.root / "pods"

    @property
    def hub(self) -> Path:
        """JupyterHub's database, cookie secret and settings."""
        return self.root / "hub"

    @property
    def admin_kubeconfig(self) -> Path:
        """For people and tests: every right."""
        return self.root / "admin.kubeconfig"

    @property
    def hub_kubeconfig(self) -> Path:
        """For the hub's ServiceAccount: the rights it has in production."""
        return self.root / "hub.kubeconfig"

    @property
    def cluster_page_kubeconfig(self) -> Path:
        """For the ServiceAccount of the hub's cluster page, which reads and nothing else."""
        return self.root / "cluster-page.kubeconfig"

    def log(self, component: str) -> Path:
        """Where a component writes."""
        return self.logs / f"{component}.log"

    def write(self, name: str, text: str) -> Path:
        """Write a file for the owner only, whole or not at all."""
        path = self.root / name
        write_private(path, text)
        return path

    def remember(self, name: str, make: str) -> str:
        """Return the text kept under a name; the first time, keep what was made."""
        path = self.root / name
        if not path.exists():
            self.write(name, make)
        return path.read_text()

    def record(self) -> dict[str, Any] | None:
        """Return what the sandbox that runs, or ran last, said of itself."""
        try:
            record: dict[str, Any] = json.loads((self.root / "run.json").read_text())
        except (OSError, ValueError):
            return None
        return record

    def forget_record(self) -> None:
        """Say that nothing runs."""
        (self.root / "run.json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for one sandbox; the kernel lets go of it when the process ends, however it ends."""
        with self._open_lock() as lock:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _taken(lock, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise self._taken_already()
                time.sleep(0.05)
            with contextlib.suppress(OSError):
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
            yield

    def _taken_already(self) -> StateError:
        return StateError(
            f"A sandbox with the state {self.root} runs already (process {self.holder() or 'unknown'}).",
            mend=f"Use it, stop it with `genkan-sandbox down --state {self.root}`, or name another --state.",
        )

    def in_use(self) -> bool:
        """Whether a sandbox runs on this directory now."""
        with self._open_lock() as lock:
            return not _taken(lock, fcntl.LOCK_SH)

    def holder(self) -> int | None:
        """Return the process that has locked the directory, or had it last."""
        with self._open_lock() as lock:
            lock.seek(0)
            text = lock.read().strip()
        return int(text) if text.isdecimal() else None

    def _open_lock(self) -> IO[str]:
        try:
            return (self.root / "lock").open("a+")
        except OSError as e:
            raise self._unusable(e) from e

    def drop_old_pod_logs(self, *, keep: int = POD_LOGS) -> None:
        """Remove the logs of all pods but the latest."""
        folders = sorted(self.pod_logs.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in folders[keep:]:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def homes(self) -> int:
        """How many volumes and folders of exports there are, volumes of deleted claims included."""
        volumes = sum(path.name != "released" for path in (*self.volumes.glob("*"), *self.volumes.glob("released/*")))
        # The folders that a site makes in its exports are nobody's homes.
        exported = sum(1 for _ in self.exports.glob("*/*/*")) + sum(
            not one.is_dir() for one in self.exports.glob("*/*")
        )
        return volumes + exported

    def put_homes_aside(self) -> Path | None:
        """Move volumes and exports to a directory beside this one and return it, or None where there are none."""
        if not self.homes:
            return None
        aside = self.root.with_name(f"{self.root.name}-homes-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            self.volumes.rename(aside)
            if self.exports.exists():
                self.exports.rename(aside / "exports")
        except OSError as e:
            raise StateError(
                f"The homes in {self.volumes} and {self.exports} could not be put aside ({e.strerror}).",
                mend="Move them yourself, or forget them too with --homes.",
            ) from e
        return aside

    def remove(self) -> None:
        """Forget everything, homes included; the directory's `version` goes last, so that an end in between is seen."""
        try:
            _make_removable(self.root)
            for entry in sorted(self.root.iterdir(), key=lambda path: path.name == "version"):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
            self.root.rmdir()
        except OSError as e:
            raise StateError(
                f"{e.filename or self.root} could not be removed ({e.strerror}).",
                mend="Remove it yourself, and run `genkan-sandbox reset` again for the rest.",
            ) from e


def _taken(lock: IO[str], how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_removable(folder: Path) -> None:
    """Give the owner back the rights on folders that a home may lack: Go's module cache, for one, is read-only."""
    for path, names, _ in os.walk(folder):
        for name in names:
            below = Path(path, name)
            if not below.is_symlink():
                below.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
