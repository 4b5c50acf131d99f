"""An API server with as many pods as wanted, for a watch: what would take a real one minutes to be filled with.

A process of its own, `python -m benchmarks.instruments.feed PODS CHANGES_PER_SECOND`: it prints its address and serves
lists in pages, and on the watch of pods so many changes a second. Pods are made when they are asked for, each about
eight kilobytes as the API server has them, managed fields included. It ends with its standard input.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from aiohttp import web

from benchmarks.contest.crowds import passing_pod

NODES = 130
_PAGE = 500
_FIRST_VERSION = 1_000_000
_BOOKMARK_SECONDS = 60.0
_MANAGERS = ("genkan", "kube-scheduler", "nodes")
_MANAGED_FIELDS = 60
"""Fields that each manager of a pod has, so that a pod is as large as usual."""


def pod(number: int, *, version: int) -> dict[str, Any]:
    """Return a pod as the API server has it: one that has ended in every other version, so that each change counts."""
    name = f"pod-{number:06}"
    made: dict[str, Any] = passing_pod(name)
    fields: dict[str, Any] = {f"f:field-{index:02}": {} for index in range(_MANAGED_FIELDS)}
    made["metadata"] |= {
        "namespace": f"team-{number % 50:02}",
        "uid": f"00000000-0000-0000-0000-{number:012}",
        "resourceVersion": str(version),
        "creationTimestamp": "2026-11-23T06:00:00Z",
        "managedFields": [
            {
                "manager": manager,
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
            }
            for manager in _MANAGERS
        ],
    }
    made["spec"] |= {"nodeName": f"node-{number % NODES:03}", "priority": 0, "schedulerName": "default-scheduler"}
    conditions = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    made["status"] = {
        "phase": "Succeeded" if version % 2 else "Running",
        "podIP": "10.0.0.1",
        "hostIP": "10.0.0.2",
        "startTime": "2026-11-23T06:00:01Z",
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": "2026-11-23T06:00:01Z"} for kind in conditions
        ],
        "containerStatuses": [
            {
                "name": "notebook",
                "ready": True,
                "restartCount": 0,
                "image": "registry.example.org/genkan/scipy:1",
                "imageID": "registry.example.org/genkan/scipy@sha256:" + "0" * 64,
                "state": {"running": {"startedAt": "2026-11-23T06:00:01Z"}},
            }
        ],
    }
    return made


def node(number: int) -> dict[str, Any]:
    """Return a node with four GPUs."""
    amounts = {"cpu": "128", "memory": "1Ti", "pods": "500", "nvidia.com/gpu": "4"}
    name = f"node-{number:03}"
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "resourceVersion": str(_FIRST_VERSION),
            "labels": {"kubernetes.io/hostname": name, "nvidia.com/gpu.product": "Tesla-V100-SXM2-32GB"},
        },
        "spec": {},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


class Feed:
    """Answers lists and watches."""

    def __init__(self, *, pods: int, rate: float) -> None:
        self._pods = pods
        self._rate = rate
        self._versions = count(_FIRST_VERSION + 1)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        kind = request.path.rpartition("/")[2]
        if "watch" in request.query:
            return await self._watch(request, kind)
        start = int(request.query.get("continue", "0"))
        stop = start + min(int(request.query.get("limit", _PAGE)), _PAGE)
        size = {"pods": self._pods, "nodes": NODES}.get(kind, 0)
        numbers = range(start, min(stop, size))
        items = [node(n) if kind == "nodes" else pod(n, version=_FIRST_VERSION) for n in numbers]
        metadata = {"resourceVersion": str(_FIRST_VERSION)} | ({"continue": str(stop)} if stop < size else {})
        return web.json_response({"metadata": metadata, "items": items})

    async def _watch(self, request: web.Request, kind: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for event in self._changes() if kind == "pods" and self._rate else self._bookmarks():
            try:
                await response.write(json.dumps(event).encode() + b"\n")
            except ConnectionError:
                break
        return response

    async def _changes(self) -> AsyncIterator[dict[str, Any]]:
        began = time.monotonic()
        for number in count():
            yield {"type": "MODIFIED", "object": pod(number % self._pods, version=next(self._versions))}
            await asyncio.sleep(max(0.0, began + (number + 1) / self._rate - time.monotonic()))

    async def _bookmarks(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(_FIRST_VERSION)}}}
            await asyncio.sleep(_BOOKMARK_SECONDS)


async def _main(pods: int, rate: float) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    app = web.Application()
    app.router.add_get("/{path:.*}", Feed(pods=pods, rate=rate).answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), float(sys.argv[2])))
