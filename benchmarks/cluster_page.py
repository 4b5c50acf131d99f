"""The cluster page of a large cluster: how long it takes to be there, and whether it is quick in a browser."""

import asyncio
import json
import shutil
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, async_playwright

from benchmarks.contest.crowds import passing_pod
from benchmarks.contest.offer import GPU, ONE_GPU, PRODUCT, SMALL, user_options, write_catalogue
from benchmarks.exceptions import BenchmarkError
from benchmarks.processes import end, launch
from benchmarks.records import Finding, Outcome, Series, Unit
from benchmarks.sandboxes import Sandbox, User, running_sandbox
from benchmarks.simulated_pods import PodCrowd
from benchmarks.visitor import Visitor
from benchmarks.workbench import Workbench
from genkan_sandbox.progress import Step
from genkan_spawner.api import JsonObject

METHOD = """\
130 nodes with 520 GPUs; 1,000 servers that the hub has started, 420 of them with a GPU, and 80 jobs of others with
one each; all pods are simulated. A real Prometheus scrapes the sandbox's exporter, and the page reads it. Through the
proxy the page is asked for once in 1.1 seconds, so that each time everything is put together anew, which happens once
in a second at most however many ask. In Chromium the page is timed from its address to the frame after it has loaded.
Then, with the table in sight: the way down to its last row, a word in the search, and a click on the head of a
column, each until the frame that shows it. News come every ten seconds to a page of this size: the longest wait is
the longest time in which the page could not have answered a click, in twelve seconds with news in them."""

PAGE = "services/cluster/"
GPUS_PER_NODE = 4
OTHERS = "others"
STARTER = "starter"
AT_ONCE = 12
"""Starts under way at the same time."""

_WITHIN = 120.0
_APART = 1.1
_STOPPED_WITHIN = 20.0

_CONFIG = """
c.GenkanSpawner.catalogue_file = {catalogue!r}
c.GenkanSpawner.storage_pvc_ensure = False
c.GenkanSpawner.volumes = {{}}
c.GenkanSpawner.volume_mounts = {{}}
c.GenkanSpawner.working_dir = None
c.ClusterPage.prometheus_url = {prometheus!r}
c.JupyterHub.services.append({{"name": {starter!r}, "api_token": {token!r}}})
c.JupyterHub.load_roles.append(
    {{"name": {starter!r}, "services": [{starter!r}], "scopes": ["admin:users", "admin:servers"]}})
"""

_FRAME = "() => new Promise(shown => requestAnimationFrame(() => setTimeout(shown)))"
_SCROLL = """async () => {
  const began = performance.now();
  document.querySelector('tbody').lastElementChild.scrollIntoView();
  await new Promise(shown => requestAnimationFrame(() => setTimeout(shown)));
  return performance.now() - began;
}"""
_SEARCH = """async (word) => {
  const field = document.querySelector('[name=q]'), began = performance.now();
  field.value = word;
  field.dispatchEvent(new Event('input', {bubbles: true}));
  await new Promise(shown => requestAnimationFrame(() => setTimeout(shown)));
  return performance.now() - began;
}"""
_SORT = """async (column) => {
  const began = performance.now();
  document.querySelector(`[data-sort=${column}]`).click();
  await new Promise(shown => requestAnimationFrame(() => setTimeout(shown)));
  return performance.now() - began;
}"""
_LONGEST = """() => new Promise(done => {
  // The longest time in which the page cannot answer, from one look for news to the next.
  let last = performance.now(), longest = 0;
  const until = last + 12000, look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    now < until ? setTimeout(look, 0) : done(longest);
  };
  look();
})"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything."""

    nodes: int
    servers: int
    with_gpu: int
    jobs: int
    """Of others, with a GPU each."""
    samples: int
    visits: int
    """In a browser."""


FULL = Scale(nodes=130, servers=1000, with_gpu=420, jobs=80, samples=20, visits=10)
QUICK = Scale(nodes=4, servers=8, with_gpu=6, jobs=4, samples=2, visits=1)


