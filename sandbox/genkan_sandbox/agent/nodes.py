"""The nodes that the agent stands for: their leases, their Ready condition and where they answer.

https://kubernetes.io/docs/reference/node/node-status/#heartbeats
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf

from genkan_sandbox.agent.faults import FaultBoard
from genkan_sandbox.agent.records import Endpoint, NodeRecord
from genkan_sandbox.agent.status import now, timestamp
from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import LEASES, NODES
from genkan_spawner.watching import Changed, ChangeType, Listed

log = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40
"""How long a lease is good for; the node lifecycle controller waits a little longer."""

RENEW_SECONDS = 10.0
"""How often each lease is renewed, as by the kubelet."""

_AT_ONCE = 8
_SPREAD = (0.8, 1.0)
_TICK = 0.25
_RETRY_SECONDS = 1.0
_REPAIR_PAUSE = 1.0


class NodeKeeper:
    """Knows all nodes and keeps those that are managed alive."""

    def __init__(
        self, api: KubernetesApi, *, endpoint: Endpoint, faults: FaultBoard, changed: Callable[[NodeRecord], None]
    ) -> None:
        """Begin with no nodes; `changed` is called with each managed node that came or changed."""
        self._api = api
        self._endpoint = endpoint
        self._faults = faults
        self._changed = changed
        self._nodes: dict[str, NodeRecord] = {}
        self._news = asyncio.Event()
        self._due: dict[str, float] = {}
        """When the lease of each node is to be renewed; infinity while it is."""
        self.known = asyncio.Event()
        """Set when the nodes have been listed once."""

    def managed(self, name: str) -> NodeRecord | None:
        """Return a node that the agent stands for."""
        node = self._nodes.get(name)
        return node if node is not None and node.managed else None

    def all_managed(self) -> list[NodeRecord]:
        """Return all nodes that the agent stands for, by name."""
        return sorted((node for node in self._nodes.values() if node.managed), key=lambda node: node.name)

    def take(self, event: Listed[NodeRecord] | Changed[NodeRecord]) -> None:
        """Take in what a watch of nodes says."""
        match event:
            case Listed(items=items):
                self._nodes = {node.name: node for node in items}
                self.known.set()
                came = list(items)
            case Changed(type=ChangeType.DELETED, item=item):
                self._nodes.pop(item.name, None)
                came = []
            case Changed(item=item):
                self._nodes[item.name] = item
                came = [item]
        for node in came:
            if node.managed:
                self._changed(node)
        self._news.set()

    async def renew_leases(self) -> None:
        """Renew all leases for ever, those of new nodes at once and the others spread over the interval."""
        loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                moment = loop.time()
                for name in [name for name in self._nodes if self._due.get(name, 0) <= moment]:
                    if self.managed(name) is not None and not self._faults.silent(name):
                        self._due[name] = inf
                        group.create_task(self._renew_soon(name, gate))
                await asyncio.sleep(_TICK)

    async def repair(self) -> None:
        """Say of each managed node that it is ready and where it answers, whenever its status says otherwise."""
        gate = asyncio.Semaphore(_AT_ONCE)
        while True:
            await self._news.wait()
            self._news.clear()
            wrong = [node for node in self._nodes.values() if node.managed and not self._right(node)]
            heard = [node for node in wrong if not self._faults.silent(node.name)]
            await asyncio.gather(*(self._correct(node, gate) for node in heard))
            await asyncio.sleep(_REPAIR_PAUSE)

    async def heed_faults(self) -> None:
        """Look at the nodes again whenever a fault comes or goes."""
        while True:
            await self._faults.changed()
            self._due.clear()
            self._news.set()

    async def _renew_soon(self, name: str, gate: asyncio.Semaphore) -> None:
        pause = RENEW_SECONDS * random.uniform(*_SPREAD)  # noqa: S311  # spreads load
        try:
            async with gate:
                node = self.managed(name)
                if node is not None:
                    await self._renew(node)
        except KubernetesError as e:
            log.debug("The lease of node %s could not be renewed: %s", name, e.message)
            pause = _RETRY_SECONDS
        finally:
            self._due[name] = asyncio.get_running_loop().time() + pause

    async def _renew(self, node: NodeRecord) -> None:
        lease = _lease(node)
        patch = {"metadata": {"ownerReferences": lease["metadata"]["ownerReferences"]}, "spec": lease["spec"]}
        try:
            await self._api.patch(LEASES, node.name, patch, namespace=LEASE_NAMESPACE, patch_type=PatchType.MERGE)
        except NotFoundError:
            await self._api.create(LEASES, lease, namespace=LEASE_NAMESPACE)

    def _right(self, node: NodeRecord) -> bool:
        return node.ready and node.endpoint == self._endpoint

    async def _correct(self, node: NodeRecord, gate: asyncio.Semaphore) -> None:
        status: JsonObject = {
            "addresses": [{"type": "InternalIP", "address": self._endpoint.address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._endpoint.port}},
        }
        if not node.ready:
            status["conditions"] = ready_conditions(timestamp(now()))
        patch = {"metadata": {"uid": node.uid}, "status": status}
        try:
            async with gate:
                await self._api.patch(NODES, node.name, patch, subresource="status")
        except NotFoundError:
            return
        except KubernetesError as e:
            log.info("The status of node %s could not be written: %s", node.name, e.message)
            self._news.set()


def ready_conditions(moment: str) -> list[JsonObject]:
    """Return the conditions of a node in good health, in the kubelet's words."""
    good = {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
    }
    return [
        {
            "type": name,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": moment,
            "lastTransitionTime": moment,
        }
        for name, (status, reason, message) in good.items()
    ]


def _lease(node: NodeRecord) -> JsonObject:
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.name,
        "metadata": {
            "name": node.name,
            "namespace": LEASE_NAMESPACE,
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": node.uid}],
        },
        "spec": {
            "holderIdentity": node.name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }
