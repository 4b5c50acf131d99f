from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import CLAIMS, PODS
from genkan_spawner.marks import START
from genkan_spawner.reasons import Reason
from genkan_spawner.starting.creation import claim_is_missing, create_claim, create_pod, rehearse

from ...support.fake_cluster import FakeCluster
from ...support.jumping import in_jumping_time, now
from ..stage import TOKEN, Refusals, answered, unreachable
from .scenes import SHARE_USED_UP, refusal

PATIENT = 30.0
FORBIDDEN = 'pods "jupyter-alice" is forbidden: '


def pod(start: str = "this-start") -> JsonObject:
    container = {"name": "notebook", "env": [{"name": "JUPYTERHUB_API_TOKEN", "value": TOKEN}]}
    metadata = {"name": "jupyter-alice", "namespace": "team", "annotations": {START: start}}
    return {"metadata": metadata, "spec": {"containers": [container]}}


def claim() -> JsonObject:
    return {"metadata": {"name": "claim-alice", "namespace": "team"}, "spec": {}}


def pods(cluster: FakeCluster) -> list[str]:
    return [found["metadata"]["annotations"].get(START, "") for found in cluster.all(PODS)]


async def nothing_earlier() -> None:
    raise AssertionError("There is nothing to remove.")


@pytest.mark.parametrize(
    ("failure", "reason", "status"),
    [
        (answered(403, FORBIDDEN + "no PriorityClass with name x was found"), Reason.PRIORITY, 409),
        (answered(403, FORBIDDEN + "failed quota: q: must specify cpu for: notebook"), Reason.QUOTA, 409),
        (answered(403, FORBIDDEN + 'violates PodSecurity "restricted:latest"'), Reason.UNAVAILABLE, 503),
        (answered(404, 'namespaces "team" not found'), Reason.UNAVAILABLE, 503),
        (answered(422, 'Pod "jupyter-alice" is invalid: spec: no'), Reason.UNAVAILABLE, 503),
        (answered(429), Reason.UNAVAILABLE, 503),
        (answered(500), Reason.UNAVAILABLE, 503),
        (unreachable(), Reason.UNAVAILABLE, 503),
    ],
)
def test_a_rehearsal_refuses_as_kubernetes_would_and_creates_nothing(
    failure: KubernetesError, reason: Reason, status: int
) -> None:
    @in_jumping_time
    async def run() -> None:
        cluster = FakeCluster()
        cluster.fails = Refusals("POST", "/pods", [failure], for_ever=True)
        began = now()

        found = await refusal(rehearse(cluster, PODS, pod()))

        assert (found.reason, found.status_code) == (reason, status)
        assert failure.message not in found.jupyterhub_message
        assert failure.message in str(found)
        assert cluster.objects == {}
        assert now() - began < 10

    run()


@pytest.mark.parametrize(
    "failure", [answered(503), unreachable(), answered(403, FORBIDDEN + "not yet ready to handle request")]
)
def test_a_rehearsal_waits_for_an_api_server_that_has_just_come_up(failure: KubernetesError) -> None:
    @in_jumping_time
    async def run() -> None:
        cluster = FakeCluster()
        cluster.fails = Refusals("POST", "/pods", [failure, failure])
        assert await rehearse(cluster, PODS, pod()) is not None
        cluster.fails = Refusals("POST", "claims", [failure, failure])
        assert await claim_is_missing(cluster, claim())

    run()


async def test_a_rehearsal_returns_what_admission_makes_of_it_and_stores_nothing() -> None:
    cluster = FakeCluster()
    cluster.admits = lambda _, body: body["spec"].update(priority=7)

    found = await rehearse(cluster, PODS, pod())

    assert found["spec"]["priority"] == 7
    assert cluster.objects == {}


async def test_a_namesake_is_no_objection_to_a_rehearsal() -> None:
    cluster = FakeCluster()
    cluster.put(PODS, pod("an-earlier-one"))

    assert await rehearse(cluster, PODS, pod()) == pod()
    assert pods(cluster) == ["an-earlier-one"]


async def test_the_pod_whose_answer_was_lost_is_this_starts_own() -> None:
    cluster = FakeCluster()
    cluster.loses = Refusals("POST", "/pods", [unreachable()])

    created = await create_pod(cluster, pod(), within=PATIENT, remove_earlier=nothing_earlier)

    (stored,) = cluster.all(PODS)
    assert created["metadata"]["uid"] == stored["metadata"]["uid"]
    assert cluster.calls["POST", "pods"] == 2


