"""A site on which all that outsiders can write is hostile, and whose hub and cluster fail while pages are open."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from playwright.async_api import BrowserContext, Page, expect

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.api import JsonObject, PatchType
from genkan_spawner.kinds import EVENTS, PODS

from ..support.browser import START, log_in
from ..support.cluster import Cluster, cluster_of
from ..support.hub import Person
from ..support.records import User
from ..support.sandbox import SandboxRun, sandbox_run

MARKUP = """<img src=x onerror="window.injected=1">'"><script>window.injected=1</script>"""
EVE = "<img src=x onerror=window.injected=1>'&"
"""A name that JupyterHub lets people have."""

TEXTS = {"display_name": MARKUP, "description": MARKUP}
SIZE = {"cpu": "500m", "memory": "512Mi"}
CATALOGUE = {
    "hardware": [
        {"slug": "small", **TEXTS, **SIZE, "default": True},
        {"slug": "gpu", **TEXTS, **SIZE, "gpu": {"count": 1}},
    ],
    "images": [{"slug": "one", **TEXTS, "image": "registry.example.org/one:1", "default": True}],
    "own_image": {"display_name": MARKUP, "pattern": r"registry\.example\.org/.+", "message": MARKUP},
    "teams": [{"group": "everybody", **TEXTS, "namespace": "genkan"}],
}

CONFIG = """
c.GenkanSpawner.catalogue_file = {catalogue!r}
c.Authenticator.allowed_users.update({{{eve!r}}})
c.JupyterHub.load_groups.update({{"everybody": {{"users": [{eve!r}, "alice", "bob", "carol"]}}}})
"""

WITHIN = 60_000


