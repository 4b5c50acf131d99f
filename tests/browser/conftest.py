import shutil
from collections.abc import AsyncIterator
from pathlib import Path

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


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh profile that fails the test when a page asks another host than the hub."""
    # Colours that are just changing are no colours that anybody reads.
    context = await browser.new_context(viewport=WIDE, reduced_motion="reduce")
    strangers: list[str] = []

    def note(url: str) -> None:
        if not url.startswith(("http://127.", "ws://127.", "data:", "blob:", "about:")):
            strangers.append(url)

    context.on("request", lambda request: note(request.url))
    yield context
    await context.close()
    assert strangers == []


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return await context.new_page()


@pytest.fixture
async def bob(sandbox: SandboxRun) -> AsyncIterator[Person]:
    """An ordinary user with nothing running before or after the test."""
    async with Person.at(sandbox.url, sandbox.user("bob")) as person:
        yield person
        for name in await person.servers():
            await person.stop(name)
