"""Bring a fresh or a resumed cluster to the state a site describes; every step may be repeated."""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus

from genkan_sandbox.agent import isolation
from genkan_sandbox.agent.attaching import DRIVER
from genkan_sandbox.agent.provisioner import ATTACHED_SCOPE, PROVISIONER, SCOPE
from genkan_sandbox.agent.records import Endpoint, project_node
from genkan_sandbox.agent.sandboxing import Isolation
from genkan_sandbox.annotations import MANAGED, MANIFEST, PART_OF_SITE
from genkan_sandbox.exceptions import PlatformError, SiteError
from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import ForbiddenError, KubernetesError, NotFoundError
from genkan_spawner.kinds import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    CSI_DRIVERS,
    KINDS,
    LIMIT_RANGES,
    NODES,
    PODS,
    PRIORITY_CLASSES,
    QUOTAS,
    SERVICE_ACCOUNTS,
    STORAGE_CLASSES,
    Kind,
)

FIELD_MANAGER = "genkan-sandbox"
"""Who the API server says has set the fields of a site's objects."""

PLATFORM_MANAGER = "genkan-platform"
"""The same for what is applied in the place of the sandbox's own rights."""

_POLL = 0.1
_AT_ONCE = 16

_CREATED_ONCE = {"Node", "Pod"}
"""Kinds whose objects change while they live: they are created, and left alone until the site changes them."""

_REPLACED = {"PriorityClass", "ResourceQuota"}
"""Kinds with fields that Kubernetes sets for good, such as a class's value and a quota's scopes."""

_SIZE = {"capacity", "allocatable"}
"""What a site says of a node's status; of a real node it says nothing, since the kubelet does."""

_LAGGING = ("quota", "already marked as default")
"""What admission says while it has not seen that a quota was raised, a pod is gone or a default is one no more."""

_LAG_SECONDS = 15.0
"""How long it may take to see that; after that the site is at fault."""

_PRUNED = (PODS, NODES, QUOTAS, LIMIT_RANGES, PRIORITY_CLASSES)
"""What goes when a site no longer names it; namespaces stay, because users' homes are in them."""


async def control_plane_answers(api: KubernetesApi) -> None:
    """Wait until the API server serves and has made its own roles and priority classes.

    It has no deadline of its own: the start has one, and the supervisor ends it if a component gives up.
    """
    while True:
        try:
            await api.get(CLUSTER_ROLES, "system:kube-scheduler")
            await api.get(PRIORITY_CLASSES, "system-node-critical")
        except KubernetesError:
            await asyncio.sleep(_POLL)
        else:
            return


async def apply_all(api: KubernetesApi, manifests: Iterable[JsonObject]) -> None:
    """Apply manifests in their order; objects of one kind that follow each other are sent together."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def apply_one(manifest: JsonObject) -> None:
        async with gate:
            await _insist(api, manifest)

    group: list[JsonObject] = []
    for manifest in manifests:
        if group and group[-1]["kind"] != manifest["kind"]:
            await asyncio.gather(*map(apply_one, group))
            group = []
        group.append(manifest)
    await asyncio.gather(*map(apply_one, group))


async def apply_platform(api: KubernetesApi, manifests: Iterable[JsonObject]) -> None:
    """Apply what a chart rendered, under a name of its own: the site may have some of the same objects."""
    for manifest in manifests:
        try:
            await api.apply(manifest, field_manager=PLATFORM_MANAGER)
        except KubernetesError as e:
            what = f"{manifest['kind']} {manifest['metadata']['name']}"
            raise PlatformError(f"Kubernetes refuses the {what} of --platform: {e.message}") from e


async def apply_site(api: KubernetesApi, manifests: Iterable[JsonObject]) -> None:
    """Apply what a site describes, each object marked as the site's."""
    site = list(manifests)
    values = {
        manifest["metadata"]["name"]: manifest["value"] for manifest in site if manifest["kind"] == "PriorityClass"
    }
    await apply_all(api, [_marked(manifest, values=values) for manifest in site])


async def prune_site(api: KubernetesApi, manifests: Iterable[JsonObject]) -> None:
    """Delete what an earlier site file brought to this state and the present one does not name."""
    wanted = {_identity(manifest["kind"], manifest) for manifest in manifests}
    for kind in _PRUNED:
        for found in await api.list(kind, label_selector=f"{PART_OF_SITE}=true"):
            if _identity(kind.name, found) not in wanted:
                metadata = found["metadata"]
                with suppress(NotFoundError):
                    await api.delete(kind, metadata["name"], namespace=metadata.get("namespace"), grace_seconds=0)


