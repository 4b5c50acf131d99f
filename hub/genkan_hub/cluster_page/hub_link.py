"""What the hub tells of its servers, asked for again and again; and the stop of a server in somebody's name."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
from pydantic import ValidationError

from genkan_profiles.language.sentences import NOTHING, Sentence, say

from .exceptions import HubError, StopError
from .hub_report import HubReport, StopRequest

log = logging.getLogger(__name__)

EVERY = 15.0
"""Seconds between two questions while nothing happens."""

LEAST = 2.0
"""Seconds between two questions while servers start and stop."""

AGAIN = 3.0
"""Seconds after which a hub that did not answer is asked again."""

WITHIN = aiohttp.ClientTimeout(total=15)

_STOP_WITHIN = aiohttp.ClientTimeout(total=60)
_LONGEST_WORDS = 300


class HubLink:
    """Knows what the hub last told; nobody who asks waits for the hub.

    `api_url` is the hub's API, `token` that of the page.
    """

    def __init__(self, api_url: str, token: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api_url = api_url.rstrip("/")
        self._token = token
        self._clock = clock
        self._news = asyncio.Event()
        self._heard_at: float | None = None
        self.report = HubReport()
        self.problem = say("The hub has not told of its servers yet.")
        """Why nothing new is known, in a sentence for administrators; empty while all is well."""
        self.told: Callable[[HubReport], None] = lambda _report: None
        """Is called with each report."""

    @property
    def age(self) -> float | None:
        """Seconds since the hub last answered; None if it never did."""
        return None if self._heard_at is None else max(self._clock() - self._heard_at, 0.0)

    def ask_soon(self) -> None:
        """Have the hub asked again: something has changed."""
        self._news.set()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self.read()
            await asyncio.sleep(LEAST)
            try:
                async with asyncio.timeout(AGAIN - LEAST if self.problem else EVERY - LEAST):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def read(self) -> None:
        """Ask once; a failure is noted and leaves what is known."""
        self._news.clear()
        try:
            report = await self._report()
        except HubError as e:
            self._tell(e.sentence)
            return
        self._heard_at = self._clock()
        self.report = report
        self.told(report)
        self._tell(NOTHING)

    async def stop(self, user: str, server: str, *, wanted: StopRequest, token: str) -> None:
        """Have the hub stop a server in the name of whoever has this token. Raises StopError with its words."""
        address = f"genkan/users/{quote(user, safe='')}/servers/{quote(server, safe='')}/stop"
        try:
            async with self._answer("POST", address, token, within=_STOP_WITHIN, body=wanted) as response:
                if not response.ok:
                    raise StopError(await _refusal(response))
        except HubError as e:
            raise StopError(e.sentence) from e
        self.ask_soon()

    async def _report(self) -> HubReport:
        async with self._answer("GET", "genkan/report", self._token, within=WITHIN) as response:
            if response.status == HTTPStatus.FORBIDDEN:
                raise HubError(
                    say("The hub does not accept the token of the cluster page, or its rights are not enough.")
                )
            if not response.ok:
                raise HubError(_failure(response))
            body = await response.read()
        try:
            return HubReport.model_validate_json(body)
        except ValidationError as e:
            raise HubError(say("The hub answers what cannot be understood: is it of another version?")) from e

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, token: str, *, within: aiohttp.ClientTimeout, body: StopRequest | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
        data = None if body is None else body.model_dump_json()
        try:
            async with (
                aiohttp.ClientSession(timeout=within, headers=headers) as session,
                session.request(method, f"{self._api_url}/{path}", data=data) as response,
            ):
                yield response
        except TimeoutError as e:
            seconds = round(within.total or 0)
            raise HubError(say("The hub did not answer within {seconds} seconds.", seconds=seconds)) from e
        except (aiohttp.ClientError, OSError) as e:
            raise HubError(say("The hub does not answer.")) from e

    def _tell(self, problem: Sentence) -> None:
        if problem and problem != self.problem:
            log.warning("%s", problem)
        elif self.problem and not problem:
            log.info("The hub tells of its servers.")
        self.problem = problem


async def _refusal(response: aiohttp.ClientResponse) -> Sentence:
    """Return why the hub does not stop a server, for what is not foreseen in its own words."""
    if response.status == HTTPStatus.NOT_FOUND:
        return say("This server does not run any more.")
    if response.status == HTTPStatus.CONFLICT:
        return say("This server was started anew in the meantime.")
    try:
        message = str(json.loads(await response.read())["message"])
    except (ValueError, LookupError, TypeError):
        message = ""
    return Sentence.quoted(message[:_LONGEST_WORDS]) if message else _failure(response)


def _failure(response: aiohttp.ClientResponse) -> Sentence:
    return say("The hub answers with an error ({status}).", status=response.status)
