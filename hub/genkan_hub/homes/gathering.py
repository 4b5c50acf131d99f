"""Everything that is asked for a list of homes: the export or the cluster, and the hub."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genkan_hub.connection import NoClusterError, connect
from genkan_profiles import Catalogue, HomesKind

from .exceptions import HomesError
from .listing import FoundHome, claimed_homes, namespaces_of, shared_homes
from .users import KnownUser, known_users

TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105  # the name of a variable
"""The variable with the token for the hub's API: on a command line everybody could read it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the answers are."""

    export: Path | None
    """Where the export is mounted here."""
    namespaces: tuple[str, ...]
    """Beside those of teams."""
    kubeconfig: str | None
    hub_api: str | None


async def gathered(catalogue: Catalogue, places: Places, *, measured: bool) -> list[FoundHome]:
    """Return the homes that there are. Raises HomesError."""
    known = await _known(places.hub_api)
    homes = catalogue.homes
    if homes is not None and homes.kind is HomesKind.SHARED:
        if places.export is None:
            raise HomesError("Say where the export of the homes is mounted here, with --export FOLDER.")
        return list(shared_homes(homes, places.export, known, measured=measured))
    namespaces = namespaces_of(catalogue).union(places.namespaces)
    if not namespaces:
        raise HomesError("Say in which namespace servers run, with --namespace NAME.")
    try:
        connection = await connect(places.kubeconfig)
    except NoClusterError as error:
        raise HomesError(str(error)) from error
    async with connection as api:
        return await claimed_homes(api, namespaces, known, now=datetime.now(tz=UTC))


async def _known(hub_api: str | None) -> dict[str, KnownUser] | None:
    if hub_api is None:
        return None
    token = os.environ.get(TOKEN)
    if not token:
        raise HomesError(f"Put a token for the hub's API into the variable {TOKEN}.")
    return await known_users(hub_api, token)
