"""The profile form as people use it: it follows the cluster, keeps the choice, works by keys and without scripts."""

import re

from playwright.async_api import Locator, Page, expect

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.kinds import NODES

from ..support.browser import START, log_in
from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun
from .conftest import OpenContext

REFRESHED = 15_000
"""Milliseconds within which an open form shows what has changed."""


def card(page: Page, slug: str) -> Locator:
    return page.locator(f"[data-card={slug}]")


def option(page: Page, slug: str, name: str) -> Locator:
    return page.locator(f"#profile-option-{slug}--{name}")


async def cordon_all(cluster: Cluster, pool: str, *, cordoned: bool = True) -> None:
    for node in await cluster.api.list(NODES, label_selector=f"pool={pool}"):
        await cluster.cordon(node["metadata"]["name"], cordoned=cordoned)


async def press_until(page: Page, key: str, focused: str) -> None:
    """Press a key until an element has the focus, as somebody without a mouse does."""
    for _ in range(40):
        await page.keyboard.press(key)
        if await page.evaluate("selector => document.activeElement.matches(selector)", focused):
            return
    raise AssertionError(f"{focused} cannot be reached with {key}.")


async def test_the_form_follows_the_cluster_and_keeps_what_was_chosen(
    page: Page, sandbox: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    await log_in(page, sandbox.url, alice.user)
    await page.goto(f"{sandbox.url}hub/spawn?profile=gtx-1080")
    await page.evaluate("window.same = true")
    await option(page, "gtx-1080", "priority").focus()
    await option(page, "gtx-1080", "priority").select_option("burst")
    await expect(page.locator("#genkan-choice")).to_contain_text("1 × GTX 1080 (8 GB)")  # noqa: RUF001  # as on the page
    await expect(page.locator("#genkan-choice")).to_contain_text("Burst")
    await expect(page.locator("#genkan-age")).to_contain_text(re.compile("As of now|Last news"))

    try:
        await cordon_all(cluster, "gtx1080")
        await expect(card(page, "gtx-1080")).to_have_attribute("data-refused", "", timeout=REFRESHED)
        await expect(page.get_by_role("button", name="Start")).to_have_attribute("aria-disabled", "true")
        await expect(page.locator("#genkan-choice")).to_contain_text("This cannot start now.")
        await page.get_by_role("button", name="Start").dispatch_event("click")
        before = await page.evaluate("window.scrollY")
    finally:
        await cordon_all(cluster, "gtx1080", cordoned=False)
    await expect(card(page, "gtx-1080")).not_to_have_attribute("data-refused", "", timeout=REFRESHED)
    await expect(card(page, "gtx-1080")).to_contain_text("Starts now")
    await expect(page.get_by_role("radio", name=re.compile("GTX 1080"))).to_be_checked()
    await expect(option(page, "gtx-1080", "priority")).to_have_value("burst")
    assert await page.evaluate("document.activeElement.id") == "profile-option-gtx-1080--priority"
    assert await page.evaluate("[window.same, window.scrollY]") == [True, before]


async def test_what_would_start_instead_is_one_click_away(
    page: Page, sandbox: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    for node in await cluster.api.list(NODES, label_selector="pool=v100x8"):
        await cluster.cordon(node["metadata"]["name"])
    try:
        await cluster.add_quota({"requests.nvidia.com/gpu": "1"}, namespace="vision")
        await log_in(page, sandbox.url, alice.user)
        await page.goto(f"{sandbox.url}hub/spawn?profile=v100-4")
        instead = card(page, "v100-4").get_by_role("link", name="starts now")
        await expect(instead).to_be_visible(timeout=REFRESHED)
        await instead.click()
        await expect(page.get_by_role("radio", name=re.compile("^1 . V100"))).to_be_checked()
        await expect(page.get_by_role("radio", name=re.compile("^1 . V100"))).to_be_focused()
        await expect(page.get_by_role("button", name="Start")).to_have_attribute("aria-disabled", "false")
    finally:
        await cordon_all(cluster, "v100x8", cordoned=False)


async def test_a_link_preselects_and_starts_nothing(page: Page, sandbox: SandboxRun, cluster: Cluster) -> None:
    await log_in(page, sandbox.url, sandbox.user("dave"))
    await page.goto(f"{sandbox.url}hub/spawn?profile=v100-1&image=rapids&priority=high&team=language")
    await expect(page.get_by_role("radio", name=re.compile("^1 . V100"))).to_be_checked()
    for name, value in {"image": "rapids", "priority": "high", "team": "language"}.items():
        await expect(option(page, "v100-1", name)).to_have_value(value)
    await page.goto(f"{sandbox.url}hub/spawn?profile=gone")
    await expect(page.get_by_role("status").filter(has_text="The link cannot be followed")).to_contain_text("gone")
    assert await cluster.pods_of("dave") == []


async def test_somebody_without_a_mouse_chooses_starts_cancels_and_finds_the_choice_again(
    page: Page, sandbox: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    await cluster.add_fault(FaultKind.SLOW_PULL, seconds=3600)
    await log_in(page, sandbox.url, alice.user)
    await page.goto(f"{sandbox.url}hub/spawn?profile=a100-1")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await press_until(page, "Tab", "input[name=profile]")
    await press_until(page, "ArrowDown", "input[value=a100-slice]")
    await expect(page.get_by_role("radio", name=re.compile("A slice of an A100"))).to_be_checked()
    await press_until(page, "Tab", "#profile-option-a100-slice--image")
    await page.keyboard.type("RAPIDS")
    await press_until(page, "Tab", "#start")
    await page.keyboard.press("Enter")

    await page.wait_for_url(re.compile("spawn-pending"))
    await cluster.until_pods_of("alice")
    await press_until(page, "Tab", "#genkan-cancel")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/hub/spawn/"), timeout=30_000)
    await cluster.until_no_pods_of("alice")
    await expect(page.get_by_role("radio", name=re.compile("A slice of an A100"))).to_be_checked()
    await expect(option(page, "a100-slice", "image")).to_have_value("rapids")


async def test_everything_works_without_scripts(
    open_context: OpenContext, sandbox: SandboxRun, bob: Person, cluster: Cluster
) -> None:
    page = await (await open_context(java_script_enabled=False)).new_page()
    await cluster.add_quota({"requests.nvidia.com/gpu": "0"}, namespace="language")
    await log_in(page, sandbox.url, bob.user)
    await page.goto(f"{sandbox.url}hub/spawn?profile=gtx-1080&priority=burst")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text("Your team")
    await expect(page.get_by_role("radio", name=re.compile("GTX 1080"))).to_be_checked()
    await expect(option(page, "gtx-1080", "priority")).to_have_value("burst")
    assert await cluster.pods_of("bob") == []

    key = await cluster.add_fault(FaultKind.SLOW_PULL, seconds=3600)
    await page.goto(f"{sandbox.url}hub/spawn?profile=cpu-large&image=scipy")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("heading", name="Your server is starting")).to_be_visible()
    await cluster.until_pods_of("bob")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("radio", name="Large")).to_be_checked(timeout=30_000)
    await cluster.until_no_pods_of("bob")

    await cluster.heal(key)
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url(re.compile("/user/bob/lab"), timeout=START)


async def test_administrators_see_what_the_user_is_offered_for_whom_they_start(
    page: Page, sandbox: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    await log_in(page, sandbox.url, sandbox.user("carol"))
    await page.goto(f"{sandbox.url}hub/spawn")
    await expect(page.get_by_role("radio", name=re.compile("RTX 2080 Ti"))).to_have_count(0)
    await page.goto(f"{sandbox.url}hub/spawn/alice?profile=rtx-2080-ti")
    await expect(page.get_by_text("For alice, who is offered what you see here.")).to_be_visible()
    await expect(page.get_by_role("radio", name=re.compile("RTX 2080 Ti"))).to_be_checked()
    await expect(page.get_by_role("radio", name=re.compile("4 . A100"))).to_have_count(0)

    await cluster.add_fault(FaultKind.SLOW_PULL, seconds=3600)
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("heading", name="The server of alice is starting")).to_be_visible()
    await cluster.until_pods_of("alice")
    await page.get_by_role("button", name="Cancel").click()
    await page.wait_for_url(re.compile("/hub/spawn/alice"), timeout=30_000)
    await cluster.until_no_pods_of("alice")


async def test_the_form_is_in_the_language_of_the_browser(
    open_context: OpenContext, sandbox: SandboxRun, alice: Person
) -> None:
    page = await (await open_context(locale="ja-JP")).new_page()
    await log_in(page, sandbox.url, alice.user)
    await page.goto(f"{sandbox.url}hub/spawn?profile=cpu-small")
    await expect(page.locator("html")).to_have_attribute("lang", "ja")
    await expect(page.get_by_role("button", name="起動")).to_be_visible()
    await expect(card(page, "cpu-small")).to_contain_text("すぐに起動できます")
