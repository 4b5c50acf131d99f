"""All homes that there are, and whose they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from genkan_profiles import Catalogue, HomeError, Homes, HomesKind
from genkan_profiles.home_names import user_folder
from genkan_profiles.quantities import quantity_bytes
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.kinds import CLAIMS

from .exceptions import HomesError
from .export import folders_of
from .users import KnownUser

Known = Mapping[str, KnownUser]

_LABELS = "component=singleuser-storage"
_USER = "hub.jupyter.org/username"


@dataclass(frozen=True, slots=True)
class FoundHome:
    """One home as it is now."""

    user: str | None
    """None where nobody knows whose it is."""
    known: bool | None
    """Whether the hub knows the user; None where no hub was asked."""
    kind: str
    namespace: str | None
    """Where its claim is; None for a folder, which all namespaces share."""
    claim: str
    path: str | None
    size: int | None
    """Bytes on the disk for a folder, and the capacity of a claim."""
    last_use: datetime | None
    """The later of the user's last activity in the hub and the last change in the folder, as far as they are known."""


def shared_homes(homes: Homes, root: Path, known: Known | None, *, measured: bool) -> Iterator[FoundHome]:
    """Yield the homes in an export that is mounted at `root`. Raises HomesError."""
    owners = _owners(homes, known or {})
    for folder in folders_of(homes, root, measured=measured):
        user = owners.get(folder.name)
        if user is None and known is None and homes.names.value == "stable" and "--" not in folder.name:
            user = folder.name
        path = folder.name if homes.folder is None else f"{homes.folder}/{folder.name}"
        yield FoundHome(
            user=user,
            known=None if known is None else user is not None and user in known,
            kind=homes.kind.value,
            namespace=None,
            claim=homes.claim or "",
            path=path,
            size=folder.size,
            last_use=_later(folder.written_at, known, user),
        )


async def claimed_homes(api: KubernetesApi, namespaces: Iterable[str], known: Known | None) -> list[FoundHome]:
    """Return the claims of homes in some namespaces. Raises HomesError."""
    found = []
    for namespace in sorted(set(namespaces)):
        try:
            claims = await api.list(CLAIMS, namespace=namespace, label_selector=_LABELS)
        except ForbiddenError as e:
            raise HomesError(f"The claims of the namespace {namespace} may not be listed.") from e
        except KubernetesError as e:
            raise HomesError(f"The claims of the namespace {namespace} cannot be listed.") from e
        found += [_claimed(claim, namespace, known) for claim in claims]
    return found


def namespaces_of(catalogue: Catalogue) -> frozenset[str]:
    """Return where servers of teams run."""
    return frozenset(team.namespace for team in catalogue.teams)


def _claimed(claim: JsonObject, namespace: str, known: Known | None) -> FoundHome:
    metadata = claim["metadata"]
    user = (metadata.get("annotations") or {}).get(_USER)
    capacity = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
    return FoundHome(
        user=user,
        known=None if known is None else user is not None and user in known,
        kind=HomesKind.CLAIM.value,
        namespace=namespace,
        claim=metadata["name"],
        path=None,
        size=None if capacity is None else quantity_bytes(str(capacity)),
        last_use=_later(None, known, user),
    )


def _owners(homes: Homes, known: Known) -> dict[str, str]:
    """Return the users by their folders: those that the hub knows, and those whom the catalogue gives one."""
    owners = {}
    for user in (*homes.folders, *known):
        try:
            owners[user_folder(homes, user)] = user
        except HomeError:
            continue
    return owners


def _later(written_at: datetime | None, known: Known | None, user: str | None) -> datetime | None:
    active = known[user].last_activity if known is not None and user is not None and user in known else None
    return max(filter(None, (written_at, active)), default=None)
