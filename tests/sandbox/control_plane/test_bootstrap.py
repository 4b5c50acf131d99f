from collections.abc import Mapping
from typing import Any

import pytest

from genkan_sandbox.annotations import MANIFEST, PART_OF_SITE
from genkan_sandbox.control_plane.bootstrap import apply_site
from genkan_sandbox.exceptions import SiteError
from genkan_sandbox.sites import Device, Pool, Taint, TaintEffect, node_manifest
from genkan_spawner.api import JsonObject, PatchType
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.kinds import KINDS, NODES, PODS, PRIORITY_CLASSES, QUOTAS, SERVICE_ACCOUNTS, Kind

from ...support.fake_cluster import FakeCluster

CARD = Device(product="Tesla-V100-SXM2-16GB", count=4)


class ApplyingCluster(FakeCluster):
    """Creates what is applied, and refuses to change what Kubernetes sets for good."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        if content_type == PatchType.APPLY:
            kind = KINDS[body["kind"]]
            found = self.find(kind, body["metadata"]["name"], namespace=body["metadata"].get("namespace", ""))
            if found is None:
                return self.put(kind, body)
            if _set_for_good(found) != _set_for_good(body):
                raise KubernetesError("field is immutable", status=422, reason="Invalid")
        return await super().request(method, path, query=query, body=body, content_type=content_type)


def _set_for_good(manifest: JsonObject) -> tuple[object, ...]:
    return manifest.get("value"), manifest.get("preemptionPolicy"), manifest.get("spec", {}).get("scopes")


@pytest.fixture
def api() -> ApplyingCluster:
    cluster = ApplyingCluster()
    cluster.put(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "jobs"}})
    return cluster


def pool(
    *,
    devices: tuple[Device, ...] = (),
    taints: tuple[Taint, ...] = (),
    labels: dict[str, str] | None = None,
    cordoned: tuple[int, ...] = (),
) -> Pool:
    return Pool(
        name="gpu",
        count=1,
        cpu="8",
        memory="32Gi",
        devices=devices,
        taints=taints,
        labels=labels or {},
        cordoned=cordoned,
    )


def node(**changed: Any) -> JsonObject:
    return node_manifest(pool(**changed), 0)


def priority_class(value: int) -> JsonObject:
    return {"kind": "PriorityClass", "metadata": {"name": "high"}, "value": value, "preemptionPolicy": "Never"}


def tenant(*, cpu: str = "1") -> JsonObject:
    spec = {"priorityClassName": "high", "containers": [{"name": "workload", "resources": {"requests": {"cpu": cpu}}}]}
    return {"kind": "Pod", "metadata": {"name": "job-0", "namespace": "jobs"}, "spec": spec}


def uid(api: FakeCluster, kind: Kind, name: str, *, namespace: str = "") -> str:
    found = api.find(kind, name, namespace=namespace)
    assert found is not None
    return str(found["metadata"]["uid"])


async def test_a_node_that_exists_becomes_as_the_site_has_it_now(api: ApplyingCluster) -> None:
    old = Taint(key="old", effect=TaintEffect.NO_SCHEDULE)
    new = Taint(key="new", effect=TaintEffect.NO_SCHEDULE)
    await apply_site(api, [node(devices=(CARD,), taints=(old,), labels={"rack": "7"}, cordoned=(0,))])
    before = api.objects["nodes", "", "gpu-0"]
    before["spec"]["taints"].append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    before["metadata"]["annotations"]["example.org/of-somebody"] = "stays"
    await apply_site(api, [node(taints=(new,))])
    found = await api.get(NODES, "gpu-0")
    assert set(found["status"]["capacity"]) == {"cpu", "memory", "ephemeral-storage", "pods"}
    assert "nvidia.com/gpu" not in found["status"]["allocatable"]
    assert [taint["key"] for taint in found["spec"]["taints"]] == ["node.kubernetes.io/not-ready", "new"]
    assert found["metadata"]["labels"] == {**node()["metadata"]["labels"], PART_OF_SITE: "true"}
    assert "unschedulable" not in found["spec"]
    assert "example.org/of-somebody" in found["metadata"]["annotations"]


async def test_a_node_that_the_site_did_not_change_stays_as_people_left_it(api: ApplyingCluster) -> None:
    await apply_site(api, [node()])
    left = api.objects["nodes", "", "gpu-0"]
    left["spec"]["unschedulable"] = True
    left["metadata"]["labels"]["mine"] = "yes"
    await apply_site(api, [node()])
    found = await api.get(NODES, "gpu-0")
    assert found["spec"]["unschedulable"]
    assert found["metadata"]["labels"]["mine"] == "yes"
    assert api.calls["PATCH", "nodes"] == 0


async def test_a_priority_class_takes_a_new_value(api: ApplyingCluster) -> None:
    await apply_site(api, [priority_class(1000)])
    await apply_site(api, [priority_class(2000)])
    assert (await api.get(PRIORITY_CLASSES, "high"))["value"] == 2000


async def test_a_quota_takes_new_scopes(api: ApplyingCluster) -> None:
    def quota(scope: str) -> JsonObject:
        spec = {"hard": {"pods": "1"}, "scopes": [scope]}
        return {"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "jobs"}, "spec": spec}

    await apply_site(api, [quota("BestEffort")])
    await apply_site(api, [quota("NotBestEffort")])
    assert (await api.get(QUOTAS, "q", namespace="jobs"))["spec"]["scopes"] == ["NotBestEffort"]


async def test_what_is_refused_in_another_kind_is_the_sites_fault(api: ApplyingCluster) -> None:
    def limits(value: int) -> JsonObject:
        return {"kind": "LimitRange", "metadata": {"name": "l", "namespace": "jobs"}, "value": value}

    await apply_site(api, [limits(1)])
    with pytest.raises(SiteError, match="Kubernetes refuses the site's LimitRange l: field is immutable"):
        await apply_site(api, [limits(2)])


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ([priority_class(1000), tenant()], False),
        ([priority_class(1000), tenant(cpu="2")], True),
        ([priority_class(2000), tenant()], True),
    ],
)
async def test_a_pod_is_made_anew_only_where_the_site_changed_it(
    api: ApplyingCluster, changed: list[JsonObject], again: bool
) -> None:
    await apply_site(api, [priority_class(1000), tenant()])
    before = uid(api, PODS, "job-0", namespace="jobs")
    await apply_site(api, changed)
    assert (uid(api, PODS, "job-0", namespace="jobs") != before) is again
    found = await api.get(PODS, "job-0", namespace="jobs")
    assert found["spec"] == changed[-1]["spec"]


async def test_a_pod_of_a_state_without_hashes_is_made_anew(api: ApplyingCluster) -> None:
    api.put(PODS, tenant(cpu="7"))
    await apply_site(api, [tenant()])
    found = await api.get(PODS, "job-0", namespace="jobs")
    assert found["spec"] == tenant()["spec"]
    assert MANIFEST in found["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("manifest", "method", "words"),
    [
        (tenant(), "POST", 'pods "job-0" is forbidden: exceeded quota: q'),
        (priority_class(1000), "PATCH", "PriorityClass low is already marked as default. Only one default can exist"),
    ],
)
async def test_admission_that_lags_behind_is_waited_for(
    api: ApplyingCluster, manifest: JsonObject, method: str, words: str
) -> None:
    kind, name = KINDS[manifest["kind"]], manifest["metadata"]["name"]
    if kind is PRIORITY_CLASSES:
        api.put(kind, priority_class(1000))
    refusals = iter([ForbiddenError(words, status=403)])
    api.fails = lambda how, _: next(refusals, None) if how == method else None
    await apply_site(api, [manifest])
    assert next(refusals, None) is None
    found = api.find(kind, name, namespace="jobs")
    assert found is not None
    assert found["metadata"]["labels"][PART_OF_SITE] == "true"


async def test_a_refusal_of_admission_is_the_sites_fault(api: ApplyingCluster) -> None:
    api.fails = lambda method, _: ForbiddenError("violates PodSecurity", status=403) if method == "POST" else None
    with pytest.raises(SiteError, match="refuses the site's Pod job-0: violates PodSecurity"):
        await apply_site(api, [tenant()])
