"""Following one pod; the steps before that are in test_start."""

import asyncio
from typing import Any

import pytest

from genkan_spawner.following.endings import Patience
from genkan_spawner.following.pod_events import EVERY, LATER
from genkan_spawner.kinds import EVENTS, PODS
from genkan_spawner.reasons import Reason
from genkan_spawner.starting.pursuit import LOOK_EVERY
from genkan_spawner.starting.story import Story

from ...support.jumping import in_jumping_time, now
from ..stage import NAMESPACE, TOKEN, running, stage, told, unreachable
from .scenes import NAME, ago, condition, container, no_room, pursue, refusal, waiting


@in_jumping_time
async def test_a_server_that_runs_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        following = pursue(play, play.put())
        await asyncio.sleep(10.4)
        await play.run()
        ran = now()

        pod = await following

        assert now() == ran
        assert pod["status"]["podIP"] == "127.1.2.3"
        assert TOKEN not in repr(pod)


@in_jumping_time
async def test_while_nothing_happens_nothing_is_asked_of_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        following = pursue(play, play.put())
        await asyncio.sleep(5)
        before = sum(play.cluster.calls.values())
        await asyncio.sleep(100 * LOOK_EVERY)
        assert sum(play.cluster.calls.values()) == before
        assert play.cluster.calls["GET", "events"] == 0
        await play.run()
        await following


@in_jumping_time
async def test_a_start_that_is_quick_asks_for_no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        following = pursue(play, play.put())
        await asyncio.sleep(1.5)
        await play.run()
        await following
        await asyncio.sleep(60)

        assert play.cluster.calls["GET", "events"] == 0


@in_jumping_time
async def test_a_start_that_takes_long_on_its_machine_holds_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        opened: list[str] = []
        stream = play.cluster.stream

        def recorded(path: str, **more: Any) -> Any:
            opened.append(path)
            return stream(path, **more)

        monkeypatch.setattr(play.cluster, "stream", recorded)
        following = pursue(play, play.put())
        await play.set(node_name="a", containerStatuses=waiting("ContainerCreating"))
        await asyncio.sleep(LATER + 10 * EVERY + 1)

        assert not [path for path in opened if path.endswith(EVENTS.plural)]
        assert play.cluster.calls["GET", "events"] == 11
        await play.set(containerStatuses=[container({"running": {}})])
        await asyncio.sleep(10 * EVERY)
        assert play.cluster.calls["GET", "events"] == 11, "the pod itself tells now"
        following.cancel()


@in_jumping_time
async def test_the_newest_event_is_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        story, pod = Story(), play.put()
        following = pursue(play, pod, story=story)
        await play.set(node_name="a", containerStatuses=waiting("ContainerCreating"))
        play.happen(pod, "Pulling", first="2026-01-01T00:00:09Z")
        play.happen(pod, "SuccessfulAttachVolume", first="2026-01-01T00:00:05Z")
        await asyncio.sleep(LATER + EVERY)

        assert story.last == "The image is being fetched; the first time on a machine this takes minutes."
        following.cancel()


@in_jumping_time
async def test_the_steps_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        story = Story()
        pod = play.put()
        following = pursue(play, pod, story=story)
        await asyncio.sleep(LATER + EVERY)
        await play.set(node_name="a", conditions=[condition("PodScheduled", "True", "")])
        await asyncio.sleep(LATER + EVERY)
        play.happen(pod, "Pulling")
        await asyncio.sleep(LATER + EVERY)
        play.happen(pod, "Pulled")
        await asyncio.sleep(LATER + EVERY)
        await play.set(containerStatuses=[container({"running": {}})])
        await asyncio.sleep(LATER + EVERY)
        await play.run()
        await following

    assert told(story) == [
        "A machine is being looked for.",
        "A place was found on a; storage and image are being prepared.",
        "The image is being fetched; the first time on a machine this takes minutes.",
        "The image is there.",
        "The server is starting up.",
        "The server runs; it is being connected.",
    ]


@in_jumping_time
async def test_an_obstacle_ends_the_start_when_patience_does_and_without_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as play:
        following = pursue(play, play.put())
        await play.set(conditions=[no_room(0)])
        began = now()

        assert (await refusal(following)).reason == Reason.CAPACITY
        assert 60 - 1 <= now() - began <= 60 + LOOK_EVERY


@pytest.mark.parametrize("ahead", [-600, 600])
def test_a_hub_whose_clock_is_not_the_clusters_is_as_patient(monkeypatch: pytest.MonkeyPatch, *, ahead: float) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            following = pursue(play, play.put(metadata={"creationTimestamp": ago(ahead)}))
            await play.set(conditions=[no_room(ahead)])
            began = now()

            assert (await refusal(following)).reason == Reason.CAPACITY
            assert 60 - 1 <= now() - began <= 60 + LOOK_EVERY

    run()


