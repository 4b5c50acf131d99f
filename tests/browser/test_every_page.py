"""Every page in light and dark and at a phone's width: nothing on it keeps anybody out, and nothing sticks out."""

import re

from playwright.async_api import Page, expect

from genkan_sandbox.agent.faults import FaultKind

from ..support.browser import faults, log_in
from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun


async def faults_of(page: Page, *addresses: str) -> dict[str, list[str]]:
    """Return what is wrong, by address."""
    found: dict[str, list[str]] = {}
    for address in addresses:
        await page.goto(address)
        found[address] = await faults(page)
    return {address: wrong for address, wrong in found.items() if wrong}


async def test_pages_for_everybody(page: Page, sandbox: SandboxRun) -> None:
    hub = f"{sandbox.url}hub/"

    assert await faults_of(page, *(f"{hub}{path}" for path in ("login", "logout", "error/503", "nothing-here"))) == {}


async def test_pages_of_an_administrator(page: Page, sandbox: SandboxRun, bob: Person) -> None:
    await bob.start(profile="gtx-1080")
    await log_in(page, sandbox.url, sandbox.user("carol"))
    hub = f"{sandbox.url}hub/"
    paths = ("home", "token", "spawn", "spawn/alice", "spawn-pending/alice", "spawn?profile=gone", "nothing")
    assert await faults_of(page, *(f"{hub}{path}" for path in paths), f"{sandbox.url}services/cluster/") == {}

    await page.get_by_role("link", name=re.compile("^Stop")).first.click()
    await expect(page.get_by_role("button", name=re.compile("Stop"))).to_be_visible()
    assert await faults(page) == []

    await page.goto(f"{hub}admin")
    await expect(page.get_by_role("button", name="alice", exact=True)).to_be_visible()
    await expect(page.frame_locator("iframe").get_by_text("bob")).to_be_visible()
    # Its table is JupyterHub's own, and wider than a phone.
    assert await faults(page, narrow=False) == []


async def test_a_form_that_refuses_and_a_start_and_its_end(
    page: Page, sandbox: SandboxRun, bob: Person, cluster: Cluster
) -> None:
    await log_in(page, sandbox.url, bob.user)
    await cluster.add_quota({"requests.nvidia.com/gpu": "1"}, namespace="language")
    await page.goto(f"{sandbox.url}hub/spawn?profile=v100-4")
    await expect(page.locator("#genkan-choice")).to_contain_text("This cannot start now.")
    assert await faults(page) == []

    key = await cluster.add_fault(FaultKind.SLOW_PULL, seconds=3600)
    await page.goto(f"{sandbox.url}hub/spawn?profile=a100-slice&image=jax")
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url(re.compile("spawn-pending"))
    await expect(page.locator("#genkan-way")).to_contain_text("The image is being fetched", timeout=30_000)
    await page.get_by_text("What the cluster says").click()
    await expect(page.locator("#genkan-events")).to_contain_text("Pulling", timeout=30_000)
    assert await faults(page) == []

    await page.get_by_role("button", name="Cancel").click()
    await page.wait_for_url(re.compile("/hub/spawn/"))
    await cluster.add_fault(FaultKind.INVALID_IMAGE)
    await cluster.heal(key)
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator(".genkan-refusal")).to_be_visible(timeout=60_000)
    assert await faults(page) == []
