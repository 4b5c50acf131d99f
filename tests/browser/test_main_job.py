"""The main job as people do it: in a browser."""

import re

from playwright.async_api import Page, expect

from ..support.browser import START, log_in
from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun


async def start(page: Page, *, hardware: str) -> None:
    """Choose hardware on the form, start, and wait for JupyterLab."""
    await page.get_by_role("radio", name=re.compile(re.escape(hardware))).check()
    await page.get_by_role("button", name=re.compile("^start", re.IGNORECASE)).click()
    await page.wait_for_url(re.compile("/user/.*/lab"), timeout=START)
    await expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=START)


async def run_cell(page: Page, code: str, *, expected: str) -> None:
    """Type into the open notebook's first cell and run it; the kernel's start takes the focus once more."""
    await expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible(timeout=60_000)
    cell = page.locator(".jp-Notebook .jp-Cell .cm-content").first
    await cell.click()
    await page.keyboard.type(code)
    await expect(cell).to_have_text(code)
    await page.keyboard.press("Shift+Enter")
    await expect(page.locator(".jp-OutputArea-output").first).to_contain_text(expected, timeout=60_000)


async def test_log_in_choose_work_stop_and_find_the_notebook_on_another_machine(
    page: Page, sandbox: SandboxRun, bob: Person, cluster: Cluster
) -> None:
    await log_in(page, sandbox.url, bob.user)
    await start(page, hardware="Small")
    await page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
    await run_cell(page, "1+1", expected="2")
    await page.keyboard.press("Control+S")
    await page.locator(".jp-Dialog input").first.fill("first.ipynb")
    await page.get_by_role("button", name=re.compile("rename", re.IGNORECASE)).click()
    await expect(page.locator(".jp-mod-dirty")).to_have_count(0)

    (pod,) = await cluster.pods_of("bob")
    await bob.stop()
    await cluster.cordon(pod["spec"]["nodeName"])
    try:
        await page.goto(f"{sandbox.url}hub/spawn")
        await start(page, hardware="Small")
    finally:
        await cluster.cordon(pod["spec"]["nodeName"], cordoned=False)
    (again,) = await cluster.pods_of("bob")
    assert again["spec"]["nodeName"] != pod["spec"]["nodeName"]
    await expect(page.locator(".jp-DirListing-item", has_text="first.ipynb")).to_be_visible(timeout=30_000)
    assert "1+1" in (await bob.lab("GET", "api/contents/first.ipynb")).text
