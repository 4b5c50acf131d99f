"""The sandbox's cluster in a test: what the test adds is taken away at its end, whatever happens."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from genkan_sandbox.agent.faults import FaultKind, fault_entry
from genkan_sandbox.annotations import SIMULATE
from genkan_sandbox.control_plane.bootstrap import default_account, usable
from genkan_sandbox.fault_command import change_faults
from genkan_sandbox.sites import Device, Pool, node_manifest
from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import ConflictError, NotFoundError
from genkan_spawner.kinds import EVENTS, KINDS, NAMESPACES, NODES, PODS, QUOTAS, Kind

from .records import ReadyFile

WITHIN = 60.0
"""Seconds to wait for what the cluster does by itself."""

_OWN = "test-"
"""Begins the names of what tests add; the rest is new each time."""

IMAGE = "registry.example.org/tests/image:1"


class Cluster:
    """Helpers to change the cluster and to wait for what follows."""

    def __init__(self, api: KubernetesApi, *, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self._added: list[tuple[Kind, str, str | None]] = []
        self._faults: list[str] = []

    async def clean_up(self) -> None:
        """Take away everything that was added, last things first, and wait until it is gone.

        A namespace that no other test will ask for goes by itself, which takes five seconds.
        """
        for key in self._faults:
            await self.heal(key)
        for kind, name, namespace in reversed(self._added):
            with contextlib.suppress(NotFoundError):
                await self.api.delete(kind, name, namespace=namespace, grace_seconds=0 if kind is PODS else None)
        for kind, name, namespace in self._added:
            if kind is not NAMESPACES or not name.startswith(_OWN):
                await self.until_gone(kind, name, namespace=namespace)

    async def add(self, manifest: JsonObject) -> JsonObject:
        """Create any object."""
        kind = KINDS[manifest["kind"]]
        namespace = manifest["metadata"].get("namespace")
        created = await self._created(kind, manifest, namespace)
        self._added.append((kind, created["metadata"]["name"], namespace))
        return created

    async def _created(self, kind: Kind, manifest: JsonObject, namespace: str | None) -> JsonObject:
        while True:
            try:
                return await self.api.create(kind, manifest, namespace=namespace)
            except ConflictError as e:
                # Of several that count towards a quota at one instant the API server gives some up; clients ask again.
                if "resourcequotas" not in str(e):
                    raise

    async def add_namespace(self, name: str = "", *, labels: Mapping[str, str] | None = None) -> str:
        """Create a namespace that is ready for pods."""
        name = name or f"{_OWN}{uuid.uuid4().hex[:8]}"
        metadata = {"name": name, "labels": dict(labels or {})}
        await self.add({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        await default_account(self.api, name)
        return name

    async def add_node(
        self,
        pool: str = "",
        *,
        cpu: str = "8",
        memory: str = "32Gi",
        devices: Sequence[Device] = (),
        labels: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Create a node that the agent takes on, and wait until pods may run on it; `fields` are those of a pool."""
        name = pool or f"{_OWN}{uuid.uuid4().hex[:8]}"
        machine = Pool(
            name=name, count=1, cpu=cpu, memory=memory, devices=tuple(devices), labels=dict(labels or {}), **fields
        )
        manifest = node_manifest(machine, 0)
        await self.add(manifest)
        node: str = manifest["metadata"]["name"]
        await self.until(NODES, node, usable)
        return node

    async def add_quota(self, hard: Mapping[str, str], *, namespace: str | None = None, **spec: Any) -> str:
        """Create a quota and wait until it is in force; before that, admission lets everything through."""
        name = f"{_OWN}{uuid.uuid4().hex[:8]}"
        where = namespace or self.namespace
        metadata = {"name": name, "namespace": where}
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": metadata,
            "spec": {"hard": dict(hard), **spec},
        }
        await self.add(quota)
        await self.until(QUOTAS, name, lambda found: "used" in found.get("status", {}), namespace=where)
        return name

    async def add_pod(
        self,
        name: str = "",
        *,
        namespace: str | None = None,
        command: Sequence[str] = (),
        resources: Mapping[str, str] | None = None,
        env: Sequence[JsonObject] = (),
        simulate: bool = True,
        **spec: Any,
    ) -> JsonObject:
        """Create a pod; simulated ones hold resources without a process. `spec` is merged into the pod's."""
        container = {
            "name": "main",
            "image": IMAGE,
            "command": list(command),
            "env": list(env),
            "resources": {"requests": dict(resources or {}), "limits": dict(resources or {})},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        container |= spec.pop("container", {})
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name or f"{_OWN}{uuid.uuid4().hex[:8]}",
                "namespace": namespace or self.namespace,
                "annotations": {SIMULATE: "true"} if simulate else {},
            },
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 1000,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container],
                **spec,
            },
        }
        return await self.add(pod)

    async def add_fault(self, kind: FaultKind | str, **match: Any) -> str:
        """Make something go wrong from now on; returns the key by which it is healed."""
        entry = fault_entry(kind, **match)
        await change_faults(self.api, entry)
        (key,) = entry
        self._faults.append(key)
        return key

    async def heal(self, key: str) -> None:
        """End a fault."""
        await change_faults(self.api, {key: None})

    async def pods_of(self, user: str) -> list[JsonObject]:
        """Return the pods of a user's servers, in whatever namespace."""
        return await self.api.list(PODS, label_selector=f"hub.jupyter.org/username={user}")

    async def until_pods_of(self, user: str, *, within: float = WITHIN) -> None:
        """Wait until a user's server has a pod."""
        async with asyncio.timeout(within):
            while not await self.pods_of(user):
                await asyncio.sleep(0.1)

    async def until_no_pods_of(self, user: str, *, within: float = WITHIN) -> None:
        """Wait until a user has no server's pod left."""
        async with asyncio.timeout(within):
            while await self.pods_of(user):
                await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def kept(self, pod: str) -> AsyncIterator[str]:
        """Keep a pod readable inside this context, even after somebody has deleted it."""

        async def finalizers(names: list[str] | None) -> None:
            patch = {"metadata": {"finalizers": names}}
            await self.api.patch(PODS, pod, patch, namespace=self.namespace, patch_type=PatchType.MERGE)

        await finalizers(["genkan.test/kept"])
        try:
            yield pod
        finally:
            await finalizers(None)

    async def cordon(self, node: str, *, cordoned: bool = True) -> None:
        """Keep new pods off a node, or let them on again."""
        await self.api.patch(NODES, node, {"spec": {"unschedulable": cordoned}}, patch_type=PatchType.MERGE)

    async def until(
        self,
        kind: Kind,
        name: str,
        holds: Callable[[JsonObject], bool],
        *,
        namespace: str | None = None,
        within: float = WITHIN,
    ) -> JsonObject:
        """Wait until an object is as wanted, and return it; the failure shows how it is instead."""
        found: JsonObject | None = None
        try:
            async with asyncio.timeout(within):
                while True:
                    found = await self.api.get(kind, name, namespace=namespace)
                    if holds(found):
                        return found
                    await asyncio.sleep(0.05)
        except TimeoutError:
            state = {key: (found or {}).get(key) for key in ("metadata", "spec", "status")}
            raise AssertionError(f"{kind.name} {name} is not as wanted after {within} s: {state}") from None

    async def until_gone(self, kind: Kind, name: str, *, namespace: str | None = None, within: float = WITHIN) -> None:
        """Wait until an object is there no more."""
        async with asyncio.timeout(within):
            while True:
                try:
                    await self.api.get(kind, name, namespace=namespace)
                except NotFoundError:
                    return
                await asyncio.sleep(0.05)

    async def until_phase(self, name: str, phase: str, *, namespace: str | None = None) -> JsonObject:
        """Wait until a pod is in a phase."""
        return await self.until(
            PODS, name, lambda pod: pod["status"].get("phase") == phase, namespace=namespace or self.namespace
        )

    async def until_event(self, reason: str, *, pod: str, namespace: str | None = None) -> JsonObject:
        """Wait for an event about a pod."""
        where = namespace or self.namespace
        selector = f"involvedObject.name={pod},reason={reason}"
        async with asyncio.timeout(WITHIN):
            while not (found := await self.api.list(EVENTS, namespace=where, field_selector=selector)):
                await asyncio.sleep(0.05)
        return found[0]


@contextlib.asynccontextmanager
async def cluster_of(ready: ReadyFile | None) -> AsyncIterator[Cluster]:
    """Reach the cluster of a sandbox that is ready, and leave it as it was."""
    assert ready is not None
    async with await KubernetesApi.connect(ready.kubeconfig) as api:
        cluster = Cluster(api, namespace=ready.namespace)
        try:
            yield cluster
        finally:
            await cluster.clean_up()