def earlier(cluster: FakeCluster, *, goes: Callable[[], bool] = lambda: True) -> Callable[[], Awaitable[None]]:
    async def remove() -> None:
        if goes():
            cluster.remove(PODS, "jupyter-alice", namespace="team")

    return remove


@pytest.mark.parametrize("annotation", ["an-earlier-one", ""])
@in_jumping_time
async def test_an_earlier_namesake_is_removed_first(annotation: str) -> None:
    cluster = FakeCluster()
    cluster.put(PODS, pod(annotation))

    await create_pod(cluster, pod(), within=PATIENT, remove_earlier=earlier(cluster))

    assert pods(cluster) == ["this-start"]


async def test_a_namesake_of_no_start_is_never_taken_for_this_one() -> None:
    cluster = FakeCluster()
    unmarked = pod()
    del unmarked["metadata"]["annotations"]
    cluster.put(PODS, {**unmarked, "metadata": dict(unmarked["metadata"])})
    removed: list[int] = []

    async def remove() -> None:
        removed.append(1)
        cluster.remove(PODS, "jupyter-alice", namespace="team")

    await create_pod(cluster, unmarked, within=PATIENT, remove_earlier=remove)

    assert removed == [1]


@in_jumping_time
async def test_a_namesake_that_goes_by_itself_is_none() -> None:
    cluster = FakeCluster()
    cluster.put(PODS, pod("an-earlier-one"))
    get = cluster.get

    async def gone(*args: Any, **kwargs: Any) -> JsonObject:
        cluster.objects.clear()
        return await get(*args, **kwargs)

    cluster.get = gone  # type: ignore[method-assign]  # it goes between two requests
    await create_pod(cluster, pod(), within=PATIENT, remove_earlier=nothing_earlier)

    assert pods(cluster) == ["this-start"]


@in_jumping_time
async def test_a_namesake_that_does_not_go_is_told() -> None:
    cluster = FakeCluster()
    cluster.put(PODS, pod("an-earlier-one"))
    stays = earlier(cluster, goes=lambda: False)
    began = now()

    found = await refusal(create_pod(cluster, pod(), within=PATIENT, remove_earlier=stays))

    assert (found.reason, found.status_code) == (Reason.UNAVAILABLE, 503)
    assert found.jupyterhub_message == "An earlier server of yours has not ended yet. Try again in a minute."
    assert PATIENT <= now() - began < PATIENT + 5
    assert pods(cluster) == ["an-earlier-one"]


@in_jumping_time
async def test_a_removal_that_takes_too_long_is_told() -> None:
    cluster = FakeCluster()
    cluster.put(PODS, pod("an-earlier-one"))

    async def never() -> None:
        raise TimeoutError

    found = await refusal(create_pod(cluster, pod(), within=PATIENT, remove_earlier=never))

    assert found.jupyterhub_message == "An earlier server of yours has not ended yet. Try again in a minute."


@pytest.mark.parametrize(("method", "path_end"), [("GET", "jupyter-alice"), ("DELETE", "jupyter-alice")])
@pytest.mark.parametrize("for_ever", [False, True])
def test_an_api_that_fails_while_a_namesake_is_looked_at_is_no_surprise(
    method: str, path_end: str, for_ever: bool
) -> None:
    @in_jumping_time
    async def run() -> None:
        cluster = FakeCluster()
        cluster.put(PODS, pod("an-earlier-one"))
        cluster.fails = Refusals(method, path_end, [unreachable()], for_ever=for_ever)

        async def remove() -> None:
            await cluster.delete(PODS, "jupyter-alice", namespace="team", grace_seconds=0)

        creating = create_pod(cluster, pod(), within=PATIENT, remove_earlier=remove)
        if for_ever:
            assert (await refusal(creating)).reason == Reason.UNAVAILABLE
        else:
            await creating
            assert pods(cluster) == ["this-start"]

    run()


@pytest.mark.parametrize("failure", [answered(429), answered(500), answered(503), unreachable()])
def test_what_may_pass_is_tried_again_within_the_limit(failure: KubernetesError) -> None:
    @in_jumping_time
    async def run() -> None:
        cluster = FakeCluster()
        cluster.fails = Refusals("POST", "/pods", [failure] * 5)
        began = now()

        await create_pod(cluster, pod(), within=PATIENT, remove_earlier=nothing_earlier)

        assert pods(cluster) == ["this-start"]
        assert now() - began < PATIENT

    run()


