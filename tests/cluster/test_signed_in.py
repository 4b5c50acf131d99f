"""What the provider says later of people who are signed in: at their next page and start, and while servers run."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from ..support.hub import Person
from ..support.sign_in import CONTACT, GRACE, SignInHub, until
from ..support.visitor import Visitor, seen

UNCONFIRMED = (
    "Keycloak does not answer, so that it is not known what you may start. Servers that run go on. "
    f"Try again later, or tell {CONTACT}."
)

OVER = "Your session at Keycloak is over. Sign in again, then start the server."


async def asked_to_start(person: Person, *, of: str = "") -> tuple[int, str]:
    """Start by token, as a script does, what nobody is offered; `of` is whose server. No server comes of it."""
    path = f"users/{of or person.user.name}/servers/second"
    answer = await person.api("POST", path, json={"user_options": {"profile": "gpu-9000"}})
    return answer.status_code, answer.json()["message"]


async def is_let_through(person: Person, *, of: str = "") -> bool:
    """Return whether a start gets as far as the catalogue."""
    _, message = await asked_to_start(person, of=of)
    return message.startswith("There is no profile 'gpu-9000' here")


async def signed_out(browser: Visitor) -> bool:
    return (await browser.open("hub/home")).url.path == "/hub/login"


@pytest.fixture(scope="module")
async def at_work(sign_in: SignInHub) -> AsyncIterator[tuple[Visitor, Person]]:
    """Alice, in a browser that has her JupyterLab open, and with a token. Tests leave her signed in."""
    async with sign_in.visit("alice") as (browser, alice):
        await alice.start(profile="cpu-small", team="vision")
        lab = await browser.open("user/alice/lab")
        assert lab.url.path == "/user/alice/lab", seen(lab)
        yield browser, alice


async def test_a_provider_that_is_down_leaves_people_signed_in_and_servers_running(
    at_work: tuple[Visitor, Person], sign_in: SignInHub
) -> None:
    browser, alice = at_work
    with sign_in.keycloak.door.closed():

        async def unconfirmed() -> bool:
            page = await browser.open("hub/home")
            assert page.url.path == "/hub/home", seen(page)
            return "alice stays signed in without being confirmed" in sign_in.log

        await until(unconfirmed, "the hub asks in vain")
        assert (await browser.open("user/alice/lab")).url.path == "/user/alice/lab"
        assert await is_let_through(alice)

        with sign_in.clock_ahead_by(GRACE + 60):
            assert await asked_to_start(alice) == (
                httpx.codes.SERVICE_UNAVAILABLE,
                UNCONFIRMED,
            )
        assert (await alice.servers())[""]["ready"]
    assert await is_let_through(alice)


async def test_a_hub_that_starts_while_the_provider_is_down_keeps_people_signed_in(
    at_work: tuple[Visitor, Person], sign_in: SignInHub
) -> None:
    browser, alice = at_work
    with sign_in.keycloak.door.closed():
        hub = sign_in.run.component("hub")
        hub.kill()

        async def back() -> bool:
            return sign_in.run.pid("hub") not in {0, hub.pid} and (await browser.open("hub/health")).is_success

        await until(back, "the hub is back")
        page = await browser.open("hub/home")
        assert page.url.path == "/hub/home", seen(page)
        assert (await alice.servers())[""]["ready"]


async def test_a_server_runs_on_when_its_users_account_is_disabled_and_nobody_gets_in(
    at_work: tuple[Visitor, Person], sign_in: SignInHub
) -> None:
    browser, alice = at_work
    async with sign_in.keycloak.changed("alice", enabled=False):
        await until(lambda: signed_out(browser), "alice is signed out of the hub")

        async def out_of_the_lab() -> bool:
            return (await browser.open("user/alice/api/status")).status_code == httpx.codes.FORBIDDEN

        await until(out_of_the_lab, "alice's browser is signed out of her server")
        page = await browser.begin("user/alice/lab")
        refused = await browser.give_password(page, "alice")
        assert "Account is disabled" in refused.text
        assert (await alice.servers())[""]["ready"]
        assert (await alice.lab("GET", "api/status")).is_success, "what alice runs by token goes on"
        assert await asked_to_start(alice) == (httpx.codes.FORBIDDEN, OVER)

    page = await browser.sign_in("alice", "user/alice/lab")
    assert page.url.path == "/user/alice/lab", seen(page)


async def test_tokens_that_are_revoked_while_a_server_runs_end_what_browsers_may_and_not_the_server(
    at_work: tuple[Visitor, Person], sign_in: SignInHub
) -> None:
    browser, alice = at_work
    await sign_in.keycloak.end_sessions("alice")
    assert await asked_to_start(alice) == (httpx.codes.FORBIDDEN, OVER)

    async def asked_to_sign_in() -> bool:
        return (await browser.open("user/alice/lab")).url.path in {"/hub/login", "/hub/api/oauth2/authorize"}

    await until(asked_to_sign_in, "alice's browser is asked to sign in before it gets to her server")
    assert (await alice.servers())[""]["ready"]
    assert (await alice.lab("GET", "api/status")).is_success, "what alice runs by token goes on"

    page = await browser.sign_in("alice", "user/alice/lab")
    assert page.url.path == "/user/alice/lab", seen(page)
    assert await is_let_through(alice)


async def test_clocks_that_come_apart_later_leave_people_signed_in(sign_in: SignInHub) -> None:
    async with sign_in.keycloak.realm(accessTokenLifespan=1), sign_in.visit("bob") as (browser, bob):
        with sign_in.clock_ahead_by(1500):

            async def told() -> bool:
                page = await browser.open("hub/home")
                assert page.url.path == "/hub/home", seen(page)
                return "bob stays signed in without being confirmed: the clock of the hub is +1500 s" in sign_in.log

            await until(told, "the hub's log says how far the clocks are apart")
        assert await is_let_through(bob)


async def test_a_group_that_was_taken_away_counts_at_the_next_start(sign_in: SignInHub) -> None:
    keycloak = sign_in.keycloak
    async with keycloak.within("bob", "vision"), sign_in.visit("bob") as (_, bob):
        form = await bob.form()
        assert {"rtx-2080-ti", "a100-4"} <= set(form.offered["profile"])
        async with keycloak.without("bob", "vision"):
            refused = await bob.submit(profile="rtx-2080-ti", team="language")
            assert refused.status_code == httpx.codes.BAD_REQUEST
            assert "There is no profile 'rtx-2080-ti' here (offered: cpu-small" in seen(refused)
            assert "rtx-2080-ti" not in (await bob.form()).offered["profile"]


async def test_the_group_of_administrators_makes_administrators_while_somebody_is_in_it(sign_in: SignInHub) -> None:
    async with sign_in.keycloak.within("bob", "admins"), sign_in.visit("bob") as (browser, bob):
        assert (await browser.open("hub/admin")).is_success
        async with sign_in.keycloak.without("bob", "admins"):

            async def demoted() -> bool:
                return (await browser.open("hub/admin")).status_code == httpx.codes.FORBIDDEN

            await until(demoted, "bob is no administrator any more")
            assert (await bob.api("GET", "users")).status_code == httpx.codes.FORBIDDEN


async def test_who_is_in_no_allowed_group_any_more_is_out_at_once(sign_in: SignInHub) -> None:
    async with sign_in.visit("bob") as (browser, bob):
        await bob.form()
        async with sign_in.keycloak.without("bob", "language"):
            assert await asked_to_start(bob) == (
                httpx.codes.FORBIDDEN,
                f"Your account has no access to this hub any more. Ask {CONTACT}; once you have access, sign in again.",
            )
            await until(lambda: signed_out(browser), "bob is signed out")
            assert "bob is in none of them" in seen(await browser.begin())
        page = await browser.open("hub/oauth_login?next=/hub/home")
        assert page.url.path == "/hub/home", seen(page)
        assert await is_let_through(bob)


async def test_a_session_that_ended_at_the_provider_asks_to_sign_in_again_and_back(sign_in: SignInHub) -> None:
    async with sign_in.visit("bob") as (browser, bob), sign_in.visit("carol") as (_, carol):
        await bob.form()
        await sign_in.keycloak.end_sessions("bob")
        assert await asked_to_start(bob) == (httpx.codes.FORBIDDEN, OVER)
        assert await is_let_through(carol, of="bob"), "administrators start servers by what is known"
        await until(lambda: signed_out(browser), "bob is signed out")
        page = await browser.sign_in("bob", "hub/token")
        assert page.url.path == "/hub/token", seen(page)
        assert await is_let_through(bob)


async def test_a_session_that_runs_out_asks_to_sign_in_again_and_leads_back(sign_in: SignInHub) -> None:
    async with sign_in.visit("bob") as (browser, bob):
        async with sign_in.keycloak.realm(ssoSessionMaxLifespan=1):
            await until(lambda: signed_out(browser), "bob's session has run out")
            assert await asked_to_start(bob) == (httpx.codes.FORBIDDEN, OVER)
        page = await browser.sign_in("bob", "hub/token")
        assert page.url.path == "/hub/token", seen(page)


async def test_a_form_that_was_open_while_the_session_ended_says_that_nothing_was_started(sign_in: SignInHub) -> None:
    async with sign_in.visit("bob") as (browser, bob):
        await bob.form()
        await sign_in.keycloak.end_sessions("bob")

        async def told() -> bool:
            page = await bob.submit(profile="gpu-9000")
            return "You are not signed in any more" in seen(page) and 'href="/hub/login"' in page.text

        await until(told, "a page that says that nobody is signed in")
        assert await signed_out(browser)


async def test_somebody_who_stays_has_tokens_renewed_also_where_each_is_good_once(sign_in: SignInHub) -> None:
    keycloak = sign_in.keycloak
    realm = {
        "accessTokenLifespan": 1,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "eventsEnabled": True,
        "enabledEventTypes": ["REFRESH_TOKEN", "REFRESH_TOKEN_ERROR"],
    }
    async with keycloak.realm(**realm), sign_in.visit("bob") as (browser, _):

        async def renewed() -> bool:
            pages = await asyncio.gather(*(browser.open(f"hub/home?{number}") for number in range(8)))
            assert {page.url.path for page in pages} == {"/hub/home"}
            return len(await keycloak.administer("GET", "events", params={"type": "REFRESH_TOKEN"})) >= 2

        await until(renewed, "two renewals of tokens")
        assert await keycloak.administer("GET", "events", params={"type": "REFRESH_TOKEN_ERROR"}) == []


async def test_nothing_that_users_or_the_provider_did_is_a_fault_of_the_hub(sign_in: SignInHub) -> None:
    async with sign_in.visit("bob"):
        assert "Traceback" not in sign_in.log
