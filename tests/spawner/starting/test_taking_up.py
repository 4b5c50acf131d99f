"""Starts that an earlier hub has begun, as JupyterHub finds them when it comes back."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jupyterhub import orm

from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.kinds import PODS
from genkan_spawner.starting.taking_up import AT_LEAST

from ...support.jumping import in_jumping_time, now
from ..stage import ADDRESS, NAMESPACE, Database, Record, Stage, answered, running, spawners, stage, stamp
from .scenes import NAME, container, waiting


def left_behind(make: Callable[..., ClusterSpawner], *, ip: str = "", **traits: Any) -> ClusterSpawner:
    """Return a spawner as JupyterHub looks at it after it has come back; a completed start has an address."""
    server = orm.Server(proto="http", ip=ip, port=8888, base_url="/", cookie_name="alice")
    spawner = make(orm_spawner=Record(server=server), **traits)
    spawner.db = Database()
    spawner._check_pending = True
    return spawner


async def begun(play: Stage, *, seconds_ago: float = 0) -> None:
    """Leave a pod that an earlier hub has created, and that does not run yet."""
    created = stamp(datetime.now(tz=UTC) - timedelta(seconds=seconds_ago))
    play.put(metadata={"creationTimestamp": created})
    await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))


@in_jumping_time
async def test_a_start_is_followed_until_its_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        await begun(play)
        spawner = left_behind(make, http_timeout=5)
        began = now()
        polling = asyncio.create_task(spawner.poll())
        await asyncio.sleep(200)
        await play.run()

        assert await polling is None
        assert now() - began == pytest.approx(200, abs=1)
        assert spawner.server is not None
        assert spawner.server.ip == ADDRESS
        assert spawner.aftermath is None


@in_jumping_time
async def test_a_start_that_cannot_go_on_ends_with_its_reason_for_the_next_visit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        await begun(play)
        spawner = left_behind(make)
        polling = asyncio.create_task(spawner.poll())
        await play.set(node_name="a", containerStatuses=waiting("InvalidImageName", "couldn't parse"))

        assert await polling == 1
        # JupyterHub cleans up after it.
        await spawner.stop(now=True)
        assert play.pod() is None
        spawner.clear_state()
        assert spawner.aftermath is not None
        assert "image" in spawner.aftermath.sentence


@pytest.mark.parametrize(("age", "left"), [(100, 195), (295, AT_LEAST), (100_000, AT_LEAST)])
def test_a_start_has_the_time_that_was_left_to_it(monkeypatch: pytest.MonkeyPatch, age: float, left: float) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            await begun(play, seconds_ago=age)
            began = now()

            assert await left_behind(make, start_timeout=295).poll() == 1
            assert now() - began == pytest.approx(left, abs=2)

    run()


@in_jumping_time
async def test_a_server_whose_start_was_completed_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        play.put(status=running())
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        began, calls = now(), play.cluster.calls["GET", PODS.plural]

        assert await left_behind(make, ip=ADDRESS).poll() is None
        assert now() == began
        assert play.cluster.calls["GET", PODS.plural] == calls, "a hub may have thousands of servers"


@in_jumping_time
async def test_a_server_that_ends_before_it_has_ever_answered_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        monkeypatch.setattr("genkan_spawner.starting.pursuit.door_opened", lambda _: asyncio.sleep(1000))
        play.put(status=running())
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        began, spawner = now(), left_behind(make, http_timeout=120)
        polling = asyncio.create_task(spawner.poll())
        await asyncio.sleep(5)
        ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
        await play.set(phase="Failed", containerStatuses=[container(ended)])

        assert await polling == 1
        assert now() - began < 10
        assert spawner.aftermath is not None
        assert "memory" in spawner.aftermath.sentence


@in_jumping_time
async def test_a_server_that_does_not_run_yet_is_only_followed_by_a_hub_that_came_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        await begun(play)
        began = now()

        assert await make().poll() is None
        assert now() == began


@in_jumping_time
async def test_a_hub_that_sees_no_pods_yet_takes_up_a_start_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, sighted=False) as play, spawners(monkeypatch) as make:
        play.put()
        spawner = left_behind(make)
        polling = asyncio.create_task(spawner.poll())
        await asyncio.sleep(30)
        assert not polling.done()
        await play.run()

        assert await polling is None
        assert spawner.server is not None
        assert (spawner.server.ip, spawner.server.port) == (ADDRESS, 8888)


@in_jumping_time
async def test_nothing_is_concluded_of_a_pod_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        await begun(play)
        play.cluster.fails = lambda _, path: answered(500) if path.endswith(NAME) else None

        assert await left_behind(make).poll() is None
        assert play.pod() is not None
