import asyncio
from contextlib import suppress
from typing import Any

import pytest

from genkan_profiles.language.sentences import say
from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand
from genkan_spawner.checks.findings import Verdict
from genkan_spawner.checks.preflight import examine
from genkan_spawner.cluster.snapshot import Snapshot
from genkan_spawner.kinds import NODES, PODS, PRIORITY_CLASSES, QUOTAS
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal
from genkan_spawner.starting.reservation import FRESH, reserved

from ...support.jumping import in_jumping_time
from ...support.objects import node, priority_class, quota
from ..stage import GPU, Stage, stage


def manifest(name: str = "jupyter-alice", *, cpu: str = "1", gpus: int = 1) -> JsonObject:
    limits = {"cpu": cpu, "memory": "1Gi"} | ({GPU: str(gpus)} if gpus else {})
    containers = [{"name": "notebook", "resources": {"limits": limits, "requests": dict(limits)}}]
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": containers}}


def check(demand: Demand, snapshot: Snapshot) -> Verdict:
    return examine(demand, snapshot)


class Counting:
    """The checks, and what they were asked."""

    def __init__(self) -> None:
        self.demands: list[Demand] = []

    def __call__(self, demand: Demand, snapshot: Snapshot) -> Verdict:
        self.demands.append(demand)
        return examine(demand, snapshot)


def assumed(play: Stage) -> list[str]:
    return [pod.name for pod in play.view.cache.snapshot().assumed]


@in_jumping_time
async def test_of_two_starts_at_once_for_the_last_gpu_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play:
        with reserved(play.view.cache, manifest("alice"), examine=check):
            with pytest.raises(Refusal) as refused, reserved(play.view.cache, manifest("bob"), examine=check):
                pytest.fail("The second was promised the same GPU.")
            assert refused.value.reason == Reason.CAPACITY
            assert refused.value.status_code == 409
            assert assumed(play) == ["alice"]


@in_jumping_time
async def test_of_many_at_once_as_many_are_promised_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=3) as play:

        async def start(number: int) -> bool:
            try:
                with reserved(play.view.cache, manifest(f"user-{number}"), examine=check):
                    await asyncio.sleep(5)
            except Refusal:
                return False
            return True

        assert sum(await asyncio.gather(*map(start, range(50)))) == 3


@in_jumping_time
async def test_the_place_is_kept_until_the_watch_shows_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play:
        with reserved(play.view.cache, manifest("alice"), examine=check):
            pass
        assert assumed(play) == ["alice"]

        play.cluster.put(PODS, manifest("alice"))

        await play.seen(lambda: not assumed(play))
        with pytest.raises(Refusal), reserved(play.view.cache, manifest("bob"), examine=check):
            pass


@pytest.mark.parametrize("failure", [Refusal(say("No."), reason=Reason.STORAGE), asyncio.CancelledError(), OSError()])
def test_the_place_is_given_back_if_what_follows_fails(monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch, gpus=1) as play:
            with pytest.raises(type(failure)), reserved(play.view.cache, manifest("alice"), examine=check):
                raise failure
            assert assumed(play) == []
            with reserved(play.view.cache, manifest("bob"), examine=check):
                assert assumed(play) == ["bob"]

    run()


@in_jumping_time
async def test_what_admission_made_of_a_manifest_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        with (
            pytest.raises(Refusal) as refused,
            reserved(play.view.cache, manifest("alice", gpus=0), examine=check) as reservation,
        ):
            reservation.settle(manifest("alice", cpu="9", gpus=0))
        assert refused.value.reason == Reason.CAPACITY
        assert assumed(play) == []


@in_jumping_time
async def test_the_place_grows_to_what_admission_made_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        with reserved(play.view.cache, manifest("alice", gpus=0), examine=check) as reservation:
            reservation.settle(manifest("alice", cpu="6", gpus=0))

            (own,) = play.view.cache.snapshot().assumed
            assert own.requests["cpu"] == 6000
            with pytest.raises(Refusal), reserved(play.view.cache, manifest("bob", cpu="3", gpus=0), examine=check):
                pass
            reservation.forget()
            assert assumed(play) == []


@in_jumping_time
async def test_what_admission_left_alone_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        counting = Counting()
        with reserved(play.view.cache, manifest(), examine=counting) as reservation:
            play.cluster.remove(NODES, "a")
            reservation.settle(manifest())

        assert len(counting.demands) == 1


def admitted(found: JsonObject, **more: Any) -> JsonObject:
    """Return what admission makes of nearly every pod."""
    tolerations = [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]
    spec = {**found["spec"], "tolerations": tolerations, "priority": 0, "preemptionPolicy": "PreemptLowerPriority"}
    return {**found, "spec": spec | more}


