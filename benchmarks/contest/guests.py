"""Users of a hub under test, with the requests of a browser and a light client."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urljoin

import aiohttp

from benchmarks.contest.hubs import Hub
from benchmarks.contest.offer import form_fields, user_options
from benchmarks.contest.wording import failure_on
from benchmarks.exceptions import BenchmarkError

GONE = "The hub did not answer any more."

OF_A_HUB = "X-JupyterHub-Version"
"""Header of every page of a hub; what the proxy says for one that is not there is without it."""

_LOGINS = 8
"""Logins under way at once."""

_REST_SECONDS = 15
LATE = f"Nothing was certain after {_REST_SECONDS} seconds."

_POLL = 0.1


class Answer(StrEnum):
    """How a start went, as its user learns it."""

    READY = "started"
    REFUSED = "refused"
    NONE = "no answer"


@dataclass(frozen=True, slots=True)
class Word:
    """What a user was told of a start, and after how many seconds from the click."""

    answer: Answer
    seconds: float
    clicked: float
    """On the monotonic clock."""

    message: str = ""

    @property
    def at(self) -> float:
        """When it was told, on the monotonic clock."""
        return self.clicked + self.seconds


class Guest:
    """One user's browser session."""

    def __init__(self, hub: Hub, name: str, session: aiohttp.ClientSession) -> None:
        self.name = name
        self._hub = hub
        self._session = session

    @classmethod
    @asynccontextmanager
    async def at(cls, hub: Hub, name: str) -> AsyncIterator[Self]:
        """Log in."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
        # Cookies for addresses without a name, and as many connections as there are users.
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            guest = cls(hub, name, session)
            await guest._log_in()
            yield guest

    async def form(self) -> str:
        """Open the form and return the page."""
        async with self._session.get(self._at("hub/spawn")) as answer:
            page = await answer.text()
            if answer.status != 200 or "spawn_form" not in page:  # noqa: PLR2004
                raise BenchmarkError(f"The hub with {self._hub.contestant} answered {answer.status} without a form.")
            return page

    async def click(self, profile: str, *, patience: float) -> Word:
        """Send the form and follow the start until the hub says how it went."""
        clicked = time.monotonic()
        try:
            async with asyncio.timeout(patience):
                answer, message = await self._start(profile)
        except TimeoutError:
            answer, message = Answer.NONE, "The hub said nothing."
        except aiohttp.ClientError:
            answer, message = Answer.NONE, GONE
        return Word(answer, time.monotonic() - clicked, clicked, message)

    async def reload(self) -> str:
        """Open the waiting page again and return the failure that it tells of, if it does."""
        try:
            async with asyncio.timeout(_REST_SECONDS), self._session.get(self._pending) as answer:
                return failure_on(await answer.text()) if OF_A_HUB in answer.headers else GONE
        except TimeoutError:
            return LATE
        except aiohttp.ClientError:
            return GONE

    async def start_by_rest(self, profile: str) -> str:
        """Start over the REST API and return the answer, and what came of it if that was a promise."""
        url = self._at(f"hub/api/users/{self.name}/server")
        body, headers = {"user_options": user_options(profile)}, {"X-XSRFToken": self._xsrf}
        try:
            async with asyncio.timeout(_REST_SECONDS):
                async with self._session.post(url, json=body, headers=headers) as answer:
                    told = f"{answer.status} {_rest_message(await answer.text())}".strip()
                    if OF_A_HUB not in answer.headers:
                        return GONE
                    if not answer.ok:
                        return told
                return f"{told}, then {await self._outcome()}"
        except TimeoutError:
            return LATE
        except aiohttp.ClientError:
            return GONE

    async def _outcome(self) -> str:
        """Wait until a start is over and say how it ended."""
        url = self._at(f"hub/api/users/{self.name}")
        headers = {"X-XSRFToken": self._xsrf}
        while True:
            async with self._session.get(url, headers=headers) as answer:
                server = (await answer.json())["servers"].get("")
            if server is None or not server["pending"]:
                return "ready" if server is not None and server["ready"] else f"failed: {await self.reload()}"
            await asyncio.sleep(_POLL)

    async def _start(self, profile: str) -> tuple[Answer, str]:
        form = {**form_fields(profile), "_xsrf": self._xsrf}
        async with self._session.post(self._at("hub/spawn"), data=form, params={"_xsrf": self._xsrf}) as answer:
            page, status, path = await answer.text(), answer.status, answer.url.path
            of_a_hub = OF_A_HUB in answer.headers
        if path.startswith("/user/"):
            return Answer.READY, ""
        if status >= 400 or "spawn-pending" not in path:  # noqa: PLR2004
            return (Answer.REFUSED, failure_on(page)) if of_a_hub else (Answer.NONE, GONE)
        return await self._follow()

    async def _follow(self) -> tuple[Answer, str]:
        """Follow the events that move the waiting page's bar."""
        url = self._at(f"hub/api/users/{self.name}/server/progress")
        headers = {"Accept": "text/event-stream"}
        async with self._session.get(url, params={"_xsrf": self._xsrf}, headers=headers) as answer:
            async for line in answer.content:
                if not line.startswith(b"data:"):
                    continue
                event = json.loads(line.removeprefix(b"data:"))
                if event.get("failed"):
                    return Answer.REFUSED, str(event.get("message", ""))
                if event.get("ready"):
                    return Answer.READY, ""
            if answer.status == 400:  # noqa: PLR2004
                return Answer.REFUSED, await self.reload()
        return Answer.NONE, "The hub stopped telling of the start."

    async def _log_in(self) -> None:
        async with self._session.get(self._at("hub/login")) as page:
            page.raise_for_status()
        form = {"username": self.name, "password": self._hub.settings.password, "_xsrf": self._xsrf}
        url = self._at("hub/login")
        async with self._session.post(url, data=form, params={"next": "/hub/home"}) as answer:
            if answer.status != 200:  # noqa: PLR2004
                raise BenchmarkError(f"{self.name} could not log in; the hub answered {answer.status}.")

    def _at(self, path: str) -> str:
        return urljoin(self._hub.url, path)

    @property
    def _pending(self) -> str:
        return self._at(f"hub/spawn-pending/{self.name}")

    @property
    def _xsrf(self) -> str:
        """The token of the hub's pages; a user's server has a cookie of the same name on another path."""
        cookies = self._session.cookie_jar
        return next(one.value for one in cookies if one.key == "_xsrf" and "user" not in one["path"])


@asynccontextmanager
async def logged_in(hub: Hub, names: Sequence[str]) -> AsyncIterator[list[Guest]]:
    """Log several users in, a few at a time."""
    slots = asyncio.Semaphore(_LOGINS)
    async with AsyncExitStack() as stack:

        async def enter(name: str) -> Guest:
            async with slots:
                return await stack.enter_async_context(Guest.at(hub, name))

        yield list(await asyncio.gather(*map(enter, names)))


def _rest_message(text: str) -> str:
    try:
        answer: Any = json.loads(text)
        return str(answer["message"])
    except (ValueError, KeyError, TypeError):
        return re.sub(r"\s+", " ", text)[:200]
