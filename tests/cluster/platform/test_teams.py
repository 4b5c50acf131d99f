"""Teams that the chart keeps apart: nobody sees or uses another team's share, claims or pods."""

import asyncio

import httpx
import pytest

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.kinds import CLAIMS, PODS, QUOTAS, SERVICE_ACCOUNTS

from ...support.cluster import Cluster
from ...support.hub import Person

CPU = {"profile": "cpu-small"}
GPU = "requests.nvidia.com/gpu"
LOOK = ("get", "list", "watch")
SERVER = {"app.kubernetes.io/component": "singleuser-server"}


LEAD = ("erin", "vision-leads", "system:authenticated")
PROGRAM = ("system:serviceaccount:vision:default", "system:serviceaccounts:vision", "system:authenticated")


async def may(cluster: Cluster, who: tuple[str, ...], verb: str, resource: str, *, namespace: str) -> bool:
    """Ask the API server whether somebody, a user with groups, may do something."""
    attributes = {"verb": verb, "resource": resource, "namespace": namespace}
    spec = {"user": who[0], "groups": list(who[1:]), "resourceAttributes": attributes}
    version = "authorization.k8s.io/v1"
    review = {"apiVersion": version, "kind": "SubjectAccessReview", "spec": spec}
    answer = await cluster.api.request("POST", f"/apis/{version}/subjectaccessreviews", body=review)
    return bool(answer["status"]["allowed"])


async def used(cluster: Cluster, namespace: str) -> str:
    found = await cluster.api.get(QUOTAS, "genkan-share", namespace=namespace)
    return str(found["status"]["used"][GPU])


async def test_a_user_starts_nothing_in_another_teams_namespace(alice: Person, cluster: Cluster) -> None:
    offered = (await alice.form()).offered
    answer = await alice.api("POST", "users/alice/server", json={"user_options": {**CPU, "team": "language"}})

    assert {team for name, teams in offered.items() if name.endswith("--team") for team in teams} <= {"vision"}
    assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text
    assert await cluster.pods_of("alice") == []


async def test_a_form_tells_of_the_users_own_share_alone(alice: Person, cluster: Cluster) -> None:
    page = (await alice.page("spawn")).text

    assert "language" not in page.lower()


async def test_a_pod_counts_for_its_own_team(cluster: Cluster) -> None:
    gpus = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "2"}
    await cluster.add_pod(namespace="language", resources=gpus)

    await cluster.until(QUOTAS, "genkan-share", lambda found: found["status"]["used"][GPU] == "2", namespace="language")
    assert await used(cluster, "vision") == "0"
    with pytest.raises(ForbiddenError, match=r"exceeded quota: genkan-share, requested: requests\.nvidia\.com/gpu=2"):
        await cluster.add_pod(namespace="language", resources=gpus)
    await cluster.add_pod(namespace="vision", resources=gpus)


async def test_a_claim_of_another_team_is_not_found(cluster: Cluster) -> None:
    assert (await cluster.api.get(CLAIMS, "weights", namespace="language"))["status"]["phase"] == "Bound"
    volume = {"name": "stolen", "persistentVolumeClaim": {"claimName": "weights"}}

    pod = await cluster.add_pod(namespace="vision", volumes=[volume])

    def unplaced(found: JsonObject) -> bool:
        told = found["status"].get("conditions", [])
        return any('persistentvolumeclaim "weights" not found' in one.get("message", "") for one in told)

    await cluster.until(PODS, pod["metadata"]["name"], unplaced, namespace="vision")


