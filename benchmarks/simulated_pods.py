"""Simulated single-user servers, created by the thousand through the Kubernetes API."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.exceptions import BenchmarkError
from benchmarks.sandboxes import Sandbox
from genkan_sandbox.agent.records import PORT_NAME
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import PODS
from genkan_spawner.watching import Changed, ChangeType, Listed, Watch

CREATORS = 64
"""Requests under way at once. With 16 the quota's admission, not the sandbox, sets the pace."""

SLOWEST = 10.0
"""Pods per second below which a run is given up."""

LABEL = "genkan-benchmark"
"""Of all these pods."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How long it took to add some pods, in seconds from the first creation."""

    count: int
    created: float
    """Until the API server had accepted the last one."""

    running: float
    """Until the last one was Running."""


class PodCrowd:
    """The pods of one benchmark, followed by a watch."""

    def __init__(self, api: KubernetesApi, *, namespace: str, manifest: Callable[[str], JsonObject]) -> None:
        self._api = api
        self._namespace = namespace
        self._manifest = manifest
        self._size = 0
        self._running: set[str] = set()
        self._changed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def on(
        cls, sandbox: Sandbox, *, namespace: str = "", manifest: Callable[[str], JsonObject] | None = None
    ) -> AsyncIterator["PodCrowd"]:
        """Begin with no pods, by default in the namespace of a hub's servers; `manifest` makes a pod of a name."""
        async with await KubernetesApi.connect(sandbox.ready.kubeconfig) as api:
            crowd = cls(api, namespace=namespace or sandbox.ready.namespace, manifest=manifest or server_manifest)
            watching = asyncio.create_task(crowd._follow())
            try:
                yield crowd
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    @property
    def running(self) -> int:
        """How many pods are Running now."""
        return len(self._running)

    async def grow(self, count: int) -> Growth:
        """Create so many pods more and wait until all of them are Running."""
        names = iter(range(self._size, self._size + count))
        self._size += count
        seconds = 30 + count / SLOWEST
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                async with asyncio.TaskGroup() as group:
                    for _ in range(CREATORS):
                        group.create_task(self._create(names))
                created = time.monotonic() - began
                while self.running < self._size:
                    self._changed.clear()
                    await self._changed.wait()
                return Growth(count=count, created=created, running=time.monotonic() - began)
        except TimeoutError as e:
            raise BenchmarkError(f"After {seconds:.0f} seconds {self.running} of {self._size} pods are Running.") from e

    async def addresses(self) -> list[str]:
        """Return where the servers of all pods should answer, as host and port."""
        pods = await self._api.list(PODS, namespace=self._namespace, label_selector=LABEL)
        return [f"{pod['status']['podIP']}:{_port(pod)}" for pod in pods if pod["status"].get("phase") == "Running"]

    async def _create(self, names: Any) -> None:
        for number in names:
            await self._api.create(PODS, self._manifest(f"server-{number:05}"), namespace=self._namespace)

    async def _follow(self) -> None:
        watch = Watch(self._api, PODS, project=_phase, namespace=self._namespace, label_selector=LABEL)
        async for event in watch.events():
            match event:
                case Listed(items=items):
                    self._running = {name for name, phase in items if phase == "Running"}
                case Changed(type=kind, item=(name, phase)):
                    if phase == "Running" and kind is not ChangeType.DELETED:
                        self._running.add(name)
                    else:
                        self._running.discard(name)
            self._changed.set()


def _phase(pod: JsonObject) -> tuple[str, str]:
    return pod["metadata"]["name"], pod["status"].get("phase", "")


def _port(pod: JsonObject) -> int:
    port: int = pod["spec"]["containers"][0]["ports"][0]["containerPort"]
    return port


def server_manifest(name: str) -> JsonObject:
    """Return a server as KubeSpawner would create it, as far as admission, scheduler and node agent look at it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {LABEL: "server", "app.kubernetes.io/component": "singleuser-server"}},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "OnFailure",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "notebook",
                    "image": "registry.example.org/genkan/scipy:1",
                    "ports": [{"name": PORT_NAME, "containerPort": 8888}],
                    "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }
