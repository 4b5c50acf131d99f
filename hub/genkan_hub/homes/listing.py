"""All homes that there are, and whose they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from genkan_profiles import Catalogue, HomeError, Homes, HomesKind
from genkan_profiles.home_names import CLAIM_PREFIX, claim_name, folder_name, user_folder
from genkan_profiles.quantities import quantity_bytes
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.following.pod_state import moment
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.marks import USER_NAME

from .exceptions import HomesError
from .export import folders_of
from .users import KnownUser

Known = Mapping[str, KnownUser]

_COMPONENT, _OF_HOMES = "component", "singleuser-storage"
"""The label that KubeSpawner puts on the claims that it makes."""

_UNUSED = "Unused"
"""The condition of a claim that tells since when no pod uses it, or that one does.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""


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
    made: datetime | None
    """When its claim was made; None for a folder."""
    last_use: datetime | None
    """The latest of what is known of the user's last activity in the hub, of the last change in the folder, and of when
    the claim was last used by a pod; None where nothing is."""


def shared_homes(homes: Homes, root: Path, known: Known | None, *, measured: bool) -> Iterator[FoundHome]:
    """Yield the homes in an export that is mounted at `root`. Raises HomesError."""
    owners = _owners(homes, known or {})
    for folder in folders_of(homes, root, measured=measured):
        user = owners.get(folder.name)
        if user is None and known is None and folder.name == folder_name(homes, folder.name):
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
            made=None,
            last_use=_latest(folder.written_at, _activity(known, user)),
        )


async def claimed_homes(
    api: KubernetesApi, namespaces: Iterable[str], known: Known | None, *, now: datetime
) -> list[FoundHome]:
    """Return the claims of homes in some namespaces. Raises HomesError."""
    found = []
    names = {claim_name(user): user for user in known or ()}
    for namespace in sorted(set(namespaces)):
        try:
            claims = await api.list(CLAIMS, namespace=namespace)
        except ForbiddenError as e:
            raise HomesError(f"The claims of the namespace {namespace} may not be listed.") from e
        except KubernetesError as e:
            raise HomesError(f"The claims of the namespace {namespace} cannot be listed.") from e
        homes = (claim for claim in claims if _is_home(claim))
        found += [_claimed(claim, _owner(claim, names), known, now=now) for claim in homes]
    return found


def namespaces_of(catalogue: Catalogue) -> frozenset[str]:
    """Return where servers of teams run."""
    return frozenset(team.namespace for team in catalogue.teams)


def _is_home(claim: JsonObject) -> bool:
    """Return whether a claim is a home: KubeSpawner has made it, or it is called like one."""
    metadata = claim["metadata"]
    made = (metadata.get("labels") or {}).get(_COMPONENT) == _OF_HOMES
    return made or USER_NAME in (metadata.get("annotations") or {}) or metadata["name"].startswith(CLAIM_PREFIX)


def _owner(claim: JsonObject, names: Mapping[str, str]) -> str | None:
    """Return whose a claim is: that it is marked as somebody's counts before what it is called."""
    marked: str | None = (claim["metadata"].get("annotations") or {}).get(USER_NAME)
    return marked or names.get(claim["metadata"]["name"])


def _claimed(claim: JsonObject, user: str | None, known: Known | None, *, now: datetime) -> FoundHome:
    metadata, status = claim["metadata"], claim.get("status") or {}
    capacity = (status.get("capacity") or {}).get("storage")
    return FoundHome(
        user=user,
        known=None if known is None else user is not None and user in known,
        kind=HomesKind.CLAIM.value,
        namespace=metadata["namespace"],
        claim=metadata["name"],
        path=None,
        size=None if capacity is None else quantity_bytes(str(capacity)),
        made=moment(metadata.get("creationTimestamp")),
        last_use=_latest(_used(status, now=now), _activity(known, user)),
    )


def _used(status: JsonObject, *, now: datetime) -> datetime | None:
    """Return when a claim was last used by a pod, as the cluster knows it; None where it keeps no account of that."""
    told: JsonObject = {}
    for row in status.get("conditions") or ():
        if row.get("type") == _UNUSED:
            told = row
    match told.get("status"):
        case "True":
            return moment(told.get("lastTransitionTime"))
        case "False":
            return now
        case _:
            return None


def _owners(homes: Homes, known: Known) -> dict[str, str]:
    """Return the users by their folders: those that the hub knows, and those whom the catalogue gives one."""
    owners = {}
    for user in (*homes.folders, *known):
        try:
            owners[user_folder(homes, user)] = user
        except HomeError:
            continue
    return owners


def _activity(known: Known | None, user: str | None) -> datetime | None:
    found = None if known is None or user is None else known.get(user)
    return None if found is None else found.last_activity


def _latest(*moments: datetime | None) -> datetime | None:
    return max(filter(None, moments), default=None)
