import asyncio
from contextlib import aclosing

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.following import server_pods
from genkan_spawner.following.pod_state import PodState
from genkan_spawner.following.server_pods import ServerPods
from genkan_spawner.reasons import Reason

from .pods import at, container, raw_pod, text

NEVER = 3600.0


def running() -> dict[str, object]:
    return {
        "phase": "Running",
        "podIP": "127.1.2.3",
        "node": "a-0",
        "containerStatuses": [container({"running": {}}, ready=True)],
    }


async def test_whoever_waits_is_told_at_once() -> None:
    pods = ServerPods()
    seen: list[str | None] = []

    async def follow() -> None:
        async with aclosing(pods.changes("vision", "jupyter-alice", every=NEVER)) as changes:
            async for state in changes:
                seen.append(state.phase if state else None)
                if len(seen) == 3:
                    return

    async with asyncio.timeout(5):
        task = asyncio.create_task(follow())
        while len(seen) < 1:
            await asyncio.sleep(0)
        pods.show(raw_pod())
        while len(seen) < 2:
            await asyncio.sleep(0)
        pods.show(raw_pod(**running()))
        await task

    assert seen == [None, "Pending", "Running"]


async def test_several_may_wait_for_one_pod_and_leave_nothing() -> None:
    pods = ServerPods()
    first, second = (pods.changes("vision", "jupyter-alice", every=NEVER) for _ in range(2))
    assert [await anext(first), await anext(second)] == [None, None]

    pods.show(raw_pod())

    states = [await anext(first), await anext(second)]
    assert all(isinstance(state, PodState) for state in states)
    await first.aclose()
    await second.aclose()
    assert not pods._waiting


async def test_who_is_cancelled_together_with_a_change_is_cancelled() -> None:
    pods = ServerPods()

    async def follow() -> None:
        async with aclosing(pods.changes("vision", "jupyter-alice", every=NEVER)) as changes:
            async for _ in changes:
                pass

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    pods.show(raw_pod())
    await asyncio.sleep(0)
    following.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(1):
            await following


async def test_without_a_change_it_is_looked_at_every_so_often() -> None:
    pods = ServerPods()
    changes = pods.changes("vision", "jupyter-alice", every=0.001)

    assert [await anext(changes), await anext(changes)] == [None, None]
    await changes.aclose()


def test_the_end_of_an_earlier_pod_of_the_same_name_is_passed_over() -> None:
    pods = ServerPods()
    pods.show(raw_pod())
    calls: list[int] = []
    pods.alert("vision", "jupyter-alice", lambda: calls.append(1))

    pods.drop(gone(uid="another"))
    assert pods.get("vision", "jupyter-alice") is not None
    assert calls == []
    pods.drop(gone())
    assert pods.get("vision", "jupyter-alice") is None
    assert calls == [1]


def gone(uid: str = "u1") -> JsonObject:
    """Return all that is known of a pod that went unseen."""
    return {"metadata": {"namespace": "vision", "name": "jupyter-alice", "uid": uid}}


def disrupted(reason: str) -> dict[str, object]:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "lastTransitionTime": text(at(7))}
    return {**running(), "conditions": [condition]}


def test_why_a_pod_went_is_told_after_it() -> None:
    pods = ServerPods()
    pods.show(raw_pod(**running()))
    assert pods.ending("vision", "jupyter-alice") is None

    pods.drop(raw_pod(**disrupted("PreemptionByScheduler")))

    ending = pods.ending("vision", "jupyter-alice")
    assert ending is not None
    assert (ending.reason, ending.at) == (Reason.PRIORITY, at(7))
    assert pods.ending("vision", "jupyter-bob") is None


def test_a_pod_that_went_unseen_ended_as_it_was_last_seen() -> None:
    pods = ServerPods()
    pods.show(raw_pod(**disrupted("DeletionByTaintManager")))

    pods.drop(gone())

    ending = pods.ending("vision", "jupyter-alice")
    assert ending is not None
    assert "went away" in ending.sentence


def test_nothing_is_made_up_for_a_pod_that_went_without_a_word() -> None:
    pods = ServerPods()
    pods.show(raw_pod(**running()))

    pods.drop(gone())

    assert pods.ending("vision", "jupyter-alice") is None


def test_the_end_of_a_pod_does_not_outlive_the_next_one() -> None:
    pods = ServerPods()
    pods.show(raw_pod(**disrupted("PreemptionByScheduler")))
    pods.drop(gone())

    pods.show(raw_pod())
    assert pods.ending("vision", "jupyter-alice") is None

    pods.drop(gone())
    assert pods.ending("vision", "jupyter-alice") is None


def test_only_so_many_ends_are_kept_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_pods, "MOST_ENDINGS", 2)
    pods = ServerPods()
    for name in ("a", "b", "c"):
        pod = raw_pod(**disrupted("PreemptionByScheduler"))
        pod["metadata"]["name"] = name
        pods.show(pod)
        pods.drop(pod)

    assert [name for name in "abc" if pods.ending("vision", name)] == ["b", "c"]


def test_an_alert_is_given_once_as_soon_as_the_pod_ends() -> None:
    pods = ServerPods()
    calls: list[str] = []
    pods.show(raw_pod(**running()))
    pods.alert("vision", "jupyter-alice", lambda: calls.append("earlier"))
    pods.alert("vision", "jupyter-alice", lambda: calls.append("later"))

    pods.show(raw_pod(**running()))
    assert calls == []
    pods.show(raw_pod(**disrupted("PreemptionByScheduler")))
    assert calls == ["later"]
    pods.drop(gone())
    assert calls == ["later"]


def test_what_the_hub_has_removed_itself_is_settled() -> None:
    pods = ServerPods()
    calls: list[int] = []
    pods.alert("vision", "jupyter-bob", lambda: calls.append(1))
    pods.show(raw_pod(**running(), deleted=at(9)))
    pods.drop(gone())
    assert pods.ending("vision", "jupyter-alice") is not None

    pods.settle("vision", "jupyter-alice")
    pods.settle("vision", "jupyter-bob")

    assert pods.ending("vision", "jupyter-alice") is None
    assert not pods._alerts


def test_what_kubespawner_reads_is_kept() -> None:
    pods = ServerPods()
    pods.show(raw_pod(**running()))

    raw = pods.raw("vision", "jupyter-alice")

    assert raw is not None
    assert raw["metadata"]["uid"] == "u1"
    assert raw["spec"] == {"nodeName": "a-0", "containers": [{"name": "notebook"}]}
    assert raw["status"]["podIP"] == "127.1.2.3"
    assert list(pods) == [("vision", "jupyter-alice")]


def test_no_token_is_kept() -> None:
    pods = ServerPods()
    pods.show(raw_pod(**running()))

    assert "secret" not in repr(vars(pods))