async def measure(bench: Workbench) -> Outcome:
    """Fill a cluster through its hub, and look at it as an administrator and as a user."""
    scale = QUICK if bench.quick else FULL
    async with AsyncExitStack() as stack:
        with bench.progress.step(f"Starting a cluster of {scale.nodes} nodes"):
            sandbox, token = await stack.enter_async_context(_cluster(bench, scale))
        with bench.progress.step(f"Starting {scale.servers:,} servers") as step:
            crowd = await stack.enter_async_context(PodCrowd.on(sandbox, namespace=OTHERS, manifest=_job))
            await crowd.grow(scale.jobs)
            await _start_servers(sandbox, token, scale, step=step)
        administrator = await stack.enter_async_context(Visitor.at(sandbox.url, _account(sandbox, admin=True)))
        user = await stack.enter_async_context(Visitor.at(sandbox.url, _account(sandbox, admin=False)))
        with bench.progress.step("Waiting until the page shows them all"):
            found = await _all_shown(administrator, scale)
        with bench.progress.step("Asking for the page"):
            requests = await _requests(administrator, user, scale)
        with bench.progress.step("Using it in a browser"):
            browsed = await _browsed(sandbox, scale)
    return Outcome(
        title="The cluster page", method=METHOD, series=(*requests, *browsed), findings=_findings(found, requests)
    )


async def _requests(administrator: Visitor, user: Visitor, scale: Scale) -> list[Series]:
    asked = {
        "the page, as an administrator gets it": (administrator, PAGE),
        "the page, as a user gets it": (user, PAGE),
        "JSON": (administrator, f"{PAGE}api/v1/cluster"),
        "CSV": (administrator, f"{PAGE}servers.csv"),
    }
    found = []
    for label, (visitor, path) in asked.items():
        samples = []
        for _ in range(scale.samples):
            await asyncio.sleep(_APART)
            began = time.perf_counter()
            await visitor.open(path)
            samples.append(1000 * (time.perf_counter() - began))
        found.append(Series(label=label, unit=Unit.MILLISECONDS, samples=tuple(samples)))
    return found