@pytest.fixture(scope="module")
def run(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox of this module's own: nobody else likes such names, or their hub killed."""
    folder = tmp_path_factory.mktemp("rough")
    catalogue, config = folder / "catalogue.yaml", folder / "hub_config.py"
    catalogue.write_text(json.dumps(CATALOGUE))
    config.write_text(CONFIG.format(catalogue=str(catalogue), eve=EVE))
    with sandbox_run(folder / "state", "--site", "workstations", "--hub-config", str(config)) as run:
        run.wait_ready()
        yield run


@pytest.fixture
async def cluster(run: SandboxRun) -> AsyncIterator[Cluster]:
    async with cluster_of(run.ready) as cluster:
        yield cluster


@pytest.fixture
def eve(run: SandboxRun) -> User:
    return User(name=EVE, password=run.user("alice").password, groups=(), admin=False)


async def is_harmless(page: Page, *, says: str) -> None:
    """Expect that a page shows a text as it is, and that nothing of any text has become a part of the page."""
    await expect(page.locator("body")).to_contain_text(says)
    assert await page.evaluate("window.injected") is None
    assert await page.locator("img[src=x], [onerror]").count() == 0
    scripts = await page.locator("script:not([src])").all_inner_texts()
    assert [text for text in scripts if text.startswith("window.injected")] == []


async def test_what_outsiders_write_is_text_on_every_page(
    context: BrowserContext, run: SandboxRun, eve: User, cluster: Cluster
) -> None:
    page, hub = await context.new_page(), f"{run.url}hub/"
    await log_in(page, run.url, eve)
    await page.goto(f"{hub}spawn?profile={quote(MARKUP)}&image={quote(MARKUP)}&{quote(MARKUP)}=1")
    await is_harmless(page, says=MARKUP)
    for path in (f"spawn/{quote(EVE)}/{quote(EVE)}", "home", "token"):
        await page.goto(f"{hub}{path}")
        await is_harmless(page, says=EVE)

    await page.goto(f"{hub}spawn?profile=small")
    await page.locator("#profile-option-small--image").select_option(label=MARKUP)
    own = page.locator("#profile-option-small--image--unlisted-choice")
    await page.locator("#profile-option-small--image").select_option(index=1)
    await own.fill(MARKUP)
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#genkan-refusal")).to_be_visible()
    await is_harmless(page, says=MARKUP)

    key = await cluster.add_fault(FaultKind.SLOW_PULL, seconds=3600)
    await page.goto(f"{hub}spawn?profile=small&image=one")
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url(re.compile("spawn-pending"))
    await is_harmless(page, says=MARKUP)
    await expect(page.locator("#genkan-way")).to_contain_text("The image is being fetched", timeout=WITHIN)
    (pod,) = [pod for pod in await cluster.api.list(PODS, namespace=cluster.namespace) if owner_of(pod) == EVE]
    await cluster.api.create(EVENTS, event_of(pod, MARKUP), namespace=cluster.namespace)
    await page.get_by_text("What the cluster says").click()
    await expect(page.locator("#genkan-events")).to_contain_text(MARKUP, timeout=WITHIN)
    await is_harmless(page, says=EVE)
    await page.get_by_role("button", name="Cancel").click()
    await page.wait_for_url(re.compile("/hub/spawn/"), timeout=WITHIN)
    await is_harmless(page, says=MARKUP)
    await cluster.heal(key)


def owner_of(pod: JsonObject) -> str | None:
    """Return whose server a pod is."""
    owner: str | None = pod["metadata"].get("annotations", {}).get("hub.jupyter.org/username")
    return owner


def event_of(pod: JsonObject, message: str) -> JsonObject:
    """Return an event as anybody may write it who has a right on the namespace."""
    there = pod["metadata"]
    now = datetime.now(tz=UTC).isoformat()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{there['name'][:40].rstrip('-.')}.forged", "namespace": there["namespace"]},
        "involvedObject": {
            "kind": "Pod",
            "apiVersion": "v1",
            "name": there["name"],
            "uid": there["uid"],
            "namespace": there["namespace"],
        },
        "type": "Warning",
        "reason": message[:100],
        "message": message,
        "source": {"component": message[:100]},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


async def test_names_and_notes_are_text_for_administrators_and_back(
    context: BrowserContext, run: SandboxRun, eve: User, cluster: Cluster
) -> None:
    annotations = {"hub.jupyter.org/username": MARKUP, "hub.jupyter.org/servername": MARKUP}
    pod = await cluster.add_pod(resources={"nvidia.com/gpu": "1", "cpu": "1", "memory": "1Gi"})
    name, patch = pod["metadata"]["name"], {"metadata": {"annotations": annotations}}
    await cluster.api.patch(PODS, name, patch, namespace=cluster.namespace, patch_type=PatchType.MERGE)
    async with Person.visiting(run.url, eve) as person:
        await person.start(profile="gpu")
        page = await context.new_page()
        await log_in(page, run.url, run.user("carol"))
        await page.goto(f"{run.url}services/cluster/")
        await is_harmless(page, says=EVE)
        await page.get_by_role("link", name=re.compile("^Stop")).first.click()
        await is_harmless(page, says=EVE)
        await page.get_by_role("textbox").fill(MARKUP)
        await page.get_by_role("button", name="Stop the server").click()
        await is_harmless(page, says=EVE)
        await page.goto(f"{run.url}hub/admin")
        await is_harmless(page, says=EVE)
        await page.goto(f"{run.url}hub/spawn/{quote(EVE)}")
        await is_harmless(page, says=f"carol stopped the server. This is what they wrote: {MARKUP}")


async def test_open_pages_outlive_a_hub_that_is_started_anew(
    context: BrowserContext, run: SandboxRun, cluster: Cluster
) -> None:
    async with Person.visiting(run.url, run.user("alice")) as alice:
        key = await cluster.add_fault(FaultKind.SLOW_PULL, seconds=3600)
        pending, form = await context.new_page(), await context.new_page()
        await log_in(pending, run.url, alice.user)
        await pending.goto(f"{run.url}hub/spawn?profile=gpu")
        await pending.get_by_role("button", name="Start").click()
        await expect(pending.locator("#genkan-way")).to_contain_text("The image is being fetched", timeout=WITHIN)
        (pod,) = await cluster.pods_of("alice")
        loads: list[str] = []
        pending.on("framenavigated", lambda frame: loads.append(frame.url))

        await form.goto(f"{run.url}hub/spawn/alice/second?profile=small")
        await form.locator("#profile-option-small--image").select_option(index=1)
        own = form.locator("#profile-option-small--image--unlisted-choice")
        await own.fill("registry.example.org/half")
        run.component("hub").kill()
        for page in (pending, form):
            await expect(page.locator("#genkan-problem")).to_contain_text("The hub does not answer", timeout=WITHIN)
        await expect(form.locator("#genkan-problem")).to_have_count(0, timeout=WITHIN)
        await expect(pending.locator("#genkan-problem")).to_have_text("", timeout=WITHIN)
        await expect(own).to_have_value("registry.example.org/half")
        await expect(own).to_be_focused()

        await cluster.heal(key)
        await pending.wait_for_url(re.compile("/user/alice/lab"), timeout=START)
        (after,) = await cluster.pods_of("alice")
        assert after["metadata"]["uid"] == pod["metadata"]["uid"]
        # It loads itself again when the start has ended, and is led to the server.
        assert len([url for url in loads if "spawn-pending" in url]) <= 1


async def test_an_open_form_says_that_what_it_shows_gets_old(page: Page, run: SandboxRun) -> None:
    await log_in(page, run.url, run.user("bob"))
    await page.goto(f"{run.url}hub/spawn?profile=gpu")
    await expect(page.locator("[data-card=gpu]")).to_contain_text("Starts now")
    dead = run.component("kube-apiserver")
    dead.kill()
    async with asyncio.timeout(30):
        while run.pid("kube-apiserver") in {0, dead.pid}:
            await asyncio.sleep(0.02)
    server = run.component("kube-apiserver")
    server.suspend()  # before it listens
    try:
        await expect(page.locator("#genkan-fresh")).to_contain_text("cannot be seen in full", timeout=WITHIN)
        await expect(page.locator("[data-card=gpu]")).to_contain_text("Not known")
    finally:
        server.resume()
    await expect(page.locator("[data-card=gpu]")).to_contain_text("Starts now", timeout=WITHIN)
    await expect(page.locator("#genkan-fresh")).not_to_contain_text("cannot be seen in full")
