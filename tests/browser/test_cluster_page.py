"""The cluster page as administrators and users have it: in a browser, also while cluster and hub fail."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, expect

from genkan_sandbox.annotations import SIMULATE
from genkan_spawner.api import JsonObject
from genkan_spawner.marks import HUB, USER_NAME

from ..cluster.test_hub_failures import killed_and_back
from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.records import User
from ..support.watched import PAGE, Watched, watched

WITHIN = 30_000
"""Milliseconds; the page asks for news every five seconds."""

SMALL = {"profile": "cpu-small"}
A100 = {"profile": "a100-1", "image": "pytorch", "team": "vision"}

HOSTILE = "'\"><script>alert(1)<!--<img src=x onerror=alert(1)>"
"""Also the name of a user, which has small letters and no slash."""

MORE = f"""
c.Authenticator.username_pattern = ".*"
c.Authenticator.allowed_users.update({{{HOSTILE!r}}})
c.JupyterHub.load_groups.update({{"language": {{"users": ["bob", "dave", "erin", {HOSTILE!r}]}}}})
"""


@pytest.fixture(scope="module")
async def watching(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    async with watched(tmp_path_factory.mktemp("watched"), more=MORE) as found:
        yield found


@pytest.fixture
async def cluster(watching: Watched) -> AsyncIterator[Cluster]:
    cluster = Cluster(watching.api, namespace="genkan")
    try:
        yield cluster
    finally:
        await cluster.clean_up()


@pytest.fixture
async def alice(watching: Watched) -> AsyncIterator[Person]:
    async with watching.person("alice") as person:
        yield person


@pytest.fixture
async def bob(watching: Watched) -> AsyncIterator[Person]:
    async with watching.person("bob") as person:
        yield person


@pytest.fixture
async def page(page: Page, watching: Watched) -> Page:
    """The cluster page of an administrator."""
    await log_in(page, watching, "carol")
    await page.goto(f"{watching.run.url}{PAGE}")
    return page


async def log_in(page: Page, watching: Watched, name: str) -> None:
    user = watching.run.user(name)
    await page.goto(f"{watching.run.url}hub/login?next=%2Fhub%2Fhome")
    await page.locator("[name=username]").fill(user.name)
    await page.locator("[name=password]").fill(user.password)
    await page.locator("[name=password]").press("Enter")
    await page.wait_for_url("**/hub/home")


async def test_an_administrator_finds_a_server_and_stops_it_with_a_word(
    watching: Watched, page: Page, alice: Person, bob: Person
) -> None:
    await asyncio.gather(alice.start(**A100), bob.start(**SMALL))
    rows, count = page.locator("tbody tr:visible"), page.locator("#cluster-count")
    await expect(rows.filter(has_text="alice")).to_have_count(1, timeout=WITHIN)
    await expect(rows.filter(has_text="bob")).to_have_count(1, timeout=WITHIN)

    await page.get_by_label("Search").press_sequentially("alice a100")
    await expect(rows).to_have_count(1)
    await expect(count).to_contain_text(re.compile("^1 of "))
    assert "q=alice+a100" in page.url
    await page.reload()
    await expect(rows).to_have_count(1)
    await expect(page.get_by_role("link", name="CSV")).to_have_attribute("href", re.compile("q=alice"))
    await page.get_by_role("link", name="Show all").click()
    await expect(rows).not_to_have_count(1)
    await page.get_by_label("Whose").select_option("server")
    await expect(rows).to_have_count(2)
    await page.get_by_role("link", name="Who").click()
    await page.get_by_role("link", name="Who").click()
    await expect(page.get_by_role("columnheader", name="Who")).to_have_attribute("aria-sort", "descending")
    assert [text.split()[0] for text in await rows.locator("th").all_inner_texts()] == ["bob", "alice"]

    await page.get_by_role("link", name="Stop the server of alice").press("Enter")
    await page.get_by_label("What the user is told").fill("Maintenance tonight.")
    await page.get_by_role("button", name="Stop the server").click()
    await expect(page.get_by_text("The server of alice is being stopped.")).to_be_visible()
    await expect(rows.filter(has_text="alice")).to_have_count(0, timeout=WITHIN)
    assert "Maintenance tonight." in (await alice.page("spawn")).text


async def test_news_come_by_themselves_and_what_somebody_types_stays(page: Page, bob: Person) -> None:
    search, rows = page.get_by_label("Search"), page.locator("tbody tr:visible")
    await search.press_sequentially("bo")
    await expect(rows).to_have_count(0)
    await expect(page.get_by_text("Nothing here matches.").or_(page.locator("#cluster-nothing"))).to_be_visible()
    await bob.start(**SMALL)
    await expect(rows).to_have_count(1, timeout=WITHIN)
    await search.press_sequentially("b")
    await expect(search).to_have_value("bob")
    await expect(search).to_be_focused()
    await expect(rows).to_have_count(1)


async def test_it_works_without_a_script(browser: Browser, watching: Watched, alice: Person, bob: Person) -> None:
    await asyncio.gather(alice.start(**A100), bob.start(**SMALL))
    async with unscripted(browser) as page:
        await log_in(page, watching, "carol")
        await page.goto(f"{watching.run.url}{PAGE}")
        rows = page.locator("tbody tr")
        stop = page.get_by_role("link", name="Stop the server of alice")
        while not await stop.count():
            await page.get_by_role("link", name="Reload").click()
        await page.get_by_label("Search").fill("alice")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(rows).to_have_count(1)
        await page.get_by_role("link", name="Since").click()
        assert "sort=since" in page.url
        await expect(rows).to_have_count(1)
        await stop.click()
        await page.get_by_role("button", name="Stop the server").click()
        await expect(page.get_by_text("The server of alice is being stopped.")).to_be_visible()
    await alice.until(ready=False)


@asynccontextmanager
async def unscripted(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(java_script_enabled=False)
    yield await context.new_page()
    await context.close()


async def test_a_user_sees_what_is_free_and_their_own_server_alone(
    browser: Browser, watching: Watched, alice: Person, bob: Person
) -> None:
    await asyncio.gather(alice.start(**A100), bob.start(**SMALL))
    async with unscripted(browser) as page:
        await log_in(page, watching, "alice")
        await page.goto(f"{watching.run.url}{PAGE}")
        while not await page.locator("tbody tr").count():
            await page.get_by_role("link", name="Reload").click()
        await expect(page.locator("tbody tr")).to_contain_text(["alice"])
        await expect(page.locator(".genkan-devices li", has_text="in use").first).to_be_visible()
        await expect(page.get_by_role("main")).not_to_contain_text("bob")
        await page.goto(f"{watching.run.url}{PAGE}stop?user=bob&server=")
        await expect(page.get_by_text("There is no such server that you may stop.")).to_be_visible()


async def test_nothing_that_outsiders_write_runs(watching: Watched, page: Page, bob: Person, cluster: Cluster) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    await bob.start(**SMALL)
    (pod,) = await cluster.pods_of("bob")
    await cluster.add(impostor(pod["metadata"]["labels"][HUB]))
    user = User(name=HOSTILE, password=watching.run.user("bob").password, groups=(), admin=False)
    async with Person.visiting(watching.run.url, user) as person:
        body = {"display_name": HOSTILE, "user_options": {**SMALL, "image": "scipy", "team": "language"}}
        answer = await person.api("POST", f"users/{quote(HOSTILE, safe='')}/servers/second", json=body)
        assert answer.is_success, answer.text
        rows = page.locator("tbody tr", has_text="onerror")
        await expect(rows).to_have_count(1, timeout=WITHIN)
        await expect(page.locator("tbody tr", has_text="climate/impostor")).to_have_count(1, timeout=WITHIN)
        await page.goto(f"{watching.run.url}{PAGE}?q=onerror&team={quote(HOSTILE)}")
        await page.goto(f"{watching.run.url}hub/admin")
        await page.goto(f"{watching.run.url}{PAGE}?q=onerror")
        await rows.get_by_role("link", name="Stop").click()
        await page.get_by_label("What the user is told").fill(HOSTILE)
        await page.get_by_role("button", name="Stop the server").click()
        await expect(page.get_by_text("is being stopped.")).to_contain_text("onerror")
        await person.until(ready=False, name="second")
    assert asked == []


def impostor(mark: str) -> JsonObject:
    """Return a pod that says it is a server of this hub, with all that its owner may write."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "impostor",
            "namespace": "climate",
            "labels": {HUB: mark},
            "annotations": {USER_NAME: HOSTILE, SIMULATE: "true", "example.org/note": HOSTILE},
        },
        "spec": {
            "nodeSelector": {"pool": "v100x4"},
            "containers": [{"name": "x", "image": "x:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        },
    }


async def test_the_hubs_admin_page_shows_who_holds_gpus(watching: Watched, page: Page, alice: Person) -> None:
    await alice.start(**A100)
    await expect(page.locator("tbody tr", has_text="alice")).to_have_count(1, timeout=WITHIN)
    await page.goto(f"{watching.run.url}hub/admin")
    panel = page.frame_locator("iframe.genkan-frame")
    await expect(panel.locator("tbody tr", has_text="alice")).to_contain_text("A100", timeout=WITHIN)
    await panel.get_by_role("link", name="alice").click()
    await expect(page.locator("tbody tr:visible")).to_have_count(1)
    assert page.url == f"{watching.run.url}{PAGE}?q=alice"


async def test_a_hub_that_is_started_anew_with_the_page_open(watching: Watched, page: Page, alice: Person) -> None:
    await killed_and_back(watching.run, "hub")
    await expect(page.locator("#cluster-silent")).to_be_visible(timeout=WITHIN)
    await expect(page.locator("#cluster-silent")).to_be_hidden(timeout=2 * WITHIN)
    await alice.start(**A100)
    await expect(page.locator("tbody tr", has_text="alice")).to_have_count(1, timeout=WITHIN)


async def test_a_cluster_that_cannot_be_read_is_told_and_what_was_known_stays(watching: Watched, page: Page) -> None:
    others = page.locator("tbody tr", has_text="climate/weather-model-0")
    await expect(others).to_have_count(1, timeout=WITHIN)
    with watching.run.away("kube-apiserver"):
        await expect(page.get_by_text("The cluster cannot be read at the moment.")).to_be_visible(timeout=WITHIN)
        await expect(page.get_by_text(re.compile("Cluster last heard .* ago"))).to_be_visible()
        await expect(others).to_have_count(1)
