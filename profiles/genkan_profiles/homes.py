"""Homes: where a user's own files are, and whose they are for the file system."""

import functools
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from .documents import Row
from .fill import Fill
from .names import DottedName, Name
from .paths import SubPath, is_within
from .quantities import Size
from .violations import OTHER, Violation, raise_violations

HOME = "/home/jovyan"
"""Where the home is in every server."""

_LARGEST_ID = 2**31 - 1
_SAME = f"This folder is that of {OTHER} too, or one of them is in the other."


class HomesKind(StrEnum):
    """How homes are kept."""

    CLAIM = "claim"
    """A claim of their own for each user, in each namespace of servers."""
    SHARED = "shared"
    """A folder for each user in one export that all servers reach."""


class AccessMode(StrEnum):
    """How many machines may use a claim at once."""

    ONE_NODE = "ReadWriteOnce"
    MANY_NODES = "ReadWriteMany"


class FolderNames(StrEnum):
    """How the folder of a user is named."""

    STABLE = "stable"
    """The user's name where that is plain, or else a readable part of it with a hash; whatever KubeSpawner does."""
    ESCAPED = "escaped"
    """As `{escaped_username}` in KubeSpawner's templates, which older hubs used."""


class Ownership(Row):
    """Whom a user's files belong to; servers run as that user and never as root."""

    uid: Annotated[int, Field(ge=1, le=_LARGEST_ID)] | None = None
    """The number of every user, as far as files are concerned."""
    gid: Annotated[int, Field(ge=1, le=_LARGEST_ID)] | None = None
    """The number of every user's first group."""
    uid_claim: Annotated[str, Field(min_length=1, max_length=200, examples=["uidNumber"])] | None = None
    """Instead of uid: what the authenticator calls the user's own number, in its auth_state or the user's claims."""
    gid_claim: Annotated[str, Field(min_length=1, max_length=200, examples=["gidNumber"])] | None = None
    """Instead of gid: what the authenticator calls the number of the user's first group."""
    fs_gid: Annotated[int, Field(ge=1, le=_LARGEST_ID)] | None = None
    """The group that Kubernetes gives each home to, for homes of kind claim whose storage honours it."""

    @property
    def from_claims(self) -> bool:
        """Whether the authenticator has to say something."""
        return self.uid_claim is not None or self.gid_claim is not None

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = [
            Violation((field,), f"Say either {field} or {field}_claim.")
            for field in ("uid", "gid")
            if (getattr(self, field) is None) == (getattr(self, f"{field}_claim") is None)
        ]
        raise_violations("Ownership", violations)
        return self


class Homes(Row):
    """How every user's home is kept."""

    kind: HomesKind
    """A claim per user, or folders in one shared export."""
    size: Size | None = None
    """What the claim of a new home asks for, for kind claim; 10Gi by default."""
    storage_class: DottedName | None = None
    """The StorageClass of new claims, for kind claim; without one it is the cluster's default."""
    access_mode: AccessMode | None = None
    """For kind claim: ReadWriteOnce, the default, or ReadWriteMany for servers of one user on several machines."""
    claim: Name | None = None
    """For kind shared: the claim, in each namespace of servers, by which the export is reached."""
    folder: SubPath | None = None
    """For kind shared: the folder of the export that the users' folders are in; by default all of it."""
    names: FolderNames = FolderNames.STABLE
    """For kind shared: how the folders of users are named."""
    folders: Annotated[dict[Annotated[str, Field(min_length=1, max_length=255)], SubPath], Field(max_length=20_000)] = (
        Field(default_factory=dict)
    )
    """For kind shared: the folders of users who have one already under another name."""
    fill: Fill | None = None
    """For kind shared: how full the export is."""
    ownership: Ownership | None = None
    """Whom the files belong to; without it what the hub says, which is user 1000 and group 100 by default."""

    @functools.cached_property
    def given_folders(self) -> frozenset[str]:
        """The first steps of the folders that are given by name; nobody else's folder may be one of them."""
        return frozenset(folder_parts(folder)[0] for folder in self.folders.values())

    @property
    def capacity(self) -> str:
        """What the claim of a new home asks for."""
        return self.size or "10Gi"

    @property
    def mode(self) -> AccessMode:
        """How many machines may use the claim of a home at once."""
        return self.access_mode or AccessMode.ONE_NODE

    @model_validator(mode="after")
    def _check(self) -> Self:
        raise_violations("Homes", [*self._misplaced(), *shared_folders(self.folders)])
        return self

    def _misplaced(self) -> Iterator[Violation]:
        """Yield the fields that are for homes of the other kind."""
        match self.kind:
            case HomesKind.CLAIM:
                for field in ("claim", "folder", "folders", "fill"):
                    if getattr(self, field):
                        yield Violation((field,), "This is for homes of kind shared.")
                if self.names is not FolderNames.STABLE:
                    yield Violation(("names",), "This is for homes of kind shared.")
            case HomesKind.SHARED:
                for field in ("size", "storage_class", "access_mode"):
                    if getattr(self, field) is not None:
                        yield Violation((field,), "This is for homes of kind claim.")
                if self.claim is None:
                    yield Violation((), "Name the claim by which the export is reached.")
                if self.ownership is not None and self.ownership.fs_gid is not None:
                    sentence = "Kubernetes would give the whole export to this group; it is for homes of kind claim."
                    yield Violation(("ownership", "fs_gid"), sentence)


def folder_parts(folder: str) -> tuple[str, ...]:
    """Return the steps of a folder in the spelling that some file servers give to all."""
    return tuple(unicodedata.normalize("NFC", folder).split("/"))


def shared_folders(
    folders: Mapping[str, str], *, parts: Callable[[str], tuple[str, ...]] = folder_parts, sentence: str = _SAME
) -> Iterator[Violation]:
    """Yield the later ones of folders that are the same, or of which one is in the other.

    `parts` gives the steps of a folder as they are compared.
    """
    spelled = sorted((parts(folder), place, user) for place, (user, folder) in enumerate(folders.items()))
    around: list[tuple[tuple[str, ...], int, str]] = []
    for row in spelled:
        while around and row[0][: len(around[-1][0])] != around[-1][0]:
            around.pop()
        if around:
            (_, _, first), (_, _, second) = sorted((around[-1], row), key=lambda found: found[1])
            yield Violation(("folders", second), sentence, other=("folders", first))
        around.append(row)


def shows_homes(
    homes: Homes, claim: str, sub_path: str | None, *, parts: Callable[[str], tuple[str, ...]] = folder_parts
) -> bool:
    """Return whether mounting a folder of a claim would show homes."""
    if homes.kind is not HomesKind.SHARED or claim != homes.claim:
        return False
    if homes.folder is None or sub_path is None:
        return True
    shown, folder = ("/".join(parts(path)) for path in (sub_path, homes.folder))
    return is_within(shown, folder) or is_within(folder, shown)
