"""A cluster for several hubs: machines, and for each hub a namespace with an account of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.contest.contestants import Contestant
from benchmarks.contest.offer import BEACON, BEACON_PRODUCT, BEACON_TAINT, GPU, PRODUCT, write_catalogue
from benchmarks.instruments.audit import AuditWindow
from benchmarks.sandboxes import Sandbox, running_sandbox
from benchmarks.simulated_pods import server_manifest
from benchmarks.workbench import Workbench
from genkan_sandbox.control_plane.access import HUB_ACCOUNT, account_token, role_manifests
from genkan_sandbox.control_plane.auditing import AUDIT
from genkan_sandbox.control_plane.bootstrap import apply_all
from genkan_sandbox.state import write_private
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import NotFoundError
from genkan_spawner.kinds import PODS, QUOTAS

OTHERS = "others"
"""The namespace of pods that no hub started."""

GPUS_PER_NODE = 4

_QUOTA = "gpus"
_NULL_SERVER = "null-server"
_PATIENCE = 60.0
_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """Where one hub works."""

    namespace: str
    kubeconfig: Path

    @property
    def account(self) -> str:
        """Who the hub is to the API server."""
        return f"system:serviceaccount:{self.namespace}:{HUB_ACCOUNT}"


@dataclass(slots=True)
class Arena:
    """A sandbox without a hub of its own."""

    sandbox: Sandbox
    api: KubernetesApi
    folder: Path
    proxy: tuple[str, ...]
    catalogue: Path
    null_address: str
    """Where the servers of the null spawner are."""

    _places: dict[str, Place] = field(default_factory=dict)
    _folders: int = 0

    def new_folder(self, name: str) -> Path:
        """Return a folder that nobody used before."""
        self._folders += 1
        folder = self.folder / f"{name}-{self._folders}"
        folder.mkdir()
        return folder

    async def place(self, namespace: str) -> Place:
        """Return the place of a hub, made at the first time, with the rights that a hub has in production."""
        if namespace not in self._places:
            await apply_all(self.api, _rights(namespace))
            token = await account_token(self.api, HUB_ACCOUNT, namespace=namespace)
            configuration = json.loads(await asyncio.to_thread(self.sandbox.ready.kubeconfig.read_text))
            configuration["users"][0]["user"] = {"token": token}
            configuration["contexts"][0]["context"]["namespace"] = namespace
            file = self.folder / f"{namespace}.kubeconfig"
            write_private(file, json.dumps(configuration))
            self._places[namespace] = Place(namespace, file)
        return self._places[namespace]

    async def clear(self, place: Place) -> None:
        """Remove all pods of a hub and wait until they are gone."""
        await remove_pods(self.api, namespace=place.namespace)

    def audit(self) -> AuditWindow:
        """Begin to count requests."""
        return AuditWindow(self.sandbox.state.log(AUDIT))

    async def limit_gpus(self, place: Place, count: int) -> None:
        """Give a hub's namespace a quota, and wait until Kubernetes has computed what is used of it."""
        await self.lift_limit(place)
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": _QUOTA},
            "spec": {"hard": {f"requests.{GPU}": str(count)}},
        }
        await self.api.create(QUOTAS, quota, namespace=place.namespace)
        async with asyncio.timeout(_PATIENCE):
            while True:
                found = await self.api.get(QUOTAS, _QUOTA, namespace=place.namespace)
                if "used" in found.get("status", {}):
                    return
                await asyncio.sleep(_POLL)

    async def lift_limit(self, place: Place) -> None:
        """Take the quota away."""
        with suppress(NotFoundError):
            await self.api.delete(QUOTAS, _QUOTA, namespace=place.namespace)


@asynccontextmanager
async def open_arena(bench: Workbench, *, nodes: int, beacon: bool = False) -> AsyncIterator[Arena]:
    """Run a cluster of so many nodes with four GPUs each, on which all pods are simulated; one more has the beacon."""
    site = bench.folder / "site.yaml"
    site.write_text(json.dumps(_site(nodes, beacon=beacon), indent=1))
    catalogue = write_catalogue(bench.folder / "catalogue.yaml")
    options = ("--site", site, "--simulate", "--no-hub", "--audit")
    async with AsyncExitStack() as stack:
        with bench.progress.step(f"Starting a cluster of {nodes} nodes"):
            sandbox = await stack.enter_async_context(running_sandbox(bench.folder / "arena", *options))
            api = await stack.enter_async_context(await KubernetesApi.connect(sandbox.ready.kubeconfig))
            null_address = await _null_server(api)
        yield Arena(
            sandbox,
            api,
            folder=bench.folder,
            proxy=bench.binaries.proxy,
            catalogue=catalogue,
            null_address=null_address,
        )


async def remove_pods(api: KubernetesApi, *, namespace: str) -> None:
    """Remove all pods of a namespace and wait until they are gone."""
    await api.request("DELETE", PODS.path(namespace=namespace), query={"gracePeriodSeconds": "0"})
    async with asyncio.timeout(_PATIENCE * 5):
        while True:
            page = await api.request("GET", PODS.path(namespace=namespace), query={"limit": "1"})
            if not page["items"]:
                return
            await asyncio.sleep(_POLL)


def _site(nodes: int, *, beacon: bool) -> dict[str, Any]:
    namespaces = ["genkan", OTHERS, *(contestant.slug for contestant in Contestant)]
    machine = {"cpu": 128, "memory": "1Ti", "pods": 250, "zone": "hall-1", "instance_type": "gpu"}
    cards = [{"count": GPUS_PER_NODE, "product": PRODUCT}]
    lone = {"name": BEACON, "count": 1, "devices": [{"count": 1, "product": BEACON_PRODUCT}], "taints": [BEACON_TAINT]}
    return {
        "description": f"{nodes} machines with {nodes * GPUS_PER_NODE} cards, for hubs that are compared.",
        "pools": [{**machine, "name": "gpu", "count": nodes, "devices": cards}, *([machine | lone] if beacon else [])],
        "namespaces": [{"name": name, "pod_security": "baseline"} for name in namespaces],
    }


def _rights(namespace: str) -> list[JsonObject]:
    """Return a hub's rights under a name of its own, where they are for the whole cluster."""
    manifests = role_manifests(namespace, servers=[namespace])
    for manifest in manifests:
        if manifest["kind"] == "ClusterRoleBinding":
            manifest["metadata"] = {"name": f"{manifest['metadata']['name']}-{namespace}"}
    return manifests


async def _null_server(api: KubernetesApi) -> str:
    """Start what answers in the place of the null spawner's servers and return its address."""
    await api.create(PODS, server_manifest(_NULL_SERVER), namespace="genkan")
    async with asyncio.timeout(_PATIENCE):
        while True:
            status = (await api.get(PODS, _NULL_SERVER, namespace="genkan"))["status"]
            if status.get("phase") == "Running":
                return str(status["podIP"])
            await asyncio.sleep(_POLL)
