"""Spawners with a catalogue that speaks of homes, and the pods that come of it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from traitlets.config import Config

from genkan_hub import configure
from genkan_spawner import GenkanSpawner
from genkan_spawner.api import JsonObject

from ...support.spawner import MakeSpawner

SHARED: JsonObject = {"kind": "shared", "claim": "homes", "folder": "people"}
CLAIM: JsonObject = {"kind": "claim", "size": "20Gi"}
OWN = {"pattern": ".+", "message": "Any."}


class Site:
    """Makes spawners of a site with these homes."""

    def __init__(self, make: MakeSpawner, folder: Path) -> None:
        self._make = make
        self._folder = folder
        self._count = 0

    def spawner(
        self,
        homes: JsonObject | None,
        *,
        user: str = "alice",
        server: str = "",
        auth_state: JsonObject | None = None,
        config: Config | None = None,
        catalogue: JsonObject | None = None,
        **traits: Any,
    ) -> GenkanSpawner:
        """Return a spawner of a user; the hub is set up as `configure` does, or as a given configuration."""
        document: JsonObject = {
            "hardware": [
                {"slug": "small", "display_name": "Small", "cpu": 1, "cpu_limit": 2, "memory": "2Gi"},
                {"slug": "card", "display_name": "Card", "cpu": 4, "memory": "8Gi", "gpu": {"count": 1}},
            ],
            "images": [
                {"slug": "one", "display_name": "One", "image": "registry.example.org/one:1"},
                {"slug": "two", "display_name": "Two", "image": "registry.example.org/two:2"},
            ],
            "own_image": OWN,
            **({"homes": homes} if homes else {}),
            **(catalogue or {}),
        }
        # A hub looks at the same file once a second only.
        self._count += 1
        file = self._folder / f"catalogue-{self._count}.yaml"
        file.write_text(json.dumps(document))
        if config is None:
            config = Config()
            configure(config)
        if server:
            traits["orm_spawner"] = SimpleNamespace(name=server, server=None, user_options=None)
        spawner = self._make(config, catalogue_file=str(file), **traits)
        self.name(spawner, user, auth_state)
        return spawner

    @staticmethod
    def name(spawner: GenkanSpawner, user: str, auth_state: JsonObject | None) -> None:
        """Make it the spawner of another user."""

        async def known() -> JsonObject | None:
            return auth_state

        owner: Any = spawner.user
        spawner.user = SimpleNamespace(**{**vars(owner), "name": user, "escaped_name": user, "get_auth_state": known})
        spawner.clear_state()
        spawner.pvc_name = spawner._expand_user_properties(spawner.pvc_name_template)


async def pod_of(spawner: GenkanSpawner) -> JsonObject:
    """Return the pod that a start would create."""
    await spawner.load_user_options()
    pod: JsonObject = spawner.api.api_client.sanitize_for_serialization(await spawner.get_pod_manifest())
    return pod


def home_mounts(pod: JsonObject) -> list[JsonObject]:
    """Return what the server's container has mounted of the home's volume."""
    (container,) = pod["spec"]["containers"]
    return [row for row in container["volumeMounts"] if row["name"] == "genkan-home"]
