"""Verdicts on the sandbox's cluster, each beside what its scheduler and its admission then do."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from genkan_sandbox.annotations import SIMULATE
from genkan_sandbox.sites import Device
from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.findings import Check, State, Verdict
from genkan_spawner.checks.preflight import examine
from genkan_spawner.checks.reading import read_snapshot
from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.kinds import LIMIT_RANGES, PODS, SERVICE_ACCOUNTS

from ..support.cluster import IMAGE, Cluster
from ..support.sandbox import SandboxRun
from ..support.shells import on, unschedulable

GPU = "nvidia.com/gpu"
CARD = "Tesla-V100-SXM2-16GB"


def wanted(cluster: Cluster, name: str, resources: Mapping[str, str], **spec: Any) -> JsonObject:
    """Return a pod that this cluster's admission would take."""
    container = {
        "name": "main",
        "image": IMAGE,
        "resources": {"requests": dict(resources), "limits": dict(resources)},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": cluster.namespace, "annotations": {SIMULATE: "true"}},
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


async def verdict(cluster: Cluster, manifest: JsonObject) -> Verdict:
    return examine(demand_of(manifest), await read_snapshot(cluster.api))


async def add_node(cluster: Cluster, devices: int = 2, **fields: Any) -> str:
    return await cluster.add_node(devices=[Device(count=devices, product=CARD)], **fields)


async def test_a_pod_that_fits_is_ready_and_runs(cluster: Cluster) -> None:
    node = await add_node(cluster)
    manifest = wanted(cluster, "test-fits", {GPU: "2"}, **on(node))

    assert (await verdict(cluster, manifest)).state is State.READY
    await cluster.add(manifest)
    await cluster.until(PODS, "test-fits", _is_placed, namespace=cluster.namespace)


LIMITED = "test-limits"
OUT_OF_BOUNDS = (
    "This hardware is outside of what one server may have here. Tell an administrator: the hub's log has the details."
)
LIMITS = [
    ({"type": "Container", "max": {"cpu": "1"}}, {"cpu": "2"}, {}),
    ({"type": "Container", "min": {"memory": "1Gi"}}, {"memory": "512Mi"}, {}),
    ({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}, {"cpu": "1"}, {"cpu": "3"}),
    ({"type": "Container", "max": {GPU: "1"}}, {GPU: "2"}, {}),
    ({"type": "Pod", "max": {"cpu": "1500m"}}, {"cpu": "2"}, {}),
    ({"type": "Pod", "max": {"memory": "1Gi"}}, {"cpu": "1"}, {}),
    ({"type": "Pod", "min": {"memory": "1Gi"}}, {"cpu": "1"}, {}),
    ({"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "100m"}}, {"cpu": "1"}, {}),
    ({"type": "Container", "default": {"cpu": "3"}, "max": {"cpu": "4"}}, {"memory": "1Gi"}, {}),
    ({"type": "Pod", "max": {"cpu": "1"}}, {"cpu": "1"}, {}),
]


@pytest.fixture
async def limited(cluster: Cluster) -> str:
    await cluster.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LIMITED}})
    async with asyncio.timeout(30):
        while not await cluster.api.list(SERVICE_ACCOUNTS, namespace=LIMITED):
            await asyncio.sleep(0.1)
    return LIMITED


async def test_limit_ranges_are_kept_as_admission_keeps_them(cluster: Cluster, limited: str) -> None:
    await add_node(cluster)
    for row, requests, limits in LIMITS:
        sizes = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "sizes", "namespace": limited}}
        await cluster.add(sizes | {"spec": {"limits": [row]}})
        manifest = wanted(cluster, "test-limited", requests)
        manifest["metadata"]["namespace"] = limited
        manifest["spec"]["containers"][0]["resources"]["limits"] |= limits

        found = await verdict(cluster, manifest)

        objections = [one.message for one in found.findings if one.check is Check.QUOTA and one.state is State.REFUSED]
        # Of ratios admission does not tell the amounts.
        expected = OUT_OF_BOUNDS if "maxLimitRequestRatio" in row else "".join(objections[:1])
        assert bool(objections) == bool(expected)
        async with asyncio.timeout(10):
            # Admission hears of a new range a moment later than it is there.
            while await admission(cluster, manifest) != expected:
                await asyncio.sleep(0.05)
        await cluster.api.delete(LIMIT_RANGES, "sizes", namespace=limited)


