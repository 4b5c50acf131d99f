"""Starts that meet others, as people see them: who was faster, who waits, and a refusal that leads back to the form."""

import asyncio
import re

from playwright.async_api import Page, expect

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.kinds import NODES

from ..support.browser import START, log_in
from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun
from .conftest import OpenContext

REFUSED_OR_STARTING = re.compile(r"/hub/spawn-pending/|/user/|/hub/spawn(/|\?|$)")


async def tab_of(open_context: OpenContext, sandbox: SandboxRun, name: str, *, profile: str) -> Page:
    """Return somebody's form with hardware chosen."""
    page = await (await open_context()).new_page()
    await log_in(page, sandbox.url, sandbox.user(name))
    await page.goto(f"{sandbox.url}hub/spawn?profile={profile}")
    await expect(page.locator("#start")).to_have_attribute("aria-disabled", "false")
    return page


async def click_start(page: Page) -> None:
    """Press the button and wait for the answer."""
    async with page.expect_navigation():
        await page.get_by_role("button", name="Start").click()


async def test_of_two_who_want_the_last_card_one_is_told_and_keeps_the_choice(
    open_context: OpenContext, sandbox: SandboxRun, cluster: Cluster
) -> None:
    first, *others = [node["metadata"]["name"] for node in await cluster.api.list(NODES, label_selector="pool=gtx1080")]
    async with (
        Person.visiting(sandbox.url, sandbox.user("alice")),
        Person.visiting(sandbox.url, sandbox.user("dave")),
    ):
        tabs = [await tab_of(open_context, sandbox, name, profile="gtx-1080") for name in ("alice", "dave")]
        try:
            for name in others:
                await cluster.cordon(name)
            await asyncio.gather(*map(click_start, tabs))
            refused = [tab for tab in tabs if await tab.locator("#genkan-refusal").count()]
            assert len(refused) == 1, first
            await expect(refused[0].get_by_role("alert")).to_contain_text("in use")
            await expect(refused[0].get_by_role("radio", name=re.compile("GTX 1080"))).to_be_checked()
            (winner,) = (tab for tab in tabs if tab not in refused)
            await winner.wait_for_url(re.compile("/user/.*/lab"), timeout=START)
        finally:
            for name in others:
                await cluster.cordon(name, cordoned=False)


async def test_who_waits_sees_the_place_in_the_line_move_up_and_can_leave_it(
    open_context: OpenContext, sandbox: SandboxRun, cluster: Cluster
) -> None:
    for node in await cluster.api.list(NODES, label_selector="pool=a100x4"):
        await cluster.add_pod(resources={"nvidia.com/gpu": "1"}, nodeName=node["metadata"]["name"])
    async with (
        Person.visiting(sandbox.url, sandbox.user("erin")),
        Person.visiting(sandbox.url, sandbox.user("bob")),
    ):
        erin, bob = [await tab_of(open_context, sandbox, name, profile="a100-4") for name in ("erin", "bob")]
        for name, tab in (("erin", erin), ("bob", bob)):
            await expect(tab.locator("[data-card=a100-4]")).to_contain_text("Waits for room")
            await click_start(tab)
            await cluster.until_pods_of(name)
        now = bob.locator("#genkan-way [aria-current]")
        await expect(now).to_contain_text("you are number 2 of 2 who wait for GPUs", timeout=30_000)
        await erin.get_by_role("button", name="Cancel").click()
        await erin.wait_for_url(re.compile("/hub/spawn/"), timeout=30_000)
        await cluster.until_no_pods_of("erin")
        await expect(now).to_contain_text("you are the only one who waits for GPUs", timeout=30_000)
        await bob.get_by_role("button", name="Cancel").click()
        await bob.wait_for_url(re.compile("/hub/spawn/"), timeout=30_000)
        await cluster.until_no_pods_of("bob")


async def test_a_start_that_fails_says_why_in_full_and_leads_back_to_the_choice(
    open_context: OpenContext, sandbox: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    await cluster.add_fault(FaultKind.IMAGE_MISSING)
    page = await tab_of(open_context, sandbox, "alice", profile="a100-slice&image=rapids&priority=burst")
    await click_start(page)
    refusal = page.locator(".genkan-refusal")
    await expect(refusal).to_contain_text("The image does not exist", timeout=60_000)
    await cluster.until_no_pods_of("alice")
    # A start that fails within JupyterHub's `slow_spawn_timeout` is answered with the form itself.
    again = page.get_by_role("link", name="Choose again")
    if await again.count():
        await again.click()
    await expect(page.get_by_role("radio", name=re.compile("A slice of an A100"))).to_be_checked()
    await expect(page.locator("#profile-option-a100-slice--image")).to_have_value("rapids")
    await expect(page.locator("#profile-option-a100-slice--priority")).to_have_value("burst")
