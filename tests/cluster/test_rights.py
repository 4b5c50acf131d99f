"""The hub's rights, asked of the API server itself: what production gives, and nothing more."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import CLAIMS, EVENTS, NODES, PODS, PRIORITY_CLASSES, QUOTAS, SECRETS

from ..support.cluster import Cluster
from ..support.sandbox import SandboxRun

FOLLOW = {"list", "watch"}
VERBS = sorted(FOLLOW | {"get", "create", "update", "patch", "delete", "deletecollection"})

OWN = {
    "pods": {"get", "create", "delete"},
    "pods/log": {"get"},
    "persistentvolumeclaims": {*FOLLOW, "get", "create"},
    "events": {"list"},
    "resourcequotas": FOLLOW,
    "limitranges": FOLLOW,
}
"""Verbs in the namespaces of users' servers, by resource."""

EVERYWHERE: dict[str, set[str]] = dict.fromkeys(
    (
        "nodes",
        "pods",
        "persistentvolumes",
        "csidrivers.storage.k8s.io",
        "priorityclasses.scheduling.k8s.io",
        "storageclasses.storage.k8s.io",
    ),
    FOLLOW,
)
"""Verbs in the whole cluster."""

NEVER = (
    "configmaps",
    "namespaces",
    "nodes/proxy",
    "nodes/status",
    "pods/attach",
    "pods/binding",
    "pods/ephemeralcontainers",
    "pods/eviction",
    "pods/exec",
    "pods/portforward",
    "pods/proxy",
    "pods/status",
    "secrets",
    "serviceaccounts",
    "serviceaccounts/token",
    "services",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "deployments.apps",
    "leases.coordination.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
)

REVIEW = "SelfSubjectAccessReview"
TEAMS = ("vision", "language")
ELSEWHERE = "default"


@pytest.fixture
async def hub(sandbox: SandboxRun) -> AsyncIterator[KubernetesApi]:
    """The API as the hub has it."""
    async with await KubernetesApi.connect(sandbox.state / "hub.kubeconfig") as api:
        yield api


async def may(hub: KubernetesApi, verb: str, *, resource: str, namespace: str) -> bool:
    """Ask whether the hub may do something; a resource is written as kubectl does, `NAME.GROUP` or `NAME/PART`."""
    path, _, group = resource.partition(".")
    name, _, part = path.partition("/")
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": part, "namespace": namespace}
    group_version = "authorization.k8s.io/v1"
    review = {"apiVersion": group_version, "kind": REVIEW, "spec": {"resourceAttributes": attributes}}
    answer = await hub.request("POST", f"/apis/{group_version}/{REVIEW.lower()}s", body=review)
    return bool(answer["status"]["allowed"])


async def verbs(hub: KubernetesApi, resource: str, *, namespace: str) -> set[str]:
    """Return what the hub may do with a resource."""
    answers = await asyncio.gather(*(may(hub, verb, resource=resource, namespace=namespace) for verb in VERBS))
    return {verb for verb, answer in zip(VERBS, answers, strict=True) if answer}


@pytest.mark.parametrize("resource", sorted({*OWN, *EVERYWHERE, *NEVER}))
async def test_the_hub_may_do_just_this(hub: KubernetesApi, cluster: Cluster, resource: str) -> None:
    *here, elsewhere = await asyncio.gather(
        *(verbs(hub, resource, namespace=where) for where in (cluster.namespace, *TEAMS, ELSEWHERE))
    )
    assert here == [OWN.get(resource, set()) | EVERYWHERE.get(resource, set())] * len(here)
    assert elsewhere == EVERYWHERE.get(resource, set())


@pytest.mark.parametrize("resource", sorted({*OWN, *EVERYWHERE, *NEVER}))
async def test_the_cluster_page_may_read_what_it_shows_and_nothing_else(
    sandbox: SandboxRun, cluster: Cluster, resource: str
) -> None:
    async with await KubernetesApi.connect(sandbox.state / "cluster-page.kubeconfig") as page:
        *here, elsewhere = await asyncio.gather(
            *(verbs(page, resource, namespace=where) for where in (cluster.namespace, *TEAMS, ELSEWHERE))
        )
    assert here == [FOLLOW if resource in {"nodes", "pods", "resourcequotas"} else set()] * len(here)
    assert elsewhere == (FOLLOW if resource in {"nodes", "pods"} else set())


def pod(name: str, namespace: str) -> JsonObject:
    """Return a pod as strict as the namespace of the users' servers wants it."""
    container = {
        "name": "main",
        "image": "registry.example.org/tests/image:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": {"sandbox.genkan.dev/simulate": "true"}},
        "spec": {"containers": [container], "securityContext": security, "automountServiceAccountToken": False},
    }


def claim(name: str, namespace: str) -> JsonObject:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


async def test_the_hub_starts_and_stops_servers_and_makes_homes(hub: KubernetesApi, cluster: Cluster) -> None:
    where = cluster.namespace
    await hub.create(PODS, pod("test-hub", where), namespace=where)
    try:
        await cluster.until_phase("test-hub", "Running")
        assert (await hub.get(PODS, "test-hub", namespace=where))["status"]["podIP"]
        assert await hub.list(EVENTS, namespace=where)
        assert await hub.list(NODES)
        assert await hub.list(QUOTAS, namespace=where)
        assert await hub.list(PRIORITY_CLASSES)
    finally:
        await hub.delete(PODS, "test-hub", namespace=where, grace_seconds=0)
    await cluster.until_gone(PODS, "test-hub", namespace=where)
    try:
        await hub.create(CLAIMS, claim("test-hub", where), namespace=where)
        assert (await hub.get(CLAIMS, "test-hub", namespace=where))["spec"]["storageClassName"] == "block"
        with pytest.raises(ForbiddenError):
            await hub.delete(CLAIMS, "test-hub", namespace=where)
    finally:
        await cluster.api.delete(CLAIMS, "test-hub", namespace=where)


async def test_the_hub_is_refused_what_would_give_it_more(hub: KubernetesApi, cluster: Cluster) -> None:
    await cluster.add_pod("test-target")
    node = (await hub.list(NODES))[0]["metadata"]["name"]
    where = cluster.namespace
    account = f"/api/v1/namespaces/{where}/serviceaccounts/default/token"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": "hub", "namespace": where}
    bindings = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{where}/rolebindings"
    refusals = [
        hub.list(SECRETS, namespace=where),
        hub.list(SECRETS),
        hub.list(QUOTAS),
        hub.create(PODS, pod("test-hub", ELSEWHERE), namespace=ELSEWHERE),
        hub.create(CLAIMS, claim("test-hub", ELSEWHERE), namespace=ELSEWHERE),
        hub.patch(PODS, "test-target", {"metadata": {"labels": {"a": "b"}}}, namespace=where),
        hub.patch(NODES, node, {"spec": {"unschedulable": True}}, patch_type=PatchType.MERGE),
        hub.request(
            "POST", PODS.path(namespace=where, name="test-target", subresource="exec"), query={"command": "id"}
        ),
        hub.request("DELETE", PODS.path(namespace=where)),
        hub.request(
            "POST", account, body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        ),
        hub.request("POST", bindings, body={"metadata": {"name": "more"}, "roleRef": role, "subjects": [subject]}),
    ]
    answers = await asyncio.gather(*refusals, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ForbiddenError] * len(refusals)
