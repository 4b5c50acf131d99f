"""A proxy that takes what a hub tells it, for hubs that are started without one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "a-token-of-the-proxy"  # made up


@dataclass(slots=True)
class StubProxy:
    """Where its API listens, and what it was told."""

    url: str = ""
    routes: dict[str, Any] = field(default_factory=dict)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """That there is a route."""


@asynccontextmanager
async def stub_proxy() -> AsyncIterator[StubProxy]:
    """Run one on a free port."""
    proxy = StubProxy()

    async def listed(_: web.Request) -> web.Response:
        return web.json_response(proxy.routes)

    async def added(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"token {TOKEN}":
            return web.Response(status=403)
        proxy.routes[f"/{request.match_info['route']}"] = await request.json()
        proxy.told.set()
        return web.Response(status=201)

    async def removed(request: web.Request) -> web.Response:
        proxy.routes.pop(f"/{request.match_info['route']}", None)
        return web.Response(status=204)

    application = web.Application()
    application.router.add_get("/api/routes", listed)
    application.router.add_post("/api/routes/{route:.*}", added)
    application.router.add_delete("/api/routes/{route:.*}", removed)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