@in_jumping_time
async def test_an_obstacle_that_passes_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        following = pursue(play, play.put())
        await play.set(conditions=[no_room(0)])
        await asyncio.sleep(50)
        await play.run()

        await following


@in_jumping_time
async def test_who_waits_is_told_whose_turn_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        story = Story()
        wanted = {"limits": {"nvidia.com/gpu": "1"}}
        spec = {"containers": [{"name": "notebook", "resources": wanted}]}
        play.put("jupyter-bob", spec=spec, metadata={"creationTimestamp": ago(90)})
        patient = Patience(placing=None)
        following = pursue(play, play.put(spec=spec), story=story, patience=patient, seconds=3600)
        await play.set(conditions=[no_room(600)])
        await asyncio.sleep(600)
        assert story.last == "No machine has room yet; you are number 2 of 2 who wait for GPUs."
        await play.set("jupyter-bob", node_name="a")
        await asyncio.sleep(2 * LOOK_EVERY)
        assert story.last == "No machine has room yet; you are the only one who waits for GPUs."
        following.cancel()


@in_jumping_time
async def test_a_start_ends_before_the_hub_would_end_it_and_says_how_far_it_got(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as play:
        began = now()
        following = pursue(play, play.put(), seconds=120)
        await play.set(node_name="a", containerStatuses=[container({"running": {}})])

        found = await refusal(following)

        assert 120 <= now() - began <= 120 + LOOK_EVERY
        assert (found.reason, found.status_code) == (Reason.UNAVAILABLE, 503)
        assert found.jupyterhub_message == (
            "The server did not start in time. It got as far as this: The server is starting up."
        )


@in_jumping_time
async def test_a_namesake_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        pod = play.put()
        following = pursue(play, pod)
        await asyncio.sleep(2)
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        play.put(metadata={"uid": "another"}, status=running())

        found = await refusal(following)

        assert found.jupyterhub_message == "The server was taken away while it started."


@in_jumping_time
async def test_an_earlier_namesake_that_the_view_still_shows_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put(metadata={"uid": "earlier"}, status=running())
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        own = {"metadata": {"namespace": NAMESPACE, "name": NAME, "uid": "own"}}
        following = pursue(play, own)
        await asyncio.sleep(5)
        assert not following.done()
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await asyncio.sleep(5)
        assert not following.done()
        play.put(metadata={"uid": "own"}, status=running())

        assert (await following)["metadata"]["uid"] == "own"


@in_jumping_time
async def test_where_the_view_goes_blind_the_api_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        following = pursue(play, play.put())
        await asyncio.sleep(2)
        await play.blind()
        await asyncio.sleep(5)
        assert not following.done()
        await play.run()

        pod = await following

        assert pod["status"]["podIP"] == "127.1.2.3"
        assert TOKEN not in repr(pod)


@in_jumping_time
async def test_what_a_blind_view_was_told_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, sighted=False) as play:
        following = pursue(play, play.put())
        await play.run()
        await following
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await play.sighted()

        assert list(play.view.servers) == []


@pytest.mark.parametrize("sees_it_go", [False, True])
def test_a_pod_that_goes_while_the_view_is_blind_is_missed(
    monkeypatch: pytest.MonkeyPatch, *, sees_it_go: bool
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            following = pursue(play, play.put())
            await asyncio.sleep(2)
            await play.blind()
            if not sees_it_go:
                play.cluster.fails = lambda *_: unreachable()
            await asyncio.sleep(5)
            play.cluster.forget(PODS, NAME, namespace=NAMESPACE)
            await asyncio.sleep(5)
            assert following.done() is sees_it_go
            await play.sighted()

            assert (await refusal(following)).jupyterhub_message == "The server was taken away while it started."

    run()


@in_jumping_time
async def test_an_api_that_is_down_ends_no_start_but_time_does(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        following = pursue(play, play.put(), seconds=100)
        await asyncio.sleep(2)
        await play.blind()
        play.cluster.fails = lambda *_: unreachable()
        await asyncio.sleep(90)
        assert not following.done()

        assert "did not start in time" in (await refusal(following)).jupyterhub_message


@in_jumping_time
async def test_events_of_other_pods_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        other = play.put("jupyter-bob")
        following = pursue(play, play.put())
        await play.set(node_name="a", containerStatuses=waiting("ContainerCreating"))
        play.happen(other, "FailedMount")
        await asyncio.sleep(30)
        assert not following.done()
        following.cancel()