@in_jumping_time
async def test_what_does_not_pass_within_the_limit_is_told() -> None:
    cluster = FakeCluster()
    cluster.fails = Refusals("POST", "/pods", [answered(503)], for_ever=True)
    began = now()

    found = await refusal(create_pod(cluster, pod(), within=PATIENT, remove_earlier=nothing_earlier))

    assert (found.reason, found.status_code) == (Reason.UNAVAILABLE, 503)
    assert PATIENT <= now() - began < PATIENT + 5
    assert 5 < cluster.calls["POST", "pods"] < 30


async def test_a_refusal_is_final_at_once() -> None:
    cluster = FakeCluster()
    message = (
        FORBIDDEN + "exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, "
        "used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4"
    )
    cluster.fails = Refusals("POST", "/pods", [answered(403, message)])

    found = await refusal(create_pod(cluster, pod(), within=PATIENT, remove_earlier=nothing_earlier))

    assert found.reason == Reason.QUOTA
    assert "Your team's share of GPUs is used up: 4 of 4 GPUs are in use" in found.jupyterhub_message
    assert cluster.calls["POST", "pods"] == 1


async def test_a_claim_that_could_be_created_is_missing() -> None:
    cluster = FakeCluster()

    assert await claim_is_missing(cluster, claim())
    assert cluster.objects == {}


async def test_a_claim_that_is_there_is_not_missing() -> None:
    cluster = FakeCluster()
    cluster.put(CLAIMS, claim())

    assert not await claim_is_missing(cluster, claim())


async def test_quota_does_not_stand_against_a_home_that_is_there() -> None:
    cluster = FakeCluster()
    cluster.put(CLAIMS, claim())
    cluster.fails = Refusals("POST", "claims", [answered(403, SHARE_USED_UP)])

    assert not await claim_is_missing(cluster, claim())


@pytest.mark.parametrize(
    ("failure", "reason", "words"),
    [
        (answered(403, SHARE_USED_UP), Reason.STORAGE, "Your home needs 10 GB of storage, and your team has 5 GB left"),
        (answered(403, 'User "hub" cannot create resource'), Reason.STORAGE, "Your home cannot be created."),
        (unreachable(), Reason.UNAVAILABLE, "does not answer"),
        (answered(404, 'namespaces "team" not found'), Reason.UNAVAILABLE, "does not exist"),
    ],
)
def test_a_home_that_cannot_be_created_is_told_before_anything_is(
    failure: KubernetesError, reason: Reason, words: str
) -> None:
    @in_jumping_time
    async def run() -> None:
        cluster = FakeCluster()
        cluster.fails = Refusals("POST", "claims", [failure], for_ever=True)

        found = await refusal(claim_is_missing(cluster, claim()))

        assert found.reason == reason
        assert words in found.jupyterhub_message
        assert cluster.calls["POST", "persistentvolumeclaims"] > 0, "the failure was met"

    run()


async def test_where_nobody_knows_whether_a_home_is_there_the_start_is_refused() -> None:
    cluster = FakeCluster()
    cluster.fails = lambda method, _: answered(403, SHARE_USED_UP) if method == "POST" else unreachable()

    assert (await refusal(claim_is_missing(cluster, claim()))).reason == Reason.UNAVAILABLE


@in_jumping_time
async def test_a_claim_is_created_once() -> None:
    cluster = FakeCluster()
    cluster.loses = Refusals("POST", "claims", [unreachable()])
    cluster.fails = Refusals("POST", "claims", [answered(429), answered(500)])

    await create_claim(cluster, claim(), within=PATIENT)
    (first,) = cluster.all(CLAIMS)
    await create_claim(cluster, claim(), within=PATIENT)

    assert cluster.all(CLAIMS) == [first]


@pytest.mark.parametrize(
    ("failure", "reason", "status"),
    [
        (answered(403, SHARE_USED_UP), Reason.STORAGE, 409),
        (answered(403, "exceeded quota: disks, requested: what, used: it, limited: cannot say"), Reason.STORAGE, 409),
        (answered(422, "is invalid: spec"), Reason.STORAGE, 409),
        (answered(503), Reason.UNAVAILABLE, 503),
        (unreachable(), Reason.UNAVAILABLE, 503),
    ],
)
def test_a_claim_that_is_refused_is_a_matter_of_storage(failure: KubernetesError, reason: Reason, status: int) -> None:
    @in_jumping_time
    async def run() -> None:
        cluster = FakeCluster()
        cluster.fails = Refusals("POST", "claims", [failure], for_ever=True)

        found = await refusal(create_claim(cluster, claim(), within=PATIENT))

        assert (found.reason, found.status_code) == (reason, status)
        assert failure.message not in found.jupyterhub_message
        assert failure.message in str(found)

    run()
