"""Take pictures of each page on a sandbox: those of the README, and all in light, in dark and at a phone's width.

python -m tools.screenshots [FOLDER]
"""

import argparse
import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect
from tests.support.browser import PHONE, START, log_in
from tests.support.cluster import Cluster
from tests.support.sandbox import SandboxRun, sandbox_run

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.api import KubernetesApi
from genkan_spawner.kinds import NODES

DOCS = Path(__file__).resolve().parents[1] / "docs" / "images"
SHOWN = {"form-light": "form"}
"""Which pictures the README and the documentation show, and what they are called there."""


@dataclass(frozen=True, slots=True)
class Look:
    """One way in which a page is looked at."""

    name: str
    scheme: str
    narrow: bool = False


WIDE: ViewportSize = {"width": 1100, "height": 1150}
LOOKS = (Look("light", "light"), Look("dark", "dark"), Look("phone", "light", narrow=True))


class Camera:
    """Takes one page in all looks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def take(self, page: Page, name: str) -> None:
        """Write the pictures of what is open."""
        for look in LOOKS:
            await page.emulate_media(color_scheme="dark" if look.scheme == "dark" else "light", reduced_motion="reduce")
            await page.set_viewport_size(PHONE if look.narrow else WIDE)
            await page.screenshot(path=self._folder / f"{name}-{look.name}.png", full_page=look.narrow)
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(WIDE)


async def take_all(run: SandboxRun, cluster: Cluster, browser: Browser, camera: Camera) -> None:
    """Go the way of a user and of an administrator."""
    async with _tab(browser) as page:
        await page.goto(f"{run.url}hub/login")
        await camera.take(page, "login")
        await log_in(page, run.url, run.user("dave"))
        await page.goto(f"{run.url}hub/home")
        await camera.take(page, "home")
        await page.goto(f"{run.url}hub/spawn?profile=v100-1")
        await page.get_by_role("button", name="Start").click()
        await page.wait_for_url(re.compile("/user/.*/lab"), timeout=START)
    async with _tab(browser) as page:
        key = await cluster.add_fault(FaultKind.SLOW_PULL, seconds=3600)
        await log_in(page, run.url, run.user("alice"))
        await _take_form(page, run, cluster, camera)
        await page.goto(f"{run.url}hub/spawn?profile=a100-1")
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#genkan-way")).to_contain_text("The image is being fetched", timeout=60_000)
        await page.get_by_text("What the cluster says").click()
        await expect(page.locator("#genkan-events")).to_contain_text("Pulling", timeout=60_000)
        await camera.take(page, "pending")
        await cluster.heal(key)
        await page.get_by_role("button", name="Cancel").click()
        await page.wait_for_url(re.compile("/hub/spawn/"))
        await cluster.add_fault(FaultKind.IMAGE_MISSING)
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator(".genkan-refusal")).to_be_visible(timeout=60_000)
        await camera.take(page, "refusal")
    async with _tab(browser, locale="ja-JP") as page:
        await log_in(page, run.url, run.user("bob"))
        await page.goto(f"{run.url}hub/spawn?profile=a100-4")
        await camera.take(page, "form-japanese")
    async with _tab(browser) as page:
        await log_in(page, run.url, run.user("carol"))
        await page.goto(f"{run.url}services/cluster/")
        await expect(page.locator("tbody")).to_contain_text("dave")
        await camera.take(page, "cluster")
        await page.goto(f"{run.url}hub/admin")
        await expect(page.get_by_role("button", name="alice", exact=True)).to_be_visible()
        await camera.take(page, "admin")


async def _take_form(page: Page, run: SandboxRun, cluster: Cluster, camera: Camera) -> None:
    """Show something that is chosen, and something that cannot start."""
    drained = [node["metadata"]["name"] for node in await cluster.api.list(NODES, label_selector="pool=gtx1080")]
    for name in drained:
        await cluster.cordon(name)
    await page.goto(f"{run.url}hub/spawn?profile=v100-1")
    await expect(page.locator("[data-card=gtx-1080]")).to_have_attribute("data-refused", "", timeout=60_000)
    await camera.take(page, "form")
    for name in drained:
        await cluster.cordon(name, cordoned=False)


@contextlib.asynccontextmanager
async def _tab(browser: Browser, *, locale: str = "en-GB") -> AsyncIterator[Page]:
    context = await browser.new_context(locale=locale)
    yield await context.new_page()
    await context.close()


async def all_pictures(folder: Path) -> None:
    """Take all pictures on a sandbox that is made for it."""
    with tempfile.TemporaryDirectory() as state, sandbox_run(Path(state) / "state", "--port", "0") as run:
        ready = run.wait_ready()
        async with async_playwright() as playwright, await KubernetesApi.connect(ready.kubeconfig) as api:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            cluster = Cluster(api, namespace=ready.namespace)
            try:
                await take_all(run, cluster, browser, Camera(folder))
            finally:
                await browser.close()
                await cluster.clean_up()


def main() -> None:
    """Take all pictures, and renew those that the README and the documentation show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("test-results/screenshots"))
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(all_pictures(folder))
    for taken, name in SHOWN.items():
        shutil.copy(folder / f"{taken}.png", DOCS / f"{name}.png")
    print(f"The pictures are in {folder}; those of the README are in {DOCS}.")  # noqa: T201  # a command


if __name__ == "__main__":
    main()
