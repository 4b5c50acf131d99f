"""Starts while an earlier server of the same name is still there: its room and its share are for the new one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import PODS, QUOTAS
from genkan_spawner.reasons import Reason

from ...support.jumping import in_jumping_time, now
from ...support.objects import quota
from ..stage import GPU, Refusals, Stage, answered, as_the_api_server, spawners, stage, stamp, told, unreachable
from .scenes import NAME, refusal

SHARE = f"requests.{GPU}"


def holding(play: Stage, **metadata: object) -> JsonObject:
    """Have an earlier server hold the only GPU."""
    container = {"name": "notebook", "resources": {"limits": {GPU: "1"}}}
    earlier = play.put(metadata=metadata, spec={"nodeName": "a", "containers": [container]})
    earlier["status"]["phase"] = "Running"
    return earlier


def share(play: Stage, used: str) -> None:
    play.cluster.put(QUOTAS, quota(namespace="default", hard={SHARE: "1"}, used={SHARE: used}))


def in_future(seconds: float) -> str:
    return stamp(datetime.now(tz=UTC) + timedelta(seconds=seconds))


async def another(play: Stage, earlier: JsonObject) -> None:
    uid = earlier["metadata"]["uid"]
    await play.cluster.until(lambda: (play.pod() or earlier)["metadata"]["uid"] != uid)
    await play.run()


@in_jumping_time
async def test_the_room_and_the_share_of_an_earlier_server_are_for_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        earlier = holding(play)
        share(play, "1")
        await play.seen(lambda: play.view.servers.get("default", NAME))
        spawner = make()
        starting = asyncio.ensure_future(spawner.start())
        await play.cluster.until(lambda: play.pod() is None)
        began = now()
        await asyncio.sleep(1)
        assert not starting.done()
        share(play, "0")  # the controller has counted again
        await another(play, earlier)
        await starting

        assert now() - began < 10
        assert told(spawner._story).count("An earlier server of yours is ended first.") == 1


@in_jumping_time
async def test_a_share_that_admission_still_counts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        earlier, refusals = holding(play), 3

        def admission(plural: str, body: JsonObject) -> None:
            nonlocal refusals
            as_the_api_server(plural, body)
            if plural == PODS.plural and refusals:
                refusals -= 1
                raise answered(403, f"exceeded quota: q, requested: {SHARE}=1, used: {SHARE}=1, limited: {SHARE}=1")

        play.cluster.admits = admission
        await play.seen(lambda: play.view.servers.get("default", NAME))
        starting = make().start()
        await another(play, earlier)
        await starting

        assert refusals == 0


@in_jumping_time
async def test_a_share_that_others_hold_is_refused_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=2) as play, spawners(monkeypatch) as make:
        play.put()
        share(play, "1")
        await play.seen(lambda: play.view.servers.get("default", NAME))
        began = now()

        found = await refusal(make().start())

        assert (found.reason, now() - began < 15) == (Reason.QUOTA, True)
        assert play.pod() is None


@in_jumping_time
async def test_where_no_server_was_a_share_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=2) as play, spawners(monkeypatch) as make:
        share(play, "1")
        await play.seen(lambda: play.view.cache.snapshot().quotas)
        began = now()

        assert (await refusal(make().start())).reason == Reason.QUOTA
        assert now() == began


@in_jumping_time
async def test_a_server_that_was_just_stopped_does_not_stand_against_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        earlier = holding(play)
        share(play, "1")
        await play.seen(lambda: play.view.servers.get("default", NAME))
        spawner = make()
        await spawner.stop(now=True)
        starting = asyncio.ensure_future(spawner.start())
        await asyncio.sleep(1)
        share(play, "0")
        await another(play, earlier)
        await starting


@in_jumping_time
async def test_one_that_ends_by_itself_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        earlier = holding(play, deletionTimestamp=in_future(20))
        await play.seen(lambda: play.view.servers.get("default", NAME))
        starting = asyncio.ensure_future(make().start())
        await asyncio.sleep(15)
        assert not starting.done()
        play.cluster.remove(PODS, NAME)
        await another(play, earlier)
        await starting

        assert play.cluster.calls["DELETE", PODS.plural] == 0


@pytest.mark.parametrize(("left", "waited"), [(-30, 5), (10, 15), (9000, 60)])
def test_one_that_is_late_is_ended(monkeypatch: pytest.MonkeyPatch, left: float, waited: float) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
            earlier = holding(play, deletionTimestamp=in_future(left))
            await play.seen(lambda: play.view.servers.get("default", NAME))
            began = now()
            starting = asyncio.ensure_future(make().start())
            await play.cluster.until(lambda: play.pod() is None, seconds=1000)
            assert waited - 1 < now() - began < waited + 1
            await another(play, earlier)
            await starting

    run()


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (answered(403), "The cluster refuses this server. Tell an administrator: the hub's log has the details."),
        (unreachable(), "The cluster does not answer at the moment. Try again in a minute."),
    ],
)
def test_one_that_cannot_be_ended_is_told(
    monkeypatch: pytest.MonkeyPatch, failure: KubernetesError, sentence: str
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
            holding(play)
            await play.seen(lambda: play.view.servers.get("default", NAME))
            play.cluster.fails = Refusals("DELETE", NAME, [failure], for_ever=True)

            assert (await refusal(make(k8s_api_request_retry_timeout=5).start())).jupyterhub_message == sentence
            assert play.cluster.calls["POST", PODS.plural] == 0

    run()


@in_jumping_time
async def test_one_that_does_not_go_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        holding(play)
        await play.seen(lambda: play.view.servers.get("default", NAME))
        monkeypatch.setattr(play.cluster, "delete", _nothing)
        began = now()

        found = await refusal(make().start())

        assert found.jupyterhub_message == "An earlier server of yours has not ended yet. Try again in a minute."
        assert now() - began < 60


async def _nothing(*_: object, **__: object) -> None:
    """Take a deletion that comes to nothing, as of a pod with a finalizer."""
