"""A sandbox whose GPUs are measured by a real Prometheus, with everything that a test of the cluster page breaks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from genkan_profiles import SAMPLE
from genkan_sandbox.annotations import GPU_MEMORY, GPU_UTILISATION, SIMULATE
from genkan_spawner.api import KubernetesApi, PatchType
from genkan_spawner.kinds import PODS

from .hub import Person
from .prometheus import Prometheus, prometheus, scrape
from .sandbox import SandboxRun, sandbox_run

WITHIN = 60.0
PAGE = "services/cluster/"
API = f"{PAGE}api/v1/cluster"

IDLE_AFTER = 60

CONFIG = """
c.KubeSpawner.extra_annotations = {{"{simulate}": "true"}}
c.GenkanSpawner.catalogue_file = "{catalogue}"
c.ClusterPage.prometheus_url = "{gateway}"
c.ClusterPage.prometheus_every = 1
c.ClusterPage.idle_after = {idle_after}
c.JupyterHub.load_roles.extend([
    {{"name": "lead", "scopes": ["read:servers!group=vision", "delete:servers!group=vision"], "users": ["dave"]}},
    {{"name": "scrape", "scopes": ["read:metrics"], "services": ["prometheus"]}},
])
c.JupyterHub.services.append({{"name": "prometheus", "api_token": "{token}"}})
c.JupyterHub.named_server_limit_per_user = 0

def odd(spawner, pod):
    # What no check can foresee: a neighbour that does not exist.
    if spawner.user.name == "erin":
        pod.spec.affinity = {{"podAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": [
            {{"labelSelector": {{"matchLabels": {{"app": "nowhere"}}}}, "topologyKey": "kubernetes.io/hostname"}}]}}}}
    return pod

c.GenkanSpawner.modify_pod_hook = odd

# JupyterHub looks after its services twice a minute, which a test would wait for.
from jupyterhub.services.service import _ServiceSpawner
_ServiceSpawner.poll_interval = 1
{more}
"""
"""All servers are simulated, so that they start at once; those of erin find no machine."""

SCRAPER = "token-of-prometheus-0123456789"


class Mood(Enum):
    """How Prometheus answers the page."""

    WELL = auto()
    NOT = auto()
    ODDLY = auto()
    """With a page for people."""


@dataclass(slots=True)
class Gateway:
    """What stands before Prometheus, as in many sites, and can fail."""

    address: str = ""
    behind: str = ""
    """The Prometheus itself."""
    mood: Mood = Mood.WELL

    async def answer(self, request: web.Request) -> web.StreamResponse:
        match self.mood:
            case Mood.NOT:
                return web.Response(status=502)
            case Mood.ODDLY:
                return web.Response(
                    text="<!doctype html><script>alert('prometheus')</script>", content_type="text/html"
                )
            case Mood.WELL:
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"{self.behind}{request.path}", params=request.query) as found,
                ):
                    return web.Response(status=found.status, body=await found.read(), content_type="application/json")


@dataclass(slots=True)
class Watched:
    """All of it."""

    run: SandboxRun
    prometheus: Prometheus
    gateway: Gateway
    api: KubernetesApi
    catalogue: Path

    @asynccontextmanager
    async def person(self, name: str) -> AsyncIterator[Person]:
        """Sign in somebody, and leave no server of theirs behind."""
        async with Person.visiting(self.run.url, self.run.user(name)) as person:
            yield person

    async def load(self, pod: str, *, namespace: str, utilisation: float, memory: str = "1Gi") -> None:
        """Have the GPUs of a pod compute."""
        patch = {"metadata": {"annotations": {GPU_UTILISATION: f"{utilisation:g}", GPU_MEMORY: memory}}}
        await self.api.patch(PODS, pod, patch, namespace=namespace, patch_type=PatchType.MERGE)

    def log(self) -> str:
        """What the hub and its services have written."""
        logs = self.run.state / "logs"
        return "".join(path.read_text(errors="replace") for path in sorted(logs.glob("hub*.log")))


@asynccontextmanager
async def watched(folder: Path, *, more: str = "") -> AsyncIterator[Watched]:
    """Run the default site with a hub, and Prometheus beside it; `more` is added to the hub's configuration."""
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text(SAMPLE.read_text())
    gateway = Gateway()
    runner = await _served(gateway)
    config = folder / "hub_config.py"
    config.write_text(
        CONFIG.format(
            simulate=SIMULATE,
            catalogue=catalogue,
            gateway=gateway.address,
            idle_after=IDLE_AFTER,
            token=SCRAPER,
            more=more,
        )
    )
    try:
        with sandbox_run(folder / "state", "--hub-config", str(config)) as run:
            ready = await asyncio.to_thread(run.wait_ready)
            await _until_there(run)
            exporter = scrape("dcgm", urlsplit(ready.gpu_metrics).netloc)
            with prometheus(folder / "prometheus", exporter) as measuring:
                gateway.behind = measuring.address
                async with await KubernetesApi.connect(ready.kubeconfig) as api:
                    yield Watched(run, measuring, gateway, api, catalogue)
    finally:
        await runner.cleanup()


async def _until_there(run: SandboxRun) -> None:
    """Wait for the page, which the hub starts when it answers already."""
    async with asyncio.timeout(WITHIN), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{run.url}{PAGE}health") as answer:
                if (await answer.text()) == "ok\n":
                    return
            await asyncio.sleep(0.1)


async def _served(gateway: Gateway) -> web.AppRunner:
    application = web.Application()
    application.router.add_get("/{tail:.*}", gateway.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner


async def seen(person: Person, path: str = API) -> dict[str, Any]:
    """Return what the page tells somebody as JSON."""
    answer = await person.visit(path, headers={"Authorization": f"token {person.token}"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def row_of(view: dict[str, Any], user: str) -> dict[str, Any] | None:
    """Return somebody's server in what the page tells."""
    return next((row for row in view["servers"] if row["user"] == user), None)


async def until_seen(person: Person, holds: Any, *, within: float = WITHIN) -> dict[str, Any]:
    """Wait until what the page tells somebody is as wanted; the failure shows how it is instead."""
    view: dict[str, Any] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while True:
                with contextlib.suppress(AssertionError):
                    view = await seen(person)
                    if holds(view):
                        return view
                await asyncio.sleep(0.2)
    raise AssertionError(f"The page is not as wanted after {within:g} s: {json.dumps(view)[:4000]}")


async def until_said(person: Person, words: str, *, path: str = PAGE, within: float = WITHIN) -> str:
    """Wait until a page says something, and return it."""
    text = ""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while words not in (text := (await person.visit(path)).text):
                await asyncio.sleep(0.2)
            return text
    raise AssertionError(f"{path} does not say {words!r}: {text[:4000]}")
