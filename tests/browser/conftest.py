import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from ..support.browser import WIDE
from ..support.hub import Person
from ..support.sandbox import SandboxRun, require

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""For root in a container, and so that the browser asks no host but the hub."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the hub and a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("cluster")
            item.add_marker("browser")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's own Chromium; nothing is downloaded."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        require("Chromium is not installed. On Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        await browser.close()


class OpenContext(Protocol):
    """Open a browser of somebody's own, with Playwright's options for it."""

    async def __call__(self, **options: Any) -> BrowserContext: ...


@pytest.fixture
async def open_context(browser: Browser) -> AsyncIterator[OpenContext]:
    """Browsers that fail the test when a page asks another host than the hub."""
    strangers: list[str] = []

    def note(url: str) -> None:
        if not url.startswith(("http://127.", "ws://127.", "data:", "blob:", "about:")):
            strangers.append(url)

    async with contextlib.AsyncExitStack() as stack:

        async def opened(**options: Any) -> BrowserContext:
            # Colours that are just changing are no colours that anybody reads.
            context = await browser.new_context(viewport=WIDE, reduced_motion="reduce", **options)
            stack.push_async_callback(context.close)
            context.on("request", lambda request: note(request.url))
            return context

        yield opened
    assert strangers == []


@pytest.fixture
async def context(open_context: OpenContext) -> BrowserContext:
    """A browser that nobody has used."""
    return await open_context()


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return await context.new_page()


@pytest.fixture
async def alice(sandbox: SandboxRun) -> AsyncIterator[Person]:
    """A user of the team Vision, with nothing running before or after the test."""
    async with Person.visiting(sandbox.url, sandbox.user("alice")) as person:
        yield person


@pytest.fixture
async def bob(sandbox: SandboxRun) -> AsyncIterator[Person]:
    """A user of the team Language, with nothing running before or after the test."""
    async with Person.visiting(sandbox.url, sandbox.user("bob")) as person:
        yield person
