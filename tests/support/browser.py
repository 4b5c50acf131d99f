"""A person in a browser: what tests of pages do again and again."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from playwright.async_api import Page, ViewportSize

from .records import User

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

START = 120_000
"""Milliseconds from a click to JupyterLab."""

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 800}


async def log_in(page: Page, url: str, user: User) -> None:
    """Log in and come to whatever follows."""
    await page.goto(f"{url}hub/login")
    # Not by what the labels say, which follows the language of the browser.
    await page.locator("#username_input").fill(user.name)
    await page.locator("#password_input").fill(user.password)
    await page.locator("#login_submit").click()
    await page.wait_for_url(re.compile("/hub/(?!login)|/user/"))


async def faults(page: Page, *, narrow: bool = True) -> list[str]:
    """Return what keeps people out of the page that is open: in light, in dark, and at a phone's width."""
    found = [f"light: {line}" for line in await violations(page)]
    await page.emulate_media(color_scheme="dark")
    if narrow:
        await page.set_viewport_size(PHONE)
    found += [f"dark: {line}" for line in await violations(page)]
    if narrow and await scrolls_sideways(page):
        found.append("phone: scrolls sideways")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(WIDE)
    return found


async def violations(page: Page) -> list[str]:
    """Return what axe finds on a page that keeps people out, each with the elements."""
    await page.evaluate(AXE)
    found: dict[str, Any] = await page.evaluate("axe.run()")
    return [line for violation in found["violations"] for line in _lines(violation)]


def _lines(violation: dict[str, Any]) -> Iterator[str]:
    for node in violation["nodes"]:
        yield f"{violation['id']}: {node['html'][:200]}"


async def scrolls_sideways(page: Page) -> bool:
    """Return whether a page is wider than its window."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
