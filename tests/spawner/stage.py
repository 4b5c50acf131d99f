"""A hub's view of a cluster in memory, with spawners, and the parts of a kubelet that a test plays itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api
from traitlets.config import Config

from genkan_spawner.api import JsonObject
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.exceptions import KubernetesError, UnreachableError
from genkan_spawner.hub_view import HubView
from genkan_spawner.kinds import EVENTS, NODES, PODS
from genkan_spawner.starting.story import Story

from ..support.fake_cluster import FakeCluster
from ..support.objects import node

NAMESPACE = "default"
TOKEN = "the-token-of-a-server"
COMPONENT = "singleuser-server"
GPU = "nvidia.com/gpu"


def answered(status: int, message: str = "because") -> KubernetesError:
    return KubernetesError.from_status(status, reason="", message=message)


def unreachable() -> KubernetesError:
    return UnreachableError("The Kubernetes API server did not answer (OSError).")


@dataclass(slots=True)
class Refusals:
    """Failures of the next requests of one sort, one after the other; `for_ever` repeats the last."""

    method: str
    path_end: str
    failures: list[KubernetesError]
    for_ever: bool = False

    def __call__(self, method: str, path: str) -> KubernetesError | None:
        if method != self.method or not path.endswith(self.path_end) or not self.failures:
            return None
        return self.failures[0] if self.for_ever else self.failures.pop(0)


class Clock:
    """Seconds that a test lets pass."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """One hub and its cluster."""

    def __init__(self, cluster: FakeCluster, view: HubView) -> None:
        self.cluster = cluster
        self.view = view
        self.clock = Clock()

    def pod(self, name: str = "jupyter-alice") -> JsonObject | None:
        return self.cluster.find(PODS, name, namespace=NAMESPACE)

    def put(self, name: str = "jupyter-alice", **parts: Any) -> JsonObject:
        """Create a pod of a server without a request; `metadata`, `spec` and `status` are laid over."""
        labels = {"component": COMPONENT, **parts.get("labels", {})}
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels, "creationTimestamp": stamp()}
        container = {"name": "notebook", "ports": [{"name": "notebook-port", "containerPort": 8888}]}
        container["env"] = [{"name": "JUPYTERHUB_API_TOKEN", "value": TOKEN}]
        manifest = {
            "metadata": metadata | parts.get("metadata", {}),
            "spec": {"containers": [container]} | parts.get("spec", {}),
            "status": {"phase": "Pending"} | parts.get("status", {}),
        }
        return self.cluster.put(PODS, manifest)

    async def set(self, name: str = "jupyter-alice", *, node_name: str | None = None, **status: Any) -> None:
        """Change a pod's status, and place it."""
        patch: JsonObject = {"status": status} | ({"spec": {"nodeName": node_name}} if node_name else {})
        await self.cluster.patch(PODS, name, patch, namespace=NAMESPACE)

    async def run(self, name: str = "jupyter-alice") -> None:
        """Have a pod's server run."""
        await self.set(name, node_name="a", **running())

    async def label(self, node_name: str, labels: dict[str, str]) -> None:
        """Give a node labels."""
        await self.cluster.patch(NODES, node_name, {"metadata": {"labels": labels}})
        await self.seen(lambda: labels.items() <= self.view.cache.snapshot().nodes[node_name].node.labels.items())

    async def created(self, name: str = "jupyter-alice") -> JsonObject:
        """Wait for a pod."""
        found: JsonObject = await self.cluster.until(lambda: self.pod(name))
        return found

    async def seen(self, holds: Callable[[], Any]) -> None:
        """Wait until the view is as wanted."""
        await self.cluster.until(holds)

    def happen(self, pod: JsonObject, reason: str, message: str = "", *, first: str = "2026-01-01T00:00:00Z") -> None:
        """Report an event about a pod."""
        self.cluster.put(
            EVENTS,
            {
                "metadata": {"generateName": "event-", "namespace": NAMESPACE},
                "involvedObject": {"uid": pod["metadata"]["uid"]},
                "type": "Warning",
                "reason": reason,
                "message": message,
                "firstTimestamp": first,
                "lastTimestamp": first,
            },
        )

    async def blind(self, failure: KubernetesError | None = None) -> Refusals:
        """Let the watch of pods break and not come back; returned is what fails it, to be emptied."""
        refusals = Refusals("GET", f"/{PODS.plural}", [failure or unreachable()], for_ever=True)
        self.cluster.fails = refusals
        self.cluster.break_watches()
        await self.seen(lambda: not self.view.sees_pods(NAMESPACE))
        return refusals

    async def sighted(self) -> None:
        """Let the watch come back."""
        self.cluster.fails = None
        async with asyncio.timeout(600):
            while not self.view.sees_pods(NAMESPACE):
                await asyncio.sleep(1)


