"""Nothing of a start that fails is left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.kinds import CLAIMS, PODS
from genkan_spawner.marks import START
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

from ...support.jumping import in_jumping_time, now
from ..stage import (
    NAMESPACE,
    TOKEN,
    Record,
    Refusals,
    Stage,
    answered,
    as_the_api_server,
    spawners,
    stage,
    told,
    unreachable,
)
from .scenes import HOME, NAME, SHARE_USED_UP, claims, refusal


def assert_nothing_left(play: Stage, *, of_claims: list[str] | None = None) -> None:
    assert play.cluster.all(PODS) == []
    assert claims(play) == (of_claims or [])
    assert play.cluster.calls["DELETE", CLAIMS.plural] == 0
    assert play.view.cache.snapshot().assumed == ()


@in_jumping_time
async def test_a_home_that_is_refused_after_the_pod_takes_the_pod_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        existed: list[bool] = []

        def admit(plural: str, body: JsonObject) -> None:
            as_the_api_server(plural, body)
            if plural == CLAIMS.plural and play.pod() is not None:
                existed.append(True)
                raise answered(403, SHARE_USED_UP)

        play.cluster.admits = admit

        found = await refusal(make(**HOME).start())

        assert existed == [True]
        assert found.reason == Reason.STORAGE
        assert_nothing_left(play)


@in_jumping_time
async def test_a_rehearsal_that_is_refused_creates_nothing_and_gives_the_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        record = Record()
        play.cluster.fails = Refusals("POST", "/pods", [answered(403, "failed quota: q: must specify cpu")])

        found = await refusal(make(orm_spawner=record, **HOME).start())

        assert found.reason == Reason.QUOTA
        assert_nothing_left(play)
        assert record.state == {}
        starting = make("bob").start()
        await play.created("jupyter-bob")
        await play.run("jupyter-bob")
        await starting


@in_jumping_time
async def test_what_a_limit_range_adds_is_checked_before_anything_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:

        def limit_range(plural: str, body: JsonObject) -> None:
            as_the_api_server(plural, body)
            if plural == PODS.plural:
                resources = body["spec"]["containers"][0]["resources"]
                resources["requests"] = (resources.get("requests") or {}) | {"cpu": "64"}

        play.cluster.admits = limit_range

        found = await refusal(make().start())

        assert found.reason == Reason.CAPACITY
        assert_nothing_left(play)


@in_jumping_time
async def test_an_api_that_is_down_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, sighted=False) as play, spawners(monkeypatch) as make:
        play.cluster.fails = lambda *_: unreachable()

        found = await refusal(make().start())

        assert (found.reason, found.status_code) == (Reason.UNAVAILABLE, 503)
        assert found.jupyterhub_message == "The cluster does not answer at the moment. Try again in a minute."
        assert_nothing_left(play)


@in_jumping_time
async def test_a_start_that_meets_an_obstacle_leaves_no_pod_and_no_aftermath(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        starting = spawner.start()
        await play.created()
        waiting = {"waiting": {"reason": "InvalidImageName"}}
        status = {"name": "notebook", "ready": False, "restartCount": 0, "state": waiting}
        await play.set(node_name="a", containerStatuses=[status])

        assert (await refusal(starting)).reason == Reason.IMAGE
        assert_nothing_left(play)
        # JupyterHub looks once more and then stops the server, as after every failure.
        assert await spawner.poll() == 1
        assert spawner.aftermath is None


@in_jumping_time
async def test_a_pod_that_somebody_deletes_leaves_no_aftermath_of_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        starting = spawner.start()
        await play.created()
        await asyncio.sleep(1)
        await play.set(node_name="a")
        await play.cluster.delete(PODS, NAME, namespace=NAMESPACE, grace_seconds=30)

        assert (await refusal(starting)).jupyterhub_message == "The server was taken away."
        assert await spawner.poll() == 1
        assert spawner.aftermath is None
        assert_nothing_left(play)


@in_jumping_time
async def test_a_namesake_that_came_in_between_is_not_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        starting = make().start()
        await play.created()
        await asyncio.sleep(1)
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        theirs = play.put(metadata={"uid": "another"})

        await refusal(starting)

        assert play.cluster.all(PODS) == [theirs]


@in_jumping_time
async def test_a_start_that_is_cancelled_takes_its_pod_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        starting = make().start()
        await play.created()
        await asyncio.sleep(30)
        starting.cancel()

        with pytest.raises(asyncio.CancelledError):
            await starting
        assert_nothing_left(play)


@in_jumping_time
async def test_who_cancels_twice_does_not_stop_the_pod_from_being_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        starting = make().start()
        await play.created()
        await asyncio.sleep(30)
        play.cluster.fails = Refusals("DELETE", NAME, [answered(503)] * 3)
        starting.cancel()
        await asyncio.sleep(0.1)
        assert not starting.done()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await asyncio.sleep(10)

        assert_nothing_left(play)


@pytest.mark.parametrize("turns", range(0, 60, 3))
def test_whenever_a_start_is_cancelled_nothing_is_left(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            starting = make().start()
            for _ in range(turns):
                await asyncio.sleep(0)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            await asyncio.sleep(1)
            assert_nothing_left(play)

    run()


@in_jumping_time
async def test_a_pod_whose_answer_was_lost_is_taken_away_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:

        def lost(method: str, _: str) -> Any:
            return unreachable() if method == "POST" and play.pod() is not None else None

        play.cluster.loses = lost
        play.cluster.fails = lost
        starting = make().start()
        await play.created()

        found = await refusal(starting)

        assert found.reason == Reason.UNAVAILABLE
        assert_nothing_left(play)


@in_jumping_time
async def test_what_a_lost_answer_leaves_to_somebody_else_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        earlier = play.put(spec={"nodeName": "a"})

        def down(method: str, path: str) -> Any:
            return unreachable() if (method, path.endswith(NAME)) == ("DELETE", True) else None

        play.cluster.fails = down

        await refusal(make().start())

        assert play.cluster.all(PODS) == [earlier]


def hangs(at: str) -> Callable[[ClusterSpawner, Any], Any]:
    async def hook(_: ClusterSpawner, pod: Any) -> Any:
        await asyncio.sleep(10**6)
        return pod

    hook.__name__ = at
    return hook


@pytest.mark.parametrize("hook", ["modify_pod_hook", "after_pod_created_hook"])
def test_a_start_that_hangs_ends_itself_before_the_hub_does(monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            spawner = make(**{hook: hangs(hook)})
            began = now()

            found = await refusal(spawner.start())

            assert now() - began < spawner.start_timeout
            assert found.jupyterhub_message == "The server could not be created in time. Try again in a minute."
            assert_nothing_left(play)

    run()


@in_jumping_time
async def test_a_hook_that_fails_takes_the_pod_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:

        def fail(_: ClusterSpawner, pod: JsonObject) -> None:
            assert play.pod() is not None
            assert pod["metadata"]["name"] == NAME
            raise RuntimeError("The site's own hook failed.")

        found = await refusal(make(after_pod_created_hook=fail).start())

        assert found.reason == Reason.UNAVAILABLE
        assert_nothing_left(play)


@in_jumping_time
async def test_what_cannot_be_taken_away_is_logged_and_the_first_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        spawner.log = logging.getLogger("test")
        starting = spawner.start()
        await play.created()
        play.cluster.fails = Refusals("DELETE", NAME, [answered(503)], for_ever=True)
        await play.set(node_name="a", phase="Failed", reason="OutOfcpu")

        assert (await refusal(starting)).reason == Reason.CAPACITY
        assert "The pod default/jupyter-alice of a failed start may still be there" in caplog.text


async def refused_by_admission(play: Stage) -> None:
    play.cluster.fails = Refusals("POST", "/pods", [answered(403, "violates PodSecurity ")])


async def answer_lost(play: Stage) -> None:
    play.cluster.loses = Refusals("POST", "/pods", [unreachable()])


async def runs(play: Stage) -> None:
    await _own(play)
    await play.run()


async def runs_after_a_namesake(play: Stage) -> None:
    play.put(metadata={"annotations": {}})
    await _own(play)
    await play.run()


async def fails(play: Stage) -> None:
    await _own(play)
    await play.set(phase="Failed")


async def _own(play: Stage) -> None:
    await play.cluster.until(lambda: START in (play.pod() or {"metadata": {}})["metadata"].get("annotations", {}))
    assert TOKEN in repr(play.pod()), "the pod has it"


@pytest.mark.parametrize("act", [refused_by_admission, answer_lost, runs, runs_after_a_namesake, fails])
def test_no_token_is_logged_or_kept(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    act: Callable[[Stage], Awaitable[None]],
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            spawner = make()
            spawner.log = logging.getLogger("test")
            starting = spawner.start()
            await act(play)
            with suppress(Refusal):
                await starting
            for kept in (vars(play.view.servers), play.view.cache.snapshot(), spawner.get_state()):
                assert TOKEN not in repr(kept)
            assert TOKEN not in repr(told(spawner._story))

    with caplog.at_level(logging.DEBUG):
        run()
    assert caplog.text
    assert TOKEN not in caplog.text
    assert "JUPYTERHUB_API_TOKEN" not in caplog.text