def _marked(manifest: JsonObject, *, values: dict[str, int]) -> JsonObject:
    """Return the manifest as it is sent; `values` are those of the site's priority classes, which pods keep."""
    metadata = manifest["metadata"]
    marked = {**metadata, "labels": {**metadata.get("labels", {}), PART_OF_SITE: "true"}}
    if manifest["kind"] in _CREATED_ONCE:
        value = values.get(manifest["spec"].get("priorityClassName", ""))
        digest = hashlib.sha256(json.dumps([manifest, value], sort_keys=True).encode()).hexdigest()
        marked["annotations"] = {**metadata.get("annotations", {}), MANIFEST: digest}
    return {**manifest, "metadata": marked}


def _identity(kind: str, manifest: JsonObject) -> tuple[str, str | None, str]:
    metadata = manifest["metadata"]
    return kind, metadata.get("namespace"), metadata["name"]


async def _insist(api: KubernetesApi, manifest: JsonObject) -> None:
    """Apply one object, again after passing failures; what the API server refuses is the site's fault."""
    deadline = time.monotonic() + _LAG_SECONDS
    while True:
        try:
            await _apply(api, manifest)
        except KubernetesError as e:
            late = isinstance(e, ForbiddenError) and any(words in e.message for words in _LAGGING)
            if not e.passing and not (late and time.monotonic() < deadline):
                what = f"{manifest['kind']} {manifest['metadata']['name']}"
                raise SiteError(f"Kubernetes refuses the site's {what}: {e.message}") from e
            await asyncio.sleep(_POLL)
        else:
            return


async def _apply(api: KubernetesApi, manifest: JsonObject) -> None:
    if manifest["kind"] in _CREATED_ONCE:
        await _create_once(api, manifest)
        return
    try:
        await api.apply(manifest, field_manager=FIELD_MANAGER)
    except KubernetesError as e:
        if e.status != HTTPStatus.UNPROCESSABLE_ENTITY or manifest["kind"] not in _REPLACED:
            raise
        metadata = manifest["metadata"]
        with suppress(NotFoundError):
            await api.delete(KINDS[manifest["kind"]], metadata["name"], namespace=metadata.get("namespace"))
        await api.apply(manifest, field_manager=FIELD_MANAGER)


async def _create_once(api: KubernetesApi, manifest: JsonObject) -> None:
    """Create a node or pod where it is not there, or bring it to what the site says of it now."""
    kind, metadata = KINDS[manifest["kind"]], manifest["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace")
    # Creating at once and taking a conflict for an answer would not do: admission weighs quotas first.
    try:
        found = await api.get(kind, name, namespace=namespace)
    except NotFoundError:
        pass
    else:
        if (found["metadata"].get("annotations") or {}).get(MANIFEST) == metadata["annotations"][MANIFEST]:
            return
        if kind is NODES:
            await _refit(api, found, manifest)
            return
        await _remove(api, kind, found)
    if namespace is not None:
        await default_account(api, namespace)
    await api.create(kind, manifest, namespace=namespace)


async def _remove(api: KubernetesApi, kind: Kind, found: JsonObject) -> None:
    """Delete an object at once, and wait until it is gone."""
    name, namespace = found["metadata"]["name"], found["metadata"].get("namespace")
    with suppress(NotFoundError):
        await api.delete(kind, name, namespace=namespace, grace_seconds=0, uid=found["metadata"]["uid"])
        while True:
            await api.get(kind, name, namespace=namespace)
            await asyncio.sleep(_POLL)


async def _refit(api: KubernetesApi, found: JsonObject, manifest: JsonObject) -> None:
    """Bring a node that exists to the size, labels, taints and cordon that the site gives it now.

    Kubernetes' own taints stay. What somebody else has set beside the site goes, as nobody can tell it from what the
    site gave it before; a node that the site has not changed is not refitted.
    """
    name, metadata, status = manifest["metadata"]["name"], manifest["metadata"], manifest.get("status", {})
    size = {
        key: {**dict.fromkeys(found["status"].get(key, {})), **rows} for key, rows in status.items() if key in _SIZE
    }
    labels = {**dict.fromkeys(found["metadata"].get("labels", {})), **metadata["labels"]}
    own = [taint for taint in found["spec"].get("taints", []) if taint["key"].startswith("node.kubernetes.io/")]
    spec = {
        "taints": [*own, *manifest["spec"].get("taints", [])],
        "unschedulable": manifest["spec"].get("unschedulable"),
    }
    await api.patch(NODES, name, {"status": size}, subresource="status", patch_type=PatchType.MERGE)
    # The hash goes last, so that an interrupted start is taken up again by the next one.
    known = {"labels": labels, "annotations": {MANAGED: None, **metadata["annotations"]}}
    await api.patch(NODES, name, {"metadata": known, "spec": spec}, patch_type=PatchType.MERGE)