async def test_a_volume_of_another_team_cannot_be_bound(cluster: Cluster) -> None:
    """Its volume names the one claim that it is for."""
    claim = await cluster.api.get(CLAIMS, "weights", namespace="language")
    spec = {
        "volumeName": claim["spec"]["volumeName"],
        "storageClassName": "",
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    metadata = {"name": "test-thief", "namespace": "vision"}
    await cluster.add({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})

    found = await cluster.until(CLAIMS, "test-thief", lambda one: "phase" in one["status"], namespace="vision")
    assert found["status"]["phase"] == "Pending"
    assert (await cluster.api.get(CLAIMS, "weights", namespace="language"))["status"]["phase"] == "Bound"


@pytest.mark.parametrize("resource", ["pods", "persistentvolumeclaims", "resourcequotas", "events", "limitranges"])
async def test_leads_see_what_is_their_teams_alone(cluster: Cluster, resource: str) -> None:
    allowed = {
        (where, verb)
        for where in ("vision", "language", "")
        for verb in (*LOOK, "create", "update", "patch", "delete")
        if await may(cluster, LEAD, verb, resource, namespace=where)
    }

    assert allowed == {("vision", verb) for verb in LOOK}


async def test_leads_read_no_secrets(cluster: Cluster) -> None:
    assert not await may(cluster, LEAD, "get", "secrets", namespace="vision")


async def test_a_program_in_a_pod_may_ask_nothing_of_the_cluster(cluster: Cluster) -> None:
    """Servers get no token; whoever makes one for the namespace's own account has nothing by it."""
    answers = [
        await may(cluster, PROGRAM, verb, resource, namespace=namespace)
        for namespace in ("vision", "language", "genkan")
        for verb in (*LOOK, "create", "delete")
        for resource in ("pods", "secrets", "persistentvolumeclaims", "resourcequotas")
    ]

    assert not any(answers)
    assert await cluster.api.get(SERVICE_ACCOUNTS, "default", namespace="vision")


async def test_a_privileged_pod_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ForbiddenError, match='violates PodSecurity "restricted'):
        await cluster.add_pod(namespace="vision", hostNetwork=True)


async def test_what_asks_for_nothing_gets_the_least(cluster: Cluster) -> None:
    pod = await cluster.add_pod(namespace="vision")

    assert pod["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "256Mi"},
    }


async def test_there_are_only_so_many_pods(cluster: Cluster) -> None:
    small = {"cpu": "10m", "memory": "16Mi"}
    for _ in range(3):
        await cluster.add_pod(namespace="language", resources=small)

    with pytest.raises(ForbiddenError, match="exceeded quota: genkan-share, requested: pods=1, used: pods=3"):
        await cluster.add_pod(namespace="language", resources=small)


async def test_a_server_keeps_its_machine_from_being_emptied(cluster: Cluster) -> None:
    server = await cluster.add_pod(namespace="vision")
    name = server["metadata"]["name"]
    await cluster.api.patch(PODS, name, {"metadata": {"labels": SERVER}}, namespace="vision")
    await cluster.until_phase(name, "Running", namespace="vision")

    async def evict(pod: str) -> None:
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "vision"}}
        await cluster.api.request(
            "POST", PODS.path(namespace="vision", name=pod, subresource="eviction"), body=eviction
        )

    with pytest.raises(KubernetesError, match="Cannot evict pod as it would violate the pod's disruption budget"):
        await evict(name)
    other = (await cluster.add_pod(namespace="vision"))["metadata"]["name"]
    await cluster.until_phase(other, "Running", namespace="vision")
    await evict(other)


async def test_a_server_that_is_protected_still_makes_room_for_a_higher_priority(cluster: Cluster) -> None:
    whole = {"cpu": "64", "memory": "1Gi"}
    where = {"pool": "a100"}
    first = await cluster.add_pod(resources=whole, priorityClassName="genkan-burst", nodeSelector=where)
    name = first["metadata"]["name"]
    await cluster.api.patch(PODS, name, {"metadata": {"labels": SERVER}}, namespace=cluster.namespace)
    await cluster.until_phase(name, "Running")

    second = await cluster.add_pod(resources=whole, priorityClassName="genkan-high", nodeSelector=where)

    await cluster.until_phase(second["metadata"]["name"], "Running")
    await cluster.until_gone(PODS, name, namespace=cluster.namespace)


async def test_the_hub_may_do_nothing_in_other_namespaces(hub: KubernetesApi) -> None:
    refusals = [
        hub.list(QUOTAS, namespace="default"),
        hub.list(CLAIMS),
        hub.request("DELETE", PODS.path(namespace="kube-system", name="x")),
    ]

    answers = await asyncio.gather(*refusals, return_exceptions=True)

    assert [type(answer) for answer in answers] == [ForbiddenError] * len(refusals)
