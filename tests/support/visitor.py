"""Somebody who signs in at a hub through Keycloak, by HTTP: links and forms are followed, and no script runs."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Self
from urllib.parse import urljoin

import httpx

from .hub import Person
from .keycloak import PASSWORD
from .keycloak.transport import BrowserTransport
from .records import User

_FORM = re.compile(r"""<form[^>]*\baction="(?P<address>[^"]+)"[^>]*\bmethod="post\"""")
_SIGN_IN = re.compile(r"""href="(?P<address>[^"]+)"[^>]*>\s*Sign in with (?P<provider>[^<]+)<""")
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)


class Visitor:
    """One browser, with its cookies."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self.client = client

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator[Self]:
        """Open a browser that knows nothing yet."""
        async with httpx.AsyncClient(transport=BrowserTransport(), follow_redirects=True, timeout=60) as client:
            yield cls(url, client)

    async def open(self, path: str) -> httpx.Response:
        """Open a page of the hub, and go wherever it leads."""
        return await self.client.get(urljoin(self.url, path))

    async def begin(self, path: str = "hub/home") -> httpx.Response:
        """Open a page, take the button of the login page, and return what the provider shows."""
        page = await self.open(path)
        button = _SIGN_IN.search(page.text)
        assert button is not None, seen(page)
        return await self.client.get(urljoin(str(page.url), unescape(button["address"])))

    async def give_password(self, page: httpx.Response, name: str, password: str = PASSWORD) -> httpx.Response:
        """Fill in Keycloak's form, and go wherever it leads."""
        form = _FORM.search(page.text)
        assert form is not None, seen(page)
        return await self.client.post(unescape(form["address"]), data={"username": name, "password": password})

    async def sign_in(self, name: str, path: str = "hub/home") -> httpx.Response:
        """Go the whole way, and return the page at its end."""
        return await self.give_password(await self.begin(path), name)

    async def become(self, name: str) -> Person:
        """Sign in, and take a token, as somebody whom the hub lets in."""
        page = await self.sign_in(name)
        assert page.url == urljoin(self.url, "hub/home"), seen(page)
        person = Person(self.url, User(name=name, password=PASSWORD, groups=(), admin=False), self.client)
        await person.take_token()
        return person


def seen(page: httpx.Response) -> str:
    """Return what somebody reads on a page, for assertions and failures."""
    main = page.text[max(0, page.text.find("<main")) :]
    words = " ".join(unescape(_TAG.sub(" ", main)).split())
    return f"{page.status_code} {page.url.path}: {words[:1500]}"
