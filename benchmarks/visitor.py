"""A person who starts a server and waits for JupyterLab, with the same requests as a browser."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from benchmarks.exceptions import BenchmarkError
from benchmarks.sandboxes import User

STARTED_WITHIN = 180.0
"""Seconds until a start has failed."""

STOPPED_WITHIN = 60.0
"""Seconds until a stop has failed."""

_POLL = 0.02
"""Seconds between questions where nothing announces the answer."""


@dataclass(frozen=True, slots=True)
class StartTimes:
    """Seconds from the click on the form's button."""

    ready: float
    """Until the waiting page says that the server is ready."""

    lab: float
    """Until JupyterLab's page is there."""


class Visitor:
    """One user's browser session."""

    def __init__(self, url: str, user: User, client: httpx.AsyncClient) -> None:
        self._url = url
        self._user = user
        self._client = client
        self._token = ""

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, user: User) -> AsyncIterator[Self]:
        """Log in at a hub."""
        async with httpx.AsyncClient(follow_redirects=True, timeout=STARTED_WITHIN) as client:
            visitor = cls(url, user, client)
            await visitor._log_in()
            yield visitor

    async def open(self, path: str) -> httpx.Response:
        """Open a page of the hub or of a service."""
        answer = await self._client.get(self._at(path))
        answer.raise_for_status()
        return answer

    async def start(self, profile: str) -> StartTimes:
        """Open the form, send it and wait for JupyterLab; the time begins when the form is sent."""
        await self._page("hub/spawn")
        form = {"profile": profile, "_xsrf": self._xsrf}
        try:
            async with asyncio.timeout(STARTED_WITHIN):
                clicked = time.monotonic()
                answer = await self._client.post(self._at("hub/spawn"), data=form, params={"_xsrf": self._xsrf})
                if "spawn-pending" not in answer.url.path:
                    raise BenchmarkError(f"The form was not taken; the hub answered {answer.status_code}.")
                await self._wait_for_progress()
                ready = time.monotonic() - clicked
                await self._open_lab()
                return StartTimes(ready=ready, lab=time.monotonic() - clicked)
        except TimeoutError as e:
            raise BenchmarkError(f"JupyterLab did not answer within {STARTED_WITHIN:.0f} seconds.") from e

    async def stop(self) -> float:
        """Stop the server and return the seconds until the hub says that it is gone."""
        clicked = time.monotonic()
        try:
            async with asyncio.timeout(STOPPED_WITHIN):
                await self._api("DELETE", "/server")
                while True:
                    if not await self._has_server():
                        return time.monotonic() - clicked
                    await asyncio.sleep(_POLL)
        except TimeoutError as e:
            raise BenchmarkError(f"The server did not stop within {STOPPED_WITHIN:.0f} seconds.") from e

    async def _log_in(self) -> None:
        await self._page("hub/login")
        form = {"username": self._user.name, "password": self._user.password, "_xsrf": self._xsrf}
        answer = await self._client.post(self._at("hub/login"), data=form)
        answer.raise_for_status()
        # The pages' scripts ask the REST API with cookies and a header; a token is the same to the hub, and simpler.
        answer = await self._client.post(
            self._at(f"hub/api/users/{self._user.name}/tokens"),
            json={"note": "benchmark", "expires_in": 24 * 3600},
            headers={"X-XSRFToken": self._xsrf},
        )
        answer.raise_for_status()
        self._token = answer.json()["token"]

    async def _wait_for_progress(self) -> None:
        """Follow the events that move the waiting page's bar."""
        path = self._at(f"hub/api/users/{self._user.name}/server/progress")
        async with self._client.stream("GET", path, headers=self._authorization) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if not line.startswith("data:"):
                    continue
                event = json.loads(line.removeprefix("data:"))
                if event.get("failed"):
                    raise BenchmarkError(f"The server did not start: {event.get('message')}")
                if event.get("ready"):
                    return
        raise BenchmarkError("The hub stopped telling of the start before the server was ready.")

    async def _open_lab(self) -> None:
        """Open JupyterLab, over the hub's sign-in page and back as a browser does."""
        path = f"/user/{self._user.name}/lab"
        while True:
            answer = await self._client.get(self._at(path))
            if answer.status_code == httpx.codes.OK and answer.url.path == path:
                return
            await asyncio.sleep(_POLL)

    async def _has_server(self) -> bool:
        server: dict[str, Any] | None = (await self._api("GET", "")).json()["servers"].get("")
        return server is not None and not (server["stopped"] and not server["pending"])

    async def _page(self, path: str) -> None:
        await self.open(path)

    async def _api(self, method: str, path: str) -> httpx.Response:
        url = self._at(f"hub/api/users/{self._user.name}{path}")
        answer = await self._client.request(method, url, headers=self._authorization)
        answer.raise_for_status()
        return answer

    def _at(self, path: str) -> str:
        return urljoin(self._url, path)

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"token {self._token}"}

    @property
    def _xsrf(self) -> str:
        """The token of the hub's pages; a user's server has a cookie of the same name on another path."""
        cookies = self._client.cookies.jar
        return next(one.value or "" for one in cookies if one.name == "_xsrf" and "user" not in one.path)
