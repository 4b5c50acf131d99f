"""A small API server of our own on loopback: lists, watches and refusals as a test scripts them."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from genkan_spawner.api import JsonObject, KubernetesApi


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    content_type: str


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True)
class FakeApiServer:
    """Serves one list per path and one script of events per watch; keeps every request."""

    objects: dict[str, list[JsonObject]] = field(default_factory=dict)
    version: int = 1
    failures: list[tuple[int, str]] = field(default_factory=list)
    """Statuses and reasons of the next answers, whatever is asked."""

    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Statuses and reasons of all answers at a path, for as long as they are here."""

    watches: list[Sequence[JsonObject | bytes]] = field(default_factory=list)
    """Each watch sends its lines and ends; when none is left, a watch stays open and tells what `change` does."""

    history: list[tuple[str, int, JsonObject]] = field(default_factory=list)
    """Paths, versions and lines of all changes, for a watch that goes on after a break."""

    opening: asyncio.Event = field(default_factory=_set)
    """While it is not set, no watch is opened."""

    open: dict[str, list[asyncio.Queue[JsonObject | None]]] = field(default_factory=dict)
    """The watches at each path that stay open."""

    requests: list[Request] = field(default_factory=list)
    page: int = 500

    def listing(self, path: str) -> list[Request]:
        return [r for r in self.requests if r.path == path and r.method == "GET" and "watch" not in r.query]

    def watching(self, path: str) -> list[Request]:
        return [r for r in self.requests if r.path == path and "watch" in r.query]

    def change(self, path: str, type: str, obj: JsonObject) -> None:  # noqa: A002  # the word of the API
        """Add, modify or delete an object of a list, and tell the open watches."""
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        others = [other for other in self.objects.get(path, []) if _place(other) != _place(obj)]
        self.objects[path] = others if type == "DELETED" else [*others, obj]
        self.history.append((path, self.version, event(type, obj)))
        self.send(path, event(type, obj))

    def send(self, path: str, line: JsonObject | None) -> None:
        """Send a line to the open watches at a path; None ends them."""
        for queue in self.open.get(path, []):
            queue.put_nowait(line)

    def break_watches(self) -> None:
        """End all open watches."""
        for path in self.open:
            self.send(path, None)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        query = dict(request.query)
        self.requests.append(Request(request.method, request.path, query, body, request.content_type))
        if self.failures:
            status, reason = self.failures.pop(0)
            return web.json_response(_status(status, reason), status=status)
        if refusal := self.refused.get(request.path):
            status, reason = refusal
            return web.json_response(_status(status, reason), status=status)
        if "watch" in query:
            return await self._watch(request)
        if request.method != "GET":
            return web.json_response(body)
        return self._list(request.path, query)

    def _list(self, path: str, query: dict[str, str]) -> web.Response:
        items = self.objects.get(path, [])
        start = int(query.get("continue", "0"))
        limit = min(int(query.get("limit", self.page)), self.page)
        metadata: JsonObject = {"resourceVersion": str(self.version)}
        if start + limit < len(items):
            metadata["continue"] = str(start + limit)
        return web.json_response({"metadata": metadata, "items": items[start : start + limit]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        await self.opening.wait()
        response = web.StreamResponse()
        await response.prepare(request)
        if not self.watches:
            await self._stay(request, response)
            return response
        for line in self.watches.pop(0):
            await response.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        return response

    async def _stay(self, request: web.Request, response: web.StreamResponse) -> None:
        queue: asyncio.Queue[JsonObject | None] = asyncio.Queue()
        since = int(request.query["resourceVersion"])
        for path, version, missed in self.history:
            if path == request.path and version > since:
                queue.put_nowait(missed)
        self.open.setdefault(request.path, []).append(queue)
        try:
            while (line := await queue.get()) is not None:
                await response.write(json.dumps(line).encode() + b"\n")
        finally:
            self.open[request.path].remove(queue)


def _place(obj: JsonObject) -> tuple[str | None, str]:
    return obj["metadata"].get("namespace"), obj["metadata"]["name"]


def _status(status: int, reason: str) -> JsonObject:
    return {"kind": "Status", "code": status, "reason": reason, "message": f"because of {reason}"}


def thing(name: str, version: int = 1, **spec: Any) -> JsonObject:
    """Return an object with a name and a version."""
    return {"metadata": {"name": name, "resourceVersion": str(version)}, "spec": spec}


def event(kind: str, obj: JsonObject) -> JsonObject:
    """Return one line of a watch."""
    return {"type": kind, "object": obj}


@asynccontextmanager
async def fake_api_server(folder: Path) -> AsyncIterator[tuple[FakeApiServer, KubernetesApi]]:
    """Run a server on a free loopback port, with a client that knows it by a kubeconfig."""
    server = FakeApiServer()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{port}")))
    try:
        async with await KubernetesApi.connect(kubeconfig) as api:
            yield server, api
    finally:
        await runner.cleanup()


def _kubeconfig(url: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "users": [{"name": "test", "user": {"token": "a-token"}}],
    }