async def _browsed(sandbox: Sandbox, scale: Scale) -> list[Series]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise BenchmarkError("Chromium is not installed. On Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await browser.new_page(viewport={"width": 1280, "height": 900})
            await _log_in(page, sandbox)
            return [
                await _series("in a browser: the page is there", scale.visits, lambda _: _visit(page, sandbox)),
                await _series("in a browser: down to the last server", 1, lambda _: page.evaluate(_SCROLL)),
                await _series("in a browser: search", scale.visits, lambda n: page.evaluate(_SEARCH, f"person-00{n}")),
                await _series("in a browser: search taken back", 1, lambda _: page.evaluate(_SEARCH, "")),
                await _series(
                    "in a browser: order", scale.visits, lambda n: page.evaluate(_SORT, ("since", "who")[n % 2])
                ),
                await _series("in a browser: longest wait while news come", 2, lambda _: page.evaluate(_LONGEST)),
            ]
        finally:
            await browser.close()


async def _series(label: str, count: int, sample: Callable[[int], Awaitable[float]]) -> Series:
    samples = tuple([await sample(number) for number in range(count)])
    return Series(label=label, unit=Unit.MILLISECONDS, samples=samples)


async def _log_in(page: Page, sandbox: Sandbox) -> None:
    account = _account(sandbox, admin=True)
    await page.goto(f"{sandbox.url}hub/login")
    await page.fill("[name=username]", account.name)
    await page.fill("[name=password]", account.password)
    await page.press("[name=password]", "Enter")
    await page.wait_for_url("**/hub/*")
    await page.goto(f"{sandbox.url}{PAGE}")


async def _visit(page: Page, sandbox: Sandbox) -> float:
    await asyncio.sleep(_APART)
    began = time.perf_counter()
    await page.goto(f"{sandbox.url}{PAGE}")
    await page.evaluate(_FRAME)
    return 1000 * (time.perf_counter() - began)


def _findings(found: httpx.Response, requests: list[Series]) -> tuple[Finding, ...]:
    view = found.json()
    held = sum(
        device["state"] == "held" for row in view["machines"] for kind in row["kinds"] for device in kind["devices"]
    )
    slowest = max(requests[0].samples)
    return (
        Finding(label="servers on the page", text=f"{sum(row['kind'] == 'server' for row in view['servers']):,}"),
        Finding(label="GPUs on the page, and held", text=f"{view['totals']['gpus']:,}, {held:,}"),
        Finding(label="the slowest page of an administrator", text=f"{slowest:.0f} ms; it has to be below 1,000 ms"),
    )


async def _all_shown(administrator: Visitor, scale: Scale) -> httpx.Response:
    """Wait until the page tells of all servers, and what their GPUs do."""
    async with asyncio.timeout(_WITHIN):
        while True:
            answer = await _answer(administrator)
            servers = answer.json()["servers"] if answer is not None else ()
            running = sum(row["kind"] == "server" and row["state"] == "running" for row in servers)
            measured = sum(row["utilisation"] is not None for row in servers)
            if answer is not None and running >= scale.servers and measured >= scale.with_gpu:
                return answer
            await asyncio.sleep(_APART)


async def _answer(visitor: Visitor) -> httpx.Response | None:
    """Return the JSON; None while the page does not answer, which its hub starts with itself."""
    try:
        await visitor.open(PAGE)
        return await visitor.open(f"{PAGE}api/v1/cluster")
    except httpx.HTTPStatusError:
        return None


@asynccontextmanager
async def _cluster(bench: Workbench, scale: Scale) -> AsyncIterator[tuple[Sandbox, str]]:
    """Run a cluster with a hub, and a Prometheus that scrapes it; also return what starts servers for others."""
    port, token = _free_port(), "token-of-who-starts-servers"
    site = bench.folder / "site.yaml"
    site.write_text(json.dumps(_site(scale), indent=1))
    config = bench.folder / "hub_config.py"
    values = {
        "catalogue": str(write_catalogue(bench.folder / "catalogue.yaml")),
        "prometheus": f"http://127.0.0.1:{port}",
        "starter": STARTER,
        "token": token,
    }
    config.write_text(_CONFIG.format(**values))
    options = ("--site", site, "--simulate", "--hub-config", config)
    async with running_sandbox(bench.folder / "sandbox", *options) as sandbox:
        process = await launch(_prometheus(bench.folder, sandbox, port=port), output=bench.folder / "prometheus.log")
        try:
            yield sandbox, token
        finally:
            await end(process, within=_STOPPED_WITHIN)


def _prometheus(folder: Path, sandbox: Sandbox, *, port: int) -> list[str]:
    program = shutil.which("prometheus")
    if program is None:
        raise BenchmarkError("There is no prometheus here. On Debian: apt-get install prometheus")
    job = {"job_name": "dcgm", "static_configs": [{"targets": [urlsplit(sandbox.ready.gpu_metrics).netloc]}]}
    file = folder / "prometheus.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"global": {"scrape_interval": "15s"}, "scrape_configs": [job]}))
    return [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]


def _site(scale: Scale) -> JsonObject:
    cards = [{"count": GPUS_PER_NODE, "product": PRODUCT}]
    machine = {"cpu": 128, "memory": "1Ti", "pods": 250, "zone": "hall-1", "instance_type": "gpu", "devices": cards}
    return {
        "description": f"{scale.nodes} machines with {scale.nodes * GPUS_PER_NODE} cards, for the cluster page.",
        "pools": [{**machine, "name": "gpu", "count": scale.nodes}],
        "namespaces": [{"name": name, "pod_security": "baseline"} for name in ("genkan", OTHERS)],
        "users": [{"name": "alice", "groups": ["vision"]}, {"name": "root", "groups": ["admins"], "admin": True}],
    }


def _job(name: str) -> JsonObject:
    manifest = passing_pod(name)
    resources = manifest["spec"]["containers"][0]["resources"]
    resources["limits"][GPU] = resources["requests"][GPU] = "1"
    return manifest


async def _start_servers(sandbox: Sandbox, token: str, scale: Scale, *, step: Step) -> None:
    names = [f"person-{number:04}" for number in range(scale.servers)]
    numbers = iter(range(scale.servers))
    headers = {"Authorization": f"token {token}"}
    async with httpx.AsyncClient(base_url=f"{sandbox.url}hub/api/", headers=headers, timeout=_WITHIN) as client:
        (await client.post("users", json={"usernames": names})).raise_for_status()

        async def go_on() -> None:
            for number in numbers:
                options = user_options(ONE_GPU if number < scale.with_gpu else SMALL)
                (await client.post(f"users/{names[number]}/server", json=options)).raise_for_status()
                step.update(fraction=number / scale.servers)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(go_on())


def _account(sandbox: Sandbox, *, admin: bool) -> User:
    return next(user for user in sandbox.ready.users if user.admin is admin)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
