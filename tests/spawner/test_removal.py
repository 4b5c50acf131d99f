import asyncio

import pytest

from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import PODS
from genkan_spawner.removal import remove_pod

from ..support.jumping import in_jumping_time, now
from .stage import NAMESPACE, Refusals, answered, stage, unreachable

NAME = "jupyter-alice"


@in_jumping_time
async def test_it_is_known_at_once_that_a_pod_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put()
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        removing = asyncio.create_task(remove_pod(play.view, NAMESPACE, NAME, grace_seconds=30))
        await play.cluster.until(lambda: (play.pod() or {})["metadata"].get("deletionTimestamp"))
        await asyncio.sleep(20.5)
        assert not removing.done()

        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        ended = now()
        await removing

        assert now() == ended


@in_jumping_time
async def test_a_namesake_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        pod = play.put()

        await remove_pod(play.view, NAMESPACE, NAME, uid="that-of-another")
        assert play.pod() is pod
        await remove_pod(play.view, NAMESPACE, NAME, uid=pod["metadata"]["uid"])
        assert play.pod() is None


@in_jumping_time
async def test_a_namesake_that_came_in_between_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        uid = play.put()["metadata"]["uid"]
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        removing = asyncio.create_task(remove_pod(play.view, NAMESPACE, NAME, uid=uid, grace_seconds=30))
        await play.cluster.until(lambda: (play.pod() or {})["metadata"].get("deletionTimestamp"))

        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        play.put(metadata={"uid": "another"})

        await removing
        assert play.pod() is not None


@in_jumping_time
async def test_what_is_not_there_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        began = now()

        await remove_pod(play.view, NAMESPACE, NAME)

        assert now() == began


@pytest.mark.parametrize("failure", [answered(429), answered(500), unreachable()])
def test_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch, failure: KubernetesError) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            play.put()
            play.cluster.fails = Refusals("DELETE", NAME, [failure] * 4)
            await remove_pod(play.view, NAMESPACE, NAME)
            assert play.pod() is None

    run()


@in_jumping_time
async def test_what_does_not_pass_in_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put()
        play.cluster.fails = Refusals("DELETE", NAME, [answered(503)], for_ever=True)
        began = now()

        with pytest.raises(KubernetesError):
            await remove_pod(play.view, NAMESPACE, NAME, tries_for=20)

        assert 20 <= now() - began < 25


@in_jumping_time
async def test_a_refusal_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put()
        play.cluster.fails = Refusals("DELETE", NAME, [answered(403)], for_ever=True)
        began = now()

        with pytest.raises(KubernetesError):
            await remove_pod(play.view, NAMESPACE, NAME)

        assert now() == began


@in_jumping_time
async def test_a_pod_that_does_not_go_is_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put()
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))

        with pytest.raises(TimeoutError):
            await remove_pod(play.view, NAMESPACE, NAME, grace_seconds=30, gone_within=60)


@in_jumping_time
async def test_where_the_view_is_blind_the_api_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put()
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        await play.blind()
        removing = asyncio.create_task(remove_pod(play.view, NAMESPACE, NAME, grace_seconds=30))
        await asyncio.sleep(10)
        assert not removing.done()

        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)

        await removing
        assert play.view.servers.get(NAMESPACE, NAME) is not None, "the view has not seen it"


@in_jumping_time
async def test_without_an_answer_nothing_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, sighted=False) as play:
        play.put()
        await play.cluster.delete(PODS, NAME, namespace=NAMESPACE, grace_seconds=30)
        play.cluster.fails = lambda method, _: unreachable() if method == "GET" else None

        with pytest.raises(TimeoutError):
            await remove_pod(play.view, NAMESPACE, NAME, grace_seconds=30)
