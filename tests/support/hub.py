"""A person at the hub, by HTTP: log in, choose a profile, work in JupyterLab, stop."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import quote, urljoin

import httpx
from websockets.asyncio.client import connect

from .records import User

START_SECONDS = 120


class FormInputs(HTMLParser):
    """The names and values a form offers: radio buttons, selects and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.offered: dict[str, list[str]] = {}
        self.checked: dict[str, str] = {}
        self._select: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = given.get("name")
        name = given.get("name") if tag == "input" else self._select if tag == "option" else None
        if name is None:
            return
        self.offered.setdefault(name, []).append(given.get("value", ""))
        if "checked" in given or "selected" in given:
            self.checked[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None


class Person:
    """One browser session of one user, without the browser."""

    def __init__(self, url: str, user: User, client: httpx.AsyncClient) -> None:
        self.url = url
        self.user = user
        self._client = client
        self._token = ""

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, user: User) -> AsyncIterator[Self]:
        """Log in and take a token for the REST API."""
        async with httpx.AsyncClient(follow_redirects=True, timeout=60) as client:
            person = cls(url, user, client)
            await person._log_in()
            await person.take_token()
            yield person

    async def _log_in(self) -> None:
        await self._client.get(self.hub("login"))
        form = {"username": self.user.name, "password": self.user.password, "_xsrf": self._xsrf}
        answer = await self._client.post(self.hub("login"), data=form)
        assert answer.status_code == httpx.codes.OK, answer.text

    async def take_token(self) -> None:
        """Take a token for the REST API, as somebody who is logged in."""
        answer = await self._client.post(
            self.hub(f"api/users/{quote(self.user.name)}/tokens"),
            json={"note": "test", "expires_in": 3600},
            headers={"X-XSRFToken": self._xsrf},
        )
        answer.raise_for_status()
        self._token = answer.json()["token"]

    @property
    def _xsrf(self) -> str:
        """The token of the hub's own pages; servers and services have cookies of the same name on other paths."""
        return next(
            cookie.value or ""
            for cookie in self._client.cookies.jar
            if cookie.name == "_xsrf" and not cookie.path.partition("hub/")[0].strip("/")
        )

    @property
    def token(self) -> str:
        """The token with which the person asks the REST API."""
        return self._token

    def hub(self, path: str) -> str:
        """Return the address of a page of the hub."""
        return urljoin(self.url, f"hub/{path}")

    def server(self, path: str, name: str = "") -> str:
        """Return an address in the user's server."""
        return urljoin(self.url, f"user/{quote(self.user.name)}/{name + '/' if name else ''}{path}")

    async def api(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Ask the hub's REST API as the user."""
        headers = {"Authorization": f"token {self._token}"}
        return await self._client.request(method, self.hub(f"api/{path}"), headers=headers, **body)

    async def page(self, path: str) -> httpx.Response:
        """Open a page of the hub."""
        return await self._client.get(self.hub(path))

    async def visit(self, path: str, **more: Any) -> httpx.Response:
        """Open a page of a service, such as `services/cluster/`; the first visit signs in by itself."""
        return await self._client.get(urljoin(self.url, path), **more)

    async def send(self, path: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send a form to a service."""
        return await self._client.post(urljoin(self.url, path), data=fields)

    async def form(self, name: str = "") -> FormInputs:
        """Open the profile form."""
        answer = await self.page(f"spawn/{quote(self.user.name)}/{name}" if name else "spawn")
        assert answer.status_code == httpx.codes.OK, answer.text
        return FormInputs(answer.text)

    async def submit(self, *, profile: str, name: str = "", **options: str) -> httpx.Response:
        """Send the profile form as a browser does."""
        form = {"profile": profile, "_xsrf": self._xsrf}
        form |= {f"profile-option-{profile}--{option}": choice for option, choice in options.items()}
        path = f"spawn/{quote(self.user.name)}/{name}" if name else "spawn"
        return await self._client.post(self.hub(path), data=form, params={"_xsrf": self._xsrf})

    async def start(self, *, profile: str, name: str = "", **options: str) -> None:
        """Send the form and wait until the server is ready."""
        answer = await self.submit(profile=profile, name=name, **options)
        assert answer.status_code == httpx.codes.OK, answer.text
        await self.until(ready=True, name=name)

    @classmethod
    @asynccontextmanager
    async def visiting(cls, url: str, user: User) -> AsyncIterator[Self]:
        """Log in, and leave no server behind."""
        async with cls.at(url, user) as person:
            yield person
            for name in await person.servers():
                await person.stop(name)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Open the stream of the default server's start."""
        headers = {"Authorization": f"token {self._token}"}
        address = self.hub(f"api/users/{quote(self.user.name)}/server/progress")
        async with self._client.stream("GET", address, headers=headers) as answer:
            yield (json.loads(line[6:]) async for line in answer.aiter_lines() if line.startswith("data: "))

    async def told(self) -> list[dict[str, Any]]:
        """Return the events of the default server's start, from the first to the last."""
        async with self.events() as events:
            return [event async for event in events]

    async def servers(self) -> dict[str, dict[str, Any]]:
        """Return what the hub says of the user's servers, by name; the default one's name is empty."""
        servers: dict[str, dict[str, Any]] = (await self.api("GET", f"users/{quote(self.user.name)}")).json()["servers"]
        return servers

    async def until(self, *, ready: bool, name: str = "", within: float = START_SECONDS) -> None:
        """Wait until a server is ready, or gone."""
        async with asyncio.timeout(within):
            while True:
                server = (await self.servers()).get(name)
                if ready and server is not None and server["ready"]:
                    return
                if not ready and (server is None or (server["stopped"] and not server["pending"])):
                    return
                await asyncio.sleep(0.1)

    async def stop(self, name: str = "") -> None:
        """Stop a server and wait until it is gone."""
        user = quote(self.user.name)
        path = f"users/{user}/servers/{name}" if name else f"users/{user}/server"
        answer = await self.api("DELETE", path)
        assert answer.is_success, answer.text
        await self.until(ready=False, name=name)

    async def lab(self, method: str, path: str, *, name: str = "", **body: Any) -> httpx.Response:
        """Ask the user's own server."""
        headers = {"Authorization": f"token {self._token}"}
        return await self._client.request(method, self.server(path, name), headers=headers, **body)

    async def reach(self, *, within: float = START_SECONDS) -> None:
        """Wait for the proxy's route to the server: a hub that comes back finds its servers first and adds it then."""
        async with asyncio.timeout(within):
            while not (await self.lab("GET", "api/status")).is_success:
                await asyncio.sleep(0.2)

    async def write(self, path: str, text: str) -> None:
        """Save a text file in the home."""
        body = {"type": "file", "format": "text", "content": text}
        answer = await self.lab("PUT", f"api/contents/{path}", json=body)
        assert answer.is_success, answer.text

    async def read(self, path: str, *, name: str = "") -> str:
        """Read a text file of the home, through any of the user's servers."""
        answer = await self.lab("GET", f"api/contents/{path}", name=name, params={"content": "1"})
        assert answer.is_success, answer.text
        text: str = answer.json()["content"]
        return text

    async def run(self, code: str) -> str:
        """Run code in a new kernel over the websocket and return its result as text, or what it printed."""
        answer = await self.lab("POST", "api/kernels", json={"name": "python3"})
        assert answer.is_success, answer.text
        kernel = answer.json()["id"]
        address = self.server(f"api/kernels/{kernel}/channels").replace("http", "ws", 1)
        try:
            headers = {"Authorization": f"token {self._token}"}
            async with asyncio.timeout(60), connect(address, additional_headers=headers) as socket:
                await socket.send(json.dumps(_execute_request(code)))
                return await _result([message async for message in _until_idle(socket)])
        finally:
            await self.lab("DELETE", f"api/kernels/{kernel}")


def _execute_request(code: str) -> dict[str, Any]:
    """Build a message of the Jupyter protocol (https://jupyter-client.readthedocs.io/en/stable/messaging.html)."""
    return {
        "channel": "shell",
        "header": {
            "msg_id": uuid.uuid4().hex,
            "username": "",
            "session": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
    }


async def _until_idle(socket: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield the answers to the request, up to the kernel's rest after it."""
    async for line in socket:
        message = json.loads(line)
        if message["parent_header"].get("msg_type") != "execute_request":
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return
        yield message


async def _result(messages: list[dict[str, Any]]) -> str:
    texts = []
    for message in messages:
        content = message["content"]
        match message["msg_type"]:
            case "execute_result":
                texts.append(content["data"]["text/plain"])
            case "stream":
                texts.append(content["text"].strip())
            case "error":
                texts.append(f"{content['ename']}: {content['evalue']}")
            case _:
                pass
    return "\n".join(texts)
