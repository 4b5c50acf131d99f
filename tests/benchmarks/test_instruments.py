"""What benchmarks measure with, held against what is known."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from benchmarks.exceptions import BenchmarkError
from benchmarks.instruments.audit import AuditWindow, read_requests
from benchmarks.instruments.feed import Feed, pod
from benchmarks.instruments.sightings import TOKEN, USER, Sightings
from benchmarks.instruments.stall import EVERY, probing
from benchmarks.instruments.usage import Usage
from benchmarks.instruments.watch_cost import weigh
from benchmarks.processes import end, launch

from genkan_spawner.kinds import PODS

from ..support.kubernetes import fake_api_server

HUB = "system:serviceaccount:place:hub"
NOW = datetime(2026, 11, 23, 6, 5, tzinfo=UTC)


def entry(identity: str, *, account: str = HUB, stage: str = "ResponseComplete", at: datetime = NOW) -> str:
    found = {
        "auditID": identity,
        "stage": stage,
        "verb": "list",
        "requestURI": "/api/v1/pods?limit=500",
        "user": {"username": account},
        "requestReceivedTimestamp": at.isoformat().replace("+00:00", "Z"),
    }
    return json.dumps(found) + "\n"


def test_a_watch_counts_once_and_others_do_not_count() -> None:
    lines = [
        entry("watch", stage="ResponseStarted"),
        entry("other", account=f"{HUB}-2"),
        entry("watch"),
        entry("list"),
        entry("cut off").strip(),
    ]

    found = list(read_requests(lines, account=HUB))

    assert [request.identity for request in found] == ["watch", "list"]
    assert {(request.path, request.received) for request in found} == {("/api/v1/pods", NOW)}


async def test_a_window_has_what_was_asked_since_it_was_opened(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(entry("before"))
    window = AuditWindow(log)
    now = datetime.now(tz=UTC)
    with log.open("a") as file:
        file.write(entry("earlier, written late", at=now - timedelta(hours=1)))
        file.write(entry("within", at=now))
        file.write(entry("after", at=now + timedelta(hours=1)))

    assert [request.identity for request in await window.close(account=HUB)] == ["within"]


@asynccontextmanager
async def serving(answer: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_probe_asks_at_a_steady_pace() -> None:
    async def health(_request: web.Request) -> web.Response:
        asked.append(asyncio.get_running_loop().time())
        if len(asked) == 5:
            enough.set()
        return web.Response()

    asked: list[float] = []
    enough = asyncio.Event()
    async with serving(health) as url, probing(url) as latencies:
        await enough.wait()
    assert len(latencies.samples) == len(asked) - 1
    assert asked[4] - asked[1] >= 2 * EVERY


async def test_a_probe_of_nothing_says_so() -> None:
    async def health(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    async with serving(health) as url:
        with pytest.raises(BenchmarkError, match="does not answer"):
            async with probing(url):
                pass


async def test_a_process_ends_with_what_it_was_asked_to_write(tmp_path: Path) -> None:
    output = tmp_path / "output"
    process = await launch(
        [sys.executable, "-c", "import os; print(os.environ['NAME'], flush=True); input()"],
        output=output,
        environment={"NAME": "value"},
    )
    await process.wait()
    await end(process, within=1)
    assert output.read_text().startswith("value\n")


def test_what_this_process_has_used_is_known() -> None:
    usage = Usage.of(os.getpid())

    assert usage.cpu_seconds > 0
    assert usage.resident_bytes > 1_000_000


def server_pod(user: str, *, version: int, phase: str = "Pending", ready: bool = False) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"jupyter-{user}",
            "namespace": "place",
            "resourceVersion": str(version),
            "annotations": {USER: user},
        },
        "spec": {"containers": [{"env": [{"name": TOKEN, "value": f"token of {user}"}]}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


async def test_pods_are_seen_to_appear_run_and_go(tmp_path: Path) -> None:
    async with fake_api_server(tmp_path) as (server, api):
        server.objects[PODS.path(namespace="place")] = [server_pod("ann", version=1, phase="Running", ready=True)]
        server.watches.append(
            [
                {"type": "ADDED", "object": server_pod("bob", version=2)},
                {"type": "MODIFIED", "object": server_pod("bob", version=3, phase="Running", ready=True)},
                {"type": "DELETED", "object": server_pod("ann", version=4)},
            ]
        )
        async with Sightings.following(api, namespace="place") as sightings:
            async with asyncio.timeout(10):
                while "bob" not in sightings.pods or not sightings.pods["ann"].gone:
                    await asyncio.sleep(0.01)
            bob = sightings.pods["bob"]
            assert bob.running is not None
            assert bob.running >= bob.created
            assert sightings.left() == [bob]
            assert sightings.tokens == {"token of ann", "token of bob"}


async def test_a_made_cluster_is_weighed(tmp_path: Path) -> None:
    async with serving(Feed(pods=1200, rate=50).answer) as url:
        kubeconfig = tmp_path / "kubeconfig"
        document = {
            "current-context": "feed",
            "clusters": [{"name": "feed", "cluster": {"server": url}}],
            "contexts": [{"name": "feed", "context": {"cluster": "feed", "user": "feed"}}],
            "users": [{"name": "feed", "user": {}}],
        }
        kubeconfig.write_text(json.dumps(document))

        found = await weigh(kubeconfig, seconds=0.4)

    assert len(found.snapshots) == 2
    assert found.load_seconds > 0


def test_made_pods_are_as_large_as_usual() -> None:
    assert 6_000 < len(json.dumps(pod(1, version=1))) < 12_000
