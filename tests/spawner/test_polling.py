"""Whether a server runs, and who learns that it does not."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from jupyterhub import orm

from genkan_profiles.language.sentences import say
from genkan_spawner.aftermath import Aftermath
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.kinds import PODS

from ..support.jumping import in_jumping_time, now
from .stage import ADDRESS, NAMESPACE, Record, answered, running, spawners, stage, started, unreachable

NAME = "jupyter-alice"
PREEMPTED = "The server was stopped to make room for a job of higher priority."


def disrupted(reason: str) -> dict[str, Any]:
    row = {"type": "DisruptionTarget", "status": "True", "reason": reason}
    return {"conditions": [row | {"lastTransitionTime": "2026-09-01T14:02:00Z"}]}


def terminated(exit_code: int, reason: str = "Error") -> dict[str, Any]:
    state = {"terminated": {"exitCode": exit_code, "reason": reason, "finishedAt": "2026-09-01T14:02:00Z"}}
    row = {"name": "notebook", "ready": False, "restartCount": 0, "state": state}
    return {"phase": "Failed" if exit_code else "Succeeded", "containerStatuses": [row]}


def server() -> orm.Server:
    """Return where JupyterHub takes the server to be once it is ready."""
    return orm.Server(proto="http", ip=ADDRESS, port=8888, base_url="/user/alice/", cookie_name="alice")


def sentence(spawner: ClusterSpawner) -> str | None:
    return spawner.aftermath.sentence if spawner.aftermath is not None else None


@in_jumping_time
async def test_a_server_that_runs_is_not_polled_at_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make)
        before = sum(play.cluster.calls.values())

        assert [await spawner.poll() for _ in range(10)] == [None] * 10
        assert sum(play.cluster.calls.values()) == before


@in_jumping_time
async def test_a_server_that_went_is_gone_and_the_next_visit_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make)
        await play.set(**disrupted("PreemptionByScheduler"))
        await asyncio.sleep(1)
        assert await spawner.poll() is None, "it is still ending"
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await asyncio.sleep(1)

        assert await spawner.poll() == 1
        assert spawner.aftermath == Aftermath(say(PREEMPTED), datetime(2026, 9, 1, 14, 2, tzinfo=UTC))
        spawner.clear_state()
        assert sentence(spawner) == PREEMPTED


@in_jumping_time
async def test_a_server_that_went_without_a_word_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make)
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await asyncio.sleep(1)
        before = sum(play.cluster.calls.values())

        assert await spawner.poll() == 1
        assert spawner.aftermath is None
        assert sum(play.cluster.calls.values()) == before


@pytest.mark.parametrize(
    ("failure", "status"), [(answered(404), 1), (unreachable(), None), (answered(500), None), (answered(403), None)]
)
def test_where_the_view_never_saw_pods_the_api_is_asked(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int | None
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch, sighted=False) as play, spawners(monkeypatch) as make:
            play.put(status=running())
            listing = play.cluster.fails

            def fails(method: str, path: str) -> Any:
                return failure if path.endswith(NAME) else listing and listing(method, path)

            play.cluster.fails = fails

            assert await make().poll() is status

    run()


@in_jumping_time
async def test_a_poisoned_first_list_never_makes_a_running_server_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, sighted=False) as play, spawners(monkeypatch) as make:
        play.put(status=running())
        spawner = make()

        for _ in range(100):
            assert await spawner.poll() is None
            await asyncio.sleep(30)
        await play.sighted()
        assert await spawner.poll() is None
        assert play.view.servers.get(NAMESPACE, NAME)


@in_jumping_time
async def test_what_a_blind_poll_has_seen_does_not_outlive_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, sighted=False) as play, spawners(monkeypatch) as make:
        play.put(status=running())
        spawner = make()
        assert await spawner.poll() is None
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await play.sighted()

        assert await spawner.poll() == 1


@in_jumping_time
async def test_a_view_that_goes_blind_changes_nothing_for_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make)
        await play.blind()

        assert await spawner.poll() is None


@in_jumping_time
async def test_the_namespace_of_any_server_is_watched_where_not_all_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, sighted=False) as play, spawners(monkeypatch) as make:

        def fails(_: str, path: str) -> Any:
            return answered(403) if path == "/api/v1/pods" else None

        play.cluster.fails = fails
        async with asyncio.timeout(600):
            while not play.view.sees_pods(NAMESPACE):
                await asyncio.sleep(1)
        assert not play.view.sees_pods("elsewhere")
        play.put(metadata={"namespace": "elsewhere"})

        assert await make(namespace="elsewhere").poll() is None
        assert play.view.sees_pods("elsewhere")
        assert await make("bob", namespace="elsewhere").poll() == 1
        assert await make().poll() == 1


@pytest.mark.parametrize(
    ("exit_code", "words"), [(0, "ended by itself."), (3, "exit code 3"), (137, "used more memory than it had")]
)
def test_a_server_that_ended_is_told_by_its_exit_code_and_its_pod_goes(
    monkeypatch: pytest.MonkeyPatch, exit_code: int, words: str
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            spawner = await started(play, make)
            await play.set(**terminated(exit_code, "OOMKilled" if exit_code == 137 else "Error"))
            await asyncio.sleep(1)

            assert await spawner.poll() == exit_code
            assert play.pod() is None
            assert words in (sentence(spawner) or "")
            # JupyterHub looks once more when it stops the server.
            assert await spawner.poll() == 1
            assert words in (sentence(spawner) or "")

    run()


@in_jumping_time
async def test_the_hub_looks_as_soon_as_a_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        record = Record()
        spawner = await started(play, make, orm_spawner=record)
        record.server = server()
        ended: list[float] = []
        spawner.add_poll_callback(lambda: ended.append(now()))
        await asyncio.sleep(1000)
        await play.set(**disrupted("PreemptionByScheduler"))
        await asyncio.sleep(10)
        assert ended == []

        began = now()
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await asyncio.sleep(5)

        assert ended == [began]
        assert sentence(spawner) == PREEMPTED


@in_jumping_time
async def test_a_server_that_is_being_started_or_stopped_is_left_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        record = Record()
        spawner = await started(play, make, orm_spawner=record)
        record.server = server()
        ended: list[float] = []
        spawner.add_poll_callback(lambda: ended.append(now()))
        spawner._stop_pending = True

        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await asyncio.sleep(5)

        assert ended == []


@in_jumping_time
async def test_a_hub_that_came_back_looks_as_soon_as_a_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        play.put(status=running())
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        spawner = make(orm_spawner=Record(server=server()))
        ended: list[float] = []
        spawner.add_poll_callback(lambda: ended.append(now()))
        assert await spawner.poll() is None

        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        await asyncio.sleep(1)

        assert len(ended) == 1