@pytest.mark.parametrize(
    ("more", "checks"),
    [({}, 1), ({"priority": 5}, 2), ({"nodeSelector": {"zone": "b"}}, 2), ({"preemptionPolicy": "Never"}, 2)],
    ids=["as usual", "another priority", "another place", "it pushes nobody out"],
)
def test_only_what_makes_a_start_harder_is_checked_again(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], checks: int
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            examined = Counting()
            with (
                suppress(Refusal),
                reserved(play.view.cache, manifest(), examine=examined) as reservation,
            ):
                reservation.settle(admitted(manifest(), **more))
            assert len(examined.demands) == checks

    run()


@pytest.mark.parametrize(
    ("cpu", "seconds", "checks"),
    [("1", 0.0, 1), ("2", 0.0, 2), ("1", FRESH + 1, 2)],
    ids=["the same", "another demand", "long ago"],
)
def test_a_place_that_is_held_is_taken_over_while_it_is_fresh(
    monkeypatch: pytest.MonkeyPatch, cpu: str, seconds: float, checks: int
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch, gpus=1) as play:
            examined = Counting()
            with reserved(play.view.cache, manifest(cpu="1"), examine=examined) as held:
                pass
            await asyncio.sleep(seconds)
            with reserved(play.view.cache, manifest(cpu=cpu), examine=examined, held=held) as reservation:
                assert len(examined.demands) == checks
                assert assumed(play) == ["jupyter-alice"]
                reservation.forget()
            assert assumed(play) == []

    run()


@in_jumping_time
async def test_its_own_place_does_not_stand_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play:
        play.cluster.put(QUOTAS, quota(namespace="default", hard={f"requests.{GPU}": "1", "pods": "1"}))
        await play.seen(lambda: play.view.cache.snapshot().quotas)
        with reserved(play.view.cache, manifest(cpu="1"), examine=check) as reservation:
            reservation.settle(manifest(cpu="2"))
            assert assumed(play) == ["jupyter-alice"]


@in_jumping_time
async def test_a_share_is_not_promised_twice_either(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=8) as play:
        play.cluster.put(QUOTAS, quota(namespace="default", hard={f"requests.{GPU}": "1"}))
        await play.seen(lambda: play.view.cache.snapshot().quotas)
        with reserved(play.view.cache, manifest("alice"), examine=check):
            with pytest.raises(Refusal) as refused, reserved(play.view.cache, manifest("bob"), examine=check):
                pass
            assert refused.value.reason == Reason.QUOTA


@in_jumping_time
async def test_a_share_is_not_counted_twice_once_the_pod_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=2) as play:
        with reserved(play.view.cache, manifest("alice"), examine=check) as reservation:
            reservation.confirm()
        play.cluster.put(
            QUOTAS, quota(namespace="default", hard={f"requests.{GPU}": "2"}, used={f"requests.{GPU}": "1"})
        )
        await play.seen(lambda: play.view.cache.snapshot().quotas)

        with reserved(play.view.cache, manifest("bob"), examine=check):
            assert assumed(play) == ["alice", "bob"]
        with pytest.raises(Refusal) as refused, reserved(play.view.cache, manifest("carol", gpus=1), examine=check):
            pass
        assert refused.value.reason == Reason.QUOTA


@in_jumping_time
async def test_a_place_counts_with_its_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.cluster.put(PRIORITY_CLASSES, priority_class("high", value=7, preemptionPolicy="Never"))
        await play.seen(lambda: play.view.cache.snapshot().priority_classes)
        wanted = manifest()
        wanted["spec"]["priorityClassName"] = "high"
        with reserved(play.view.cache, wanted, examine=check):
            (own,) = play.view.cache.snapshot().assumed
            assert (own.priority, own.priority_class, own.never_preempts, own.node) == (7, "high", True, None)


@in_jumping_time
async def test_what_cannot_be_read_is_refused_for_administrators(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        wanted = manifest(cpu="a few")
        with pytest.raises(Refusal) as refused, reserved(play.view.cache, wanted, examine=check):
            pass
        assert (refused.value.reason, refused.value.status_code) == (Reason.UNAVAILABLE, 503)
        assert "Tell an administrator" in refused.value.jupyterhub_message
        assert "a few" in str(refused.value)
        assert assumed(play) == []


@in_jumping_time
async def test_without_a_view_kubernetes_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=0, sighted=False) as play:
        with reserved(play.view.cache, manifest(gpus=4), examine=check):
            assert assumed(play) == ["jupyter-alice"]


@in_jumping_time
async def test_more_nodes_mean_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play:
        play.cluster.put(NODES, node("b", allocatable={"cpu": "8", "memory": "32Gi", "pods": "110", GPU: "1"}))
        await play.seen(lambda: len(play.view.cache.snapshot().nodes) == 2)
        cache = play.view.cache
        with reserved(cache, manifest("alice"), examine=check), reserved(cache, manifest("bob"), examine=check):
            assert assumed(play) == ["alice", "bob"]
