"""A sandbox that logs every request to its API server."""

import asyncio
import json
from pathlib import Path

from genkan_sandbox.control_plane.access import Identity
from genkan_sandbox.operations import find_log
from genkan_sandbox.state import StateDirectory
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import NAMESPACES

from ..support.sandbox import sandbox_run

WITHIN = 30


async def test_each_request_is_logged_with_who_sent_it(binaries: None, tmp_path: Path) -> None:
    with sandbox_run(tmp_path / "state", "--no-hub", "--audit", "--site", "empty") as run:
        ready = run.wait_ready()
        async with await KubernetesApi.connect(ready.kubeconfig) as api:
            await api.get(NAMESPACES, ready.namespace)
        log = find_log(StateDirectory(run.state), "audit")
        entry = await entry_of(log, uri=NAMESPACES.path(name=ready.namespace), agent="genkan")
    assert (entry["user"]["username"], entry["stage"]) == (Identity.ADMINISTRATOR, "ResponseComplete")
    assert entry["responseStatus"]["code"] == 200
    assert "responseObject" not in entry


def entries(log: Path) -> list[JsonObject]:
    """Return what is written so far, without a last line that is not whole yet."""
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


async def entry_of(log: Path, *, uri: str, agent: str) -> JsonObject:
    """Wait until a request of the administrator is in the log."""
    async with asyncio.timeout(WITHIN):
        while True:
            for entry in entries(log):
                if entry["requestURI"] == uri and entry["userAgent"] == agent:
                    return entry
            await asyncio.sleep(0.2)
