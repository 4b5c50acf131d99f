"""Fetch the official programs and verify them against the checksums published beside them."""

import re
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.binaries.components import ETCD, HELM, Group
from genkan_sandbox.binaries.fetching import Fetcher, UnavailableError
from genkan_sandbox.binaries.modules import architecture
from genkan_sandbox.binaries.workshop import GIGABYTE, Workshop
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import Step

_ATTEMPTS = 2
_ROOM = 4 * GIGABYTE // 10
_PUBLISHED_FOR = frozenset({"amd64", "arm64", "ppc64le", "s390x"})


@dataclass(frozen=True, slots=True)
class _Published:
    """A file with its published checksum."""

    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Archive:
    """An archive with one program in it that is wanted."""

    base: str
    name: str
    checksums: str
    """The file beside it that has its checksum."""
    program: str
    member: str
    """The program's path in it."""


def download(group: Group, *, workshop: Workshop, made: Path, scratch: Path, title: str) -> None:
    """Put a group's verified programs into a folder.

    UnavailableError: they cannot be reached. BinariesError: what came is not what was published, or there is no room.
    """
    if architecture() not in _PUBLISHED_FOR:
        raise UnavailableError(f"there is none for {architecture()}")
    workshop.require_room(workshop.store.root, size=_ROOM, purpose=f"downloading {group.title}")
    with workshop.progress.step(title) as step:
        if group in {ETCD, HELM}:
            _download_archived(_archive_of(group, workshop), workshop=workshop, made=made, scratch=scratch, step=step)
        else:
            _download_programs(group, workshop=workshop, made=made, step=step)


def _download_programs(group: Group, *, workshop: Workshop, made: Path, step: Step) -> None:
    """Kubernetes publishes each program as a file, with its checksum in another."""
    fetcher = Fetcher(tick=workshop.tick)
    base = f"{workshop.addresses.kubernetes}/v{group.version}/bin/linux/{architecture()}"
    published = {
        name: _Published(url=f"{base}/{name}", sha256=_checksum(fetcher.text(f"{base}/{name}.sha256"), name=name))
        for name in (component.name for component in group.components)
    }
    for position, (name, file) in enumerate(published.items()):

        def show(done: float, *, position: int = position, name: str = name) -> None:
            step.update(fraction=(position + done) / len(published), detail=name)

        _fetch_verified(file, fetcher=fetcher, to=made / name, show=show)
        (made / name).chmod(0o755)


def _archive_of(group: Group, workshop: Workshop) -> _Archive:
    """Say where the one archive is that is published of a group for each platform."""
    platform = f"linux-{architecture()}"
    if group is ETCD:
        base, folder = f"{workshop.addresses.etcd}/v{ETCD.version}", f"etcd-v{ETCD.version}-{platform}"
        return _Archive(base, f"{folder}.tar.gz", checksums="SHA256SUMS", program="etcd", member=f"{folder}/etcd")
    name = f"helm-v{HELM.version}-{platform}.tar.gz"
    return _Archive(
        workshop.addresses.helm, name, checksums=f"{name}.sha256sum", program="helm", member=f"{platform}/helm"
    )


def _download_archived(archive: _Archive, *, workshop: Workshop, made: Path, scratch: Path, step: Step) -> None:
    """Take the program out of an archive."""
    fetcher = Fetcher(tick=workshop.tick)
    checksums = fetcher.text(f"{archive.base}/{archive.checksums}")
    file = _Published(url=f"{archive.base}/{archive.name}", sha256=_checksum(checksums, name=archive.name))
    fetched = scratch / archive.name
    _fetch_verified(file, fetcher=fetcher, to=fetched, show=lambda done: step.update(fraction=done))
    try:
        with tarfile.open(fetched) as tar:
            member = tar.extractfile(archive.member)
            if member is None:
                raise BinariesError(f"{archive.member} in {file.url} is not a file.")
            with member, (made / archive.program).open("wb") as program:
                shutil.copyfileobj(member, program)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise BinariesError(f"{file.url} is not the archive that it should be ({error}).") from error
    (made / archive.program).chmod(0o755)


def _checksum(text: str, *, name: str) -> str:
    """Find a file's SHA-256 in what is published: a bare number, or lines of number and name."""
    for line in text.splitlines():
        number, _, of = line.strip().partition(" ")
        if re.fullmatch(r"[0-9a-fA-F]{64}", number) and of.strip().removeprefix("*") in {"", name}:
            return number.lower()
    raise UnavailableError(f"no checksum of {name} is published where it should be")


def _fetch_verified(file: _Published, *, fetcher: Fetcher, to: Path, show: Callable[[float], None]) -> None:
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            sha256 = fetcher.file(file.url, to=to, show=show)
        except UnavailableError:
            if not attempts_left:
                raise
            continue
        if sha256 == file.sha256:
            return
        to.unlink()
        raise BinariesError(
            f"{file.url} does not have its published checksum: its SHA-256 is {sha256} instead of {file.sha256}. "
            "Nothing of it was kept.",
            mend="Try again; if it stays, look at the proxy or mirror between this machine and the network.",
        )