async def default_account(api: KubernetesApi, namespace: str) -> None:
    """Wait for the namespace's `default` service account, without which admission refuses pods."""
    while True:
        try:
            await api.get(SERVICE_ACCOUNTS, "default", namespace=namespace)
        except NotFoundError:
            await asyncio.sleep(_POLL)
        else:
            return


async def nodes_ready(api: KubernetesApi, names: frozenset[str], *, endpoint: Endpoint) -> None:
    """Wait until the node agent has taken on these nodes and the control plane lets pods on them."""
    while True:
        nodes = await api.list(NODES)
        taken_on = [node for node in nodes if project_node(node).endpoint == endpoint]
        if names <= {node["metadata"]["name"] for node in taken_on if usable(node)}:
            return
        await asyncio.sleep(_POLL)


async def real_node_ready(api: KubernetesApi, name: str, *, offered: dict[str, int], since: str) -> None:
    """Wait until a kubelet has said since a moment that its node is ready, with all of its devices."""
    while True:
        with suppress(NotFoundError):
            node = await api.get(NODES, name)
            heard = [row["lastHeartbeatTime"] for row in node["status"].get("conditions", []) if row["type"] == "Ready"]
            devices = {resource: int(node["status"].get("allocatable", {}).get(resource, 0)) for resource in offered}
            if usable(node) and devices == offered and heard[0] >= since:
                return
        await asyncio.sleep(_POLL)


async def forget_isolation(api: KubernetesApi) -> None:
    """Take away what the node agent of an earlier run found out: the machine may have changed since."""
    with suppress(NotFoundError):
        await api.delete(CONFIG_MAPS, isolation.CONFIG_MAP, namespace=isolation.NAMESPACE)


async def isolation_sentence(api: KubernetesApi) -> str:
    """Say how servers are kept apart, as the node agent found out at its start."""
    while True:
        try:
            facts = (await api.get(CONFIG_MAPS, isolation.CONFIG_MAP, namespace=isolation.NAMESPACE))["data"]
        except KubernetesError:
            await asyncio.sleep(_POLL)
            continue
        if facts[isolation.ISOLATION] == Isolation.BUBBLEWRAP:
            return "processes kept apart by bubblewrap"
        return f"processes that are not kept apart from each other or from this machine: {facts[isolation.REASON]}"


def usable(node: JsonObject) -> bool:
    """Return whether a node is ready, lets pods in and says where it answers."""
    conditions = {condition["type"]: condition["status"] for condition in node["status"].get("conditions", [])}
    taints = {taint["key"] for taint in node["spec"].get("taints", [])}
    ready = conditions.get("Ready") == "True" and not any(key.startswith("node.kubernetes.io/not-") for key in taints)
    return ready and project_node(node).endpoint is not None


def storage_classes(*, real_node: bool = False) -> list[JsonObject]:
    """Return the classes `block` (default), `shared` and `local`, and the driver of the first.

    A kubelet has no such driver: with a real node the default is `local`. All bind when the first pod is placed.
    """
    if real_node:
        return [_storage_class("local", default=True), _storage_class("shared")]
    return [
        {
            "apiVersion": CSI_DRIVERS.api_version,
            "kind": CSI_DRIVERS.name,
            "metadata": {"name": DRIVER},
            "spec": {"attachRequired": True, "podInfoOnMount": False, "fsGroupPolicy": "ReadWriteOnceWithFSType"},
        },
        _storage_class("block", default=True, parameters={SCOPE: ATTACHED_SCOPE}),
        _storage_class("shared"),
        _storage_class("local"),
    ]


def _storage_class(name: str, *, default: bool = False, parameters: JsonObject | None = None) -> JsonObject:
    annotations = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return {
        "apiVersion": STORAGE_CLASSES.api_version,
        "kind": STORAGE_CLASSES.name,
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": PROVISIONER,
        "parameters": parameters or {},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