@asynccontextmanager
async def stage(monkeypatch: pytest.MonkeyPatch, *, gpus: int = 1, sighted: bool = True) -> AsyncIterator[Stage]:
    """Play on one node with so many GPUs; unless `sighted`, the first list of pods fails, and all after it."""
    monkeypatch.setattr("genkan_spawner.cluster.liveness.GRACE_SECONDS", -1.0)
    cluster = FakeCluster()
    cluster.admits = as_the_api_server
    cluster.put(NODES, node("a", allocatable={"cpu": "8", "memory": "32Gi", "pods": "110", GPU: str(gpus)}))
    if not sighted:
        cluster.fails = Refusals("GET", f"/{PODS.plural}", [answered(500)], for_ever=True)
    view = HubView(cluster, component=COMPONENT, namespaces=[NAMESPACE])
    monkeypatch.setitem(HubView._views, asyncio.get_running_loop(), view)
    try:
        await view.ready()
        yield Stage(cluster, view)
    finally:
        await view.close()


ADDRESS = "127.1.2.3"
"""Where every pod's server takes connections, once its pod runs."""


@dataclass
class Database:
    """Counts what is kept."""

    commits: int = 0

    def commit(self) -> None:
        self.commits += 1


@dataclass
class Record:
    """A spawner's row in the hub's database."""

    name: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    user_options: dict[str, Any] = field(default_factory=dict)
    last_activity: datetime | None = None
    server: object | None = None


@asynccontextmanager
async def spawners(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., ClusterSpawner]]:
    """Make spawners of the users of a hub; a GPU is what they ask for unless told otherwise."""
    client = ApiClient(Configuration(host="http://cluster.example.org"))
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    monkeypatch.setattr("kubespawner.spawner.shared_client", lambda _: CoreV1Api(client))

    def make(name: str = "alice", *, gpus: int = 1, database: Database | None = None, **traits: Any) -> ClusterSpawner:
        user = SimpleNamespace(
            name=name,
            escaped_name=name,
            id=1,
            url=f"/user/{name}/",
            server=None,
            groups=[],
            spawners={},
            db=database or Database(),
            settings={"cookie_secret": b"the hub's own secret"},
        )
        hub = SimpleNamespace(
            public_host="", url="http://hub.example.org/hub/", base_url="/hub/", api_url="http://hub.example.org/api"
        )
        options: dict[str, Any] = {
            "config": Config(),
            "user": user,
            "hub": hub,
            "api_token": TOKEN,
            "oauth_client_id": f"jupyterhub-user-{name}",
            "orm_spawner": Record(),
            "start_timeout": 300,
            "extra_resource_limits": {GPU: str(gpus)} if gpus else {},
        }
        return ClusterSpawner(**(options | traits))

    # A socket knows nothing of jumping time.
    monkeypatch.setattr("genkan_spawner.starting.pursuit.door_opened", _open_door)
    try:
        yield make
    finally:
        await client.close()


async def started(play: Stage, make: Callable[..., ClusterSpawner], **traits: Any) -> ClusterSpawner:
    """Return a spawner whose server runs."""
    spawner = make(**traits)
    starting = spawner.start()
    await play.created()
    await play.run()
    await starting
    return spawner


async def _open_door(_url: str) -> None:
    """Every server that runs takes connections."""


def as_the_api_server(plural: str, body: JsonObject) -> None:
    """Give a new object its time and a pod its phase."""
    body["metadata"]["creationTimestamp"] = stamp()
    if plural == PODS.plural:
        body["status"] = {"phase": "Pending"}


def running() -> JsonObject:
    """Return the status of a pod whose server runs."""
    container = {"name": "notebook", "ready": True, "restartCount": 0, "state": {"running": {}}}
    return {"phase": "Running", "podIP": ADDRESS, "containerStatuses": [container]}


def stamp(moment: datetime | None = None) -> str:
    return (moment or datetime.now(tz=UTC)).isoformat().replace("+00:00", "Z")


def told(story: Story) -> list[str]:
    """Return the sentences that a story has told so far."""
    return [row.sentence for row in story._told]
