"""Spawners without a hub and without a cluster."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api
from traitlets.config import Config

from genkan_spawner import GenkanSpawner
from genkan_spawner.hub_view import HubView

from .kubernetes import FakeApiServer, fake_api_server

MakeSpawner: TypeAlias = Callable[..., GenkanSpawner]

TOKEN = "the-token-of-alices-server"


@asynccontextmanager
async def spawners(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[FakeApiServer, MakeSpawner]]:
    """Make spawners of a user called alice that talk to a scripted API server.

    KubeSpawner finds its cluster by module-level functions, which is why they are replaced.
    """
    async with fake_api_server(folder) as (server, _):
        client = ApiClient(Configuration(host=_address(folder / "kubeconfig")))
        monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
        monkeypatch.setattr("kubespawner.spawner.shared_client", lambda _: CoreV1Api(client))

        def make(config: Config | None = None, **traits: Any) -> GenkanSpawner:
            user = SimpleNamespace(
                name="alice",
                escaped_name="alice",
                id=1,
                url="/user/alice/",
                server=None,
                groups=[],
                spawners={},
                settings={},
            )
            hub = SimpleNamespace(
                public_host="",
                url="http://hub.example.org/hub/",
                base_url="/hub/",
                api_url="http://hub.example.org/hub/api",
            )
            return GenkanSpawner(
                config=config or Config(),
                user=user,
                hub=hub,
                api_token=TOKEN,
                oauth_client_id="jupyterhub-user-alice",
                **traits,
            )

        try:
            yield server, make
        finally:
            if (view := HubView._views.get(asyncio.get_running_loop())) is not None:
                await view.close()
            await client.close()


def _address(kubeconfig: Path) -> str:
    return str(json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
