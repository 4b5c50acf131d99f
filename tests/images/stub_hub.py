"""A hub that knows one user and one token, for servers that are started without a cluster."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

USER = "alice"
TOKEN = "a-token-of-the-stub"  # made up
PREFIX = f"/user/{USER}/"


@dataclass(slots=True)
class StubHub:
    """What the hub was asked, and where it listens."""

    url: str = ""
    activities: list[dict[str, Any]] = field(default_factory=list)

    def environ(self, *, port: int) -> dict[str, str]:
        """Return the variables that a spawner gives to a server on a port."""
        return {
            "JUPYTERHUB_ACTIVITY_URL": f"{self.url}/hub/api/users/{USER}/activity",
            "JUPYTERHUB_API_TOKEN": TOKEN,
            "JUPYTERHUB_API_URL": f"{self.url}/hub/api",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{USER}",
            "JUPYTERHUB_HOST": "",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": f'["access:servers!server={USER}/"]',
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}oauth_callback",
            "JUPYTERHUB_OAUTH_SCOPES": f'["access:servers!server={USER}/"]',
            "JUPYTERHUB_SERVER_NAME": "",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}{PREFIX}",
            "JUPYTERHUB_USER": USER,
        }


@asynccontextmanager
async def stub_hub() -> AsyncIterator[StubHub]:
    """Run one on a free port."""
    hub = StubHub()

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"version": "6.1.1"})

    async def user(request: web.Request) -> web.Response:
        if request.headers.get("Authorization", "").split(" ")[-1] != TOKEN:
            return web.json_response({"status": 403, "message": "Missing or invalid credentials."}, status=403)
        scopes = [f"access:servers!server={USER}/"]
        return web.json_response({"name": USER, "kind": "user", "admin": False, "groups": [], "scopes": scopes})

    async def activity(request: web.Request) -> web.Response:
        hub.activities.append(await request.json())
        return web.json_response({})

    application = web.Application()
    application.router.add_get("/hub/api", version)
    application.router.add_get("/hub/api/", version)
    application.router.add_get("/hub/api/user", user)
    application.router.add_post(f"/hub/api/users/{USER}/activity", activity)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    hub.url = f"http://{host}:{port}"
    try:
        yield hub
    finally:
        await runner.cleanup()
