"""Sign-in as people do it: in a browser, through a real Keycloak."""

import contextlib
import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Error, Page, expect

from ..support.browser import faults
from ..support.keycloak import PASSWORD
from ..support.sign_in import CONTACT, SignInHub, until
from .conftest import OpenContext
from .test_main_job import start


@pytest.fixture
async def page_without_scripts(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(java_script_enabled=False)
    yield await context.new_page()
    await context.close()


async def sign_in_at_keycloak(page: Page, name: str, *, link: str = "Sign in with Keycloak") -> None:
    await page.get_by_role("link", name=link).click()
    await page.get_by_label("Username or email").fill(name)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign In").click()


async def test_sign_in_see_what_the_groups_are_offered_start_work_and_sign_out(page: Page, sign_in: SignInHub) -> None:
    await page.goto(sign_in.url)
    await sign_in_at_keycloak(page, "bob")
    await expect(page.get_by_role("radio", name=re.compile("4 . A100"))).to_have_count(1)
    await expect(page.get_by_role("radio", name=re.compile("RTX 2080 Ti"))).to_have_count(0)
    await start(page, hardware="Small")

    await page.goto(f"{sign_in.url}hub/home")
    # JupyterHub's script listens to the button when it has been loaded; a click before that does nothing.
    await page.wait_for_function("window.jQuery?._data(document.querySelector('#stop'), 'events')?.click")
    await page.get_by_role("button", name="Stop My Server").click()
    await expect(page.get_by_role("button", name="Start My Server")).to_be_visible(timeout=60_000)
    await page.get_by_role("link", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in with Keycloak")).to_be_visible()
    await page.get_by_role("link", name="Sign in with Keycloak").click()
    await expect(page.get_by_label("Username or email")).to_be_visible()


async def test_people_get_in_and_read_why_not_without_scripts(page_without_scripts: Page, sign_in: SignInHub) -> None:
    page = page_without_scripts
    await page.goto(sign_in.url)
    await sign_in_at_keycloak(page, "alice")
    await expect(page.get_by_role("radio", name=re.compile("RTX 2080 Ti"))).to_have_count(1)
    await page.get_by_role("link", name="Sign out").click()

    await sign_in_at_keycloak(page, "erin")
    await expect(page.get_by_role("heading", name="This account has no access")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text(f"Ask {CONTACT} for access")
    await page.get_by_role("link", name="Take another account").click()
    await page.get_by_role("button", name="Logout").click()
    await sign_in_at_keycloak(page, "bob")
    await expect(page.get_by_role("radio", name=re.compile("4 . A100"))).to_have_count(1)


async def test_the_pages_of_sign_in_speak_the_readers_language_and_keep_nobody_out(
    open_context: OpenContext, sign_in: SignInHub
) -> None:
    page = await (await open_context(locale="ja")).new_page()
    for path, words in {
        "hub/login": "Keycloakでサインイン",
        "hub/oauth_callback": "このサインインは",
        "hub/oauth_callback?error=access_denied": "このサインインは",
    }.items():
        await page.goto(f"{sign_in.url}{path}")
        await expect(page.get_by_role("main")).to_contain_text(words)
        assert await faults(page) == []

    await page.goto(f"{sign_in.url}hub/login")
    await sign_in_at_keycloak(page, "erin", link="Keycloakでサインイン")
    await expect(page.get_by_role("heading", name="このアカウントでは利用できません")).to_be_visible()
    assert await faults(page) == []

    async def unavailable() -> bool:
        # A provider that has just answered is not asked whether it does, and the browser meets the closed door.
        with contextlib.suppress(Error):
            await page.goto(f"{sign_in.url}hub/oauth_login")
            return True
        return False

    with sign_in.keycloak.door.closed():
        await until(unavailable, "the page that says that nobody can sign in")
        await expect(page.get_by_role("main")).to_contain_text("Keycloakから応答がありません")
        assert await faults(page) == []