async def admission(cluster: Cluster, manifest: JsonObject) -> str:
    """Return with what a user would be refused by admission; empty if it has nothing against a pod."""
    path = PODS.path(namespace=manifest["metadata"]["namespace"])
    try:
        await cluster.api.request("POST", path, query={"dryRun": "All"}, body=manifest)
    except KubernetesError as e:
        return refusal_of(e).jupyterhub_message
    return ""


async def test_a_full_machine_refuses_with_its_numbers(cluster: Cluster) -> None:
    node = await add_node(cluster)
    held = await cluster.add_pod(resources={GPU: "1"}, **on(node))
    await cluster.until(PODS, held["metadata"]["name"], _is_placed, namespace=cluster.namespace)
    manifest = wanted(cluster, "test-full", {GPU: "2"}, **on(node))

    found = await verdict(cluster, manifest)

    assert (found.state, found.sentence.partition(".")[0]) == (
        State.REFUSED,
        "Only 1 GPU is free, and this needs 2 GPUs",
    )
    assert "Insufficient nvidia.com/gpu" in await unschedulable(cluster, await cluster.add(manifest))


async def test_a_cordoned_machine_is_out_of_service(cluster: Cluster) -> None:
    node = await add_node(cluster)
    await cluster.cordon(node)
    manifest = wanted(cluster, "test-cordoned", {GPU: "1"}, **on(node))

    found = await verdict(cluster, manifest)

    assert found.sentence.startswith("The only machine that this could run on is out of service at the moment.")
    assert "unschedulable" in await unschedulable(cluster, await cluster.add(manifest))


async def test_pods_of_lower_priority_give_way(cluster: Cluster) -> None:
    for name, value in (("test-lower", 10), ("test-higher", 20)):
        manifest = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
        await cluster.add(manifest | {"value": value})
    node = await add_node(cluster)
    low = await cluster.add_pod(resources={GPU: "2"}, priorityClassName="test-lower", **on(node))
    await cluster.until_phase(low["metadata"]["name"], "Running")
    manifest = wanted(cluster, "test-pushes", {GPU: "1"}, priorityClassName="test-higher", **on(node))

    found = await verdict(cluster, manifest)

    assert (found.state, found.would_preempt) == (State.READY, True)
    await cluster.add(manifest)
    await cluster.until(PODS, "test-pushes", _is_placed, namespace=cluster.namespace)
    await cluster.until_gone(PODS, low["metadata"]["name"], namespace=cluster.namespace)


async def test_a_quota_refuses_in_better_words_and_with_the_same_numbers(cluster: Cluster) -> None:
    node = await add_node(cluster, devices=8)
    await cluster.add_quota({f"requests.{GPU}": "4"})
    manifest = wanted(cluster, "test-over", {GPU: "5"}, **on(node))

    found = await verdict(cluster, manifest)
    told = next(one for one in found.findings if one.over_by is not None)

    assert (found.state, told.requested, told.used, told.limit, told.over_by) == (State.REFUSED, "5", "0", "4", "1")
    with pytest.raises(ForbiddenError, match=rf"requested: requests\.{GPU}=5, used: requests\.{GPU}=0, limited"):
        await cluster.add(manifest)


async def test_the_command_says_the_same(cluster: Cluster, sandbox: SandboxRun) -> None:
    assert sandbox.ready is not None
    node = await add_node(cluster)
    manifests = [wanted(cluster, name, {GPU: count}, **on(node)) for name, count in (("one", "2"), ("other", "3"))]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from genkan_hub.cli import main; main()", "explain", "--json", "--pod", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "KUBECONFIG": str(sandbox.ready.kubeconfig)},
    )

    answer, _ = await process.communicate("\n---\n".join(map(json.dumps, manifests)).encode())

    found = [json.loads(line) for line in answer.splitlines()]
    assert [(one["demand"], one["state"]) for one in found] == [("one", "ready"), ("other", "refused")]
    assert process.returncode == 4


def _is_placed(pod: JsonObject) -> bool:
    return "nodeName" in pod["spec"]
