"""Sign-in through a real Keycloak: who gets in, and what people read who do not."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from ..support.sign_in import CONTACT, SignInHub, until
from ..support.visitor import Visitor, seen

ELSEWHERE = [
    "https://evil.example/hub/home",
    "//evil.example/hub/home",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%5Cevil.example",
    "/\t/evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,evil",
]


@pytest.fixture
async def visitor(sign_in: SignInHub) -> AsyncIterator[Visitor]:
    async with Visitor.at(sign_in.url) as visitor:
        yield visitor


async def test_groups_of_the_provider_decide_what_is_offered(sign_in: SignInHub) -> None:
    offered = {}
    for name in ("alice", "bob"):
        async with Visitor.at(sign_in.url) as browser:
            offered[name] = set((await (await browser.become(name)).form()).offered["profile"])
    assert offered["alice"] - offered["bob"] == {"rtx-2080-ti"}
    assert offered["bob"] - offered["alice"] == {"a100-4"}


async def test_who_is_in_no_allowed_group_reads_who_can_help_and_may_take_another_account(
    visitor: Visitor, sign_in: SignInHub
) -> None:
    # The name is one of the sandbox's demo users, who are let in by name where there is no provider.
    page = await visitor.sign_in("erin")
    assert page.status_code == httpx.codes.FORBIDDEN
    assert "You are erin at Keycloak." in seen(page)
    assert f"erin is in none of them. Ask {CONTACT} for access" in seen(page)
    assert "erin is not allowed, with no groups" in sign_in.log

    assert 'href="/hub/logout"' in page.text
    asked = await visitor.open("hub/logout")
    assert "/protocol/openid-connect/logout" in asked.url.path, seen(asked)
    assert "Do you want to log out?" in asked.text


async def test_signing_out_ends_the_session_at_the_provider_too(visitor: Visitor) -> None:
    await visitor.sign_in("alice")
    out = await visitor.open("hub/logout")
    assert out.url.path == "/hub/login", seen(out)
    asked = await visitor.begin()
    assert 'name="password"' in asked.text, seen(asked)


async def test_no_address_leads_out_of_the_hub_after_a_sign_in(visitor: Visitor, sign_in: SignInHub) -> None:
    await visitor.sign_in("alice")
    for target in ELSEWHERE:
        page = await visitor.open(f"hub/oauth_login?next={quote(target)}")
        steps = [step.url for step in (*page.history, page)]
        assert any(step.path == "/hub/oauth_callback" for step in steps), target
        assert {step.host for step in steps} == {httpx.URL(sign_in.url).host, "127.0.0.1"}, target
        assert page.url.host == httpx.URL(sign_in.url).host, target


async def test_two_tabs_sign_in_at_the_same_time(visitor: Visitor) -> None:
    first, second = await visitor.begin("hub/token"), await visitor.begin("hub/home")
    page = await visitor.give_password(first, "alice")
    assert page.url.path == "/hub/token", seen(page)
    # Keycloak knows the browser by now, and sends the other tab back when it is reloaded.
    page = await visitor.client.get(second.url)
    assert page.url.path == "/hub/home", seen(page)


async def test_many_tabs_leave_no_more_cookies_than_a_request_can_carry(visitor: Visitor) -> None:
    pages = [await visitor.begin() for _ in range(12)]
    names = [cookie.name for cookie in visitor.client.cookies.jar if cookie.name.startswith("oauthenticator-state")]
    assert 1 <= len(names) <= 5
    assert (await visitor.give_password(pages[-1], "alice")).url.path == "/hub/home"


async def test_a_callback_that_nobody_waits_for_is_out_of_date_and_says_so(sign_in: SignInHub) -> None:
    async with Visitor.at(sign_in.url) as browser:
        page = await browser.sign_in("alice")
        used = next(step.url for step in page.history if step.url.path == "/hub/oauth_callback")
        again = await browser.client.get(used)
        assert again.is_success, "a reload leads on for whoever is signed in"
        assert again.url.path != used.path
    async with Visitor.at(sign_in.url) as stranger:
        for address in (used, *(used.copy_set_param("state", text) for text in ("e30=", "ä", "W10=", "")), used.path):
            page = await stranger.open(str(address))
            assert page.status_code == httpx.codes.BAD_REQUEST, address
            assert "This sign-in is out of date" in seen(page)
            assert 'href="/hub/oauth_login"' in page.text
    assert used.params["code"] not in sign_in.log


async def test_a_code_is_good_once_and_only_in_the_browser_that_asked_for_it(sign_in: SignInHub) -> None:
    async with Visitor.at(sign_in.url) as browser, Visitor.at(sign_in.url) as other:
        shown = await browser.begin()
        browser.client.follow_redirects = False
        back = httpx.URL((await browser.give_password(shown, "alice")).headers["location"])
        own = (await other.begin()).url.params["state"]
        stolen = await other.client.get(back.copy_set_param("state", own))
        assert stolen.status_code == httpx.codes.BAD_REQUEST
        assert "This sign-in is out of date" in seen(stolen)


async def test_words_in_an_address_are_not_shown_as_the_hubs_own(visitor: Visitor, sign_in: SignInHub) -> None:
    forged = "hub/oauth_callback?error={}&error_description=Call+0800-EVIL&state={}"
    for code, words in {
        "access_denied": "The sign-in at Keycloak was cancelled",
        "temporarily_unavailable": "Keycloak does not answer",
        "invalid_scope": f"do not understand each other. Tell {CONTACT}",
    }.items():
        own = (await visitor.begin()).url.params["state"]
        page = await visitor.open(forged.format(code, quote(own)))
        assert words in seen(page)
        assert "EVIL" not in page.text
    assert "EVIL" in sign_in.log, "administrators read what the provider said"


async def test_a_provider_that_does_not_answer_is_told_on_a_page(visitor: Visitor, sign_in: SignInHub) -> None:
    with sign_in.keycloak.door.closed():
        await no_sign_in(visitor)
    with sign_in.keycloak.door.silent():
        await no_sign_in(visitor)
    page = await visitor.sign_in("alice")
    assert page.url.path == "/hub/home", seen(page)
    assert "Traceback" not in sign_in.log


async def no_sign_in(visitor: Visitor) -> None:
    async def unavailable() -> bool:
        # A provider that has just answered is not asked whether it does, and the browser meets the closed door.
        try:
            page = await visitor.open("hub/oauth_login?next=%2Fhub%2Ftoken")
        except httpx.TransportError:
            return False
        assert page.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "Keycloak does not answer. Servers that run go on" in seen(page)
        assert 'href="/hub/oauth_login?next=%2Fhub%2Ftoken"' in page.text
        return True

    await until(unavailable, "the page that says that nobody can sign in")
    assert (await visitor.open("hub/health")).is_success


async def test_a_provider_that_goes_while_somebody_signs_in_is_told_too(visitor: Visitor, sign_in: SignInHub) -> None:
    shown = await visitor.begin()
    visitor.client.follow_redirects = False
    back = (await visitor.give_password(shown, "alice")).headers["location"]
    with sign_in.keycloak.door.closed():
        page = await visitor.client.get(back)
    assert page.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "Keycloak does not answer" in seen(page)
    visitor.client.follow_redirects = True
    assert (await visitor.open("hub/oauth_login")).is_success


@pytest.mark.parametrize("seconds", [1500, -1500])
async def test_clocks_that_differ_by_too_much_are_told_with_how_much(
    visitor: Visitor, sign_in: SignInHub, seconds: float
) -> None:
    with sign_in.clock_ahead_by(seconds):
        page = await visitor.sign_in("alice")
    assert page.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert f"are 25 minutes apart, so that no sign-in can be checked. Tell {CONTACT}." in seen(page)
    with sign_in.clock_ahead_by(seconds / 10):
        page = await visitor.open("hub/oauth_login?next=/hub/home")
    assert page.url.path == "/hub/home", seen(page)


async def test_a_wrong_secret_is_for_administrators_and_a_new_one_needs_no_restart(
    visitor: Visitor, sign_in: SignInHub
) -> None:
    with sign_in.secret("not-the-one"):
        page = await visitor.sign_in("alice")
    assert page.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert "This hub and Keycloak do not understand each other" in seen(page)
    assert "unauthorized_client" in sign_in.log
    page = await visitor.open("hub/oauth_login")
    assert page.is_success, seen(page)


async def test_a_name_stays_with_the_account_that_had_it_first(sign_in: SignInHub) -> None:
    groups = ["/vision"]
    async with sign_in.keycloak.account("zoe", groups=groups), Visitor.at(sign_in.url) as browser:
        await browser.become("zoe")
    async with sign_in.keycloak.account("zoe", groups=groups), Visitor.at(sign_in.url) as browser:
        page = await browser.sign_in("zoe")
        assert page.status_code == httpx.codes.FORBIDDEN
        assert "This name belongs to another account" in seen(page)

        async with Visitor.at(sign_in.url) as another:
            carol = await another.become("carol")
            assert (await carol.api("DELETE", "users/zoe")).is_success
        await browser.open("hub/oauth_login")
        assert (await browser.open("hub/home")).url.path == "/hub/home"


async def test_no_secret_token_or_code_is_in_the_hubs_log(visitor: Visitor, sign_in: SignInHub) -> None:
    await visitor.sign_in("alice")
    await visitor.open("hub/logout")
    assert "only-for-trying" not in sign_in.log
    assert "eyJ" not in sign_in.log, "tokens, and states, begin so"
