"""Small web servers of a test's own: a hub and a Prometheus that answer what the test says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Asked:
    """One request, as far as tests look at it."""

    method: str
    path: str
    query: dict[str, str]
    token: str
    body: str


@dataclass(slots=True)
class Scripted:
    """A server whose answer a test changes; it keeps every request."""

    url: str = ""
    status: int = 200
    body: str | bytes = "{}"
    answers: dict[str, str] = field(default_factory=dict)
    """Bodies by a part of what is asked, in the place of `body`."""
    asked: list[Asked] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        query, token = dict(request.query), request.headers.get("Authorization", "")
        self.asked.append(Asked(request.method, request.raw_path.partition("?")[0], query, token, await request.text()))
        bodies = (body for part, body in self.answers.items() if part in query.get("query", request.path))
        body = next(bodies, self.body)
        return web.Response(status=self.status, body=body if isinstance(body, bytes) else body.encode())


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    """Run one on a free port of loopback."""
    server = Scripted()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
