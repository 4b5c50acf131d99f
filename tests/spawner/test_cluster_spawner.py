"""Stopping, and what is told before and after; starts are in tests/spawner/starting."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from genkan_profiles import WhenFull
from genkan_profiles.language.sentences import say
from genkan_spawner.aftermath import Aftermath
from genkan_spawner.checks.conditions import Conditions
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.kinds import PODS
from genkan_spawner.refusals import Refusal

from ..support.jumping import in_jumping_time, now
from .stage import NAMESPACE, TOKEN, Record, spawners, stage, started

NAME = "jupyter-alice"
PREEMPTED = "The server was stopped to make room for a job of higher priority."


def sentence(spawner: ClusterSpawner) -> str | None:
    return spawner.aftermath.sentence if spawner.aftermath is not None else None


@in_jumping_time
async def test_after_a_stop_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make, delete_grace_period=30)
        stopping = asyncio.create_task(spawner.stop())
        await play.cluster.until(lambda: (play.pod() or {})["metadata"].get("deletionTimestamp"))
        pod = play.pod()
        assert pod is not None
        assert pod["metadata"]["deletionGracePeriodSeconds"] == 30
        await asyncio.sleep(10)
        assert not stopping.done()
        play.cluster.remove(PODS, NAME, namespace=NAMESPACE)
        ended = now()
        await stopping

        assert now() == ended
        assert await spawner.poll() == 1
        assert spawner.aftermath is None


@in_jumping_time
async def test_a_stop_at_once_leaves_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make)

        await spawner.stop(now=True)

        assert play.pod() is None


@pytest.mark.parametrize(
    ("unused", "told"),
    [(59, None), (75, "The server was stopped after nobody had used it for 75 minutes."), (None, None)],
)
def test_a_server_that_nobody_used_is_told_so(
    monkeypatch: pytest.MonkeyPatch, unused: int | None, told: str | None
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            record = Record()
            spawner = await started(play, make, orm_spawner=record, idle_timeout=3600)
            if unused is not None:
                last = datetime.now(tz=UTC) - timedelta(minutes=unused, seconds=30)
                record.last_activity = last.replace(tzinfo=None)

            await spawner.stop(now=True)

            assert sentence(spawner) == told

    run()


@in_jumping_time
async def test_where_nothing_culls_nobody_was_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        record = Record(last_activity=datetime(2026, 1, 1))  # noqa: DTZ001  # as the hub's database has it
        spawner = await started(play, make, orm_spawner=record)

        await spawner.stop(now=True)

        assert spawner.aftermath is None


@in_jumping_time
async def test_the_end_is_kept_with_the_state_until_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        spawner.aftermath = Aftermath(say(PREEMPTED), datetime(2026, 9, 1, tzinfo=UTC))
        state = spawner.get_state()

        after_restart = make()
        after_restart.load_state(state)
        assert after_restart.aftermath == spawner.aftermath
        assert after_restart.get_state() == state

        starting = after_restart.start()
        await play.created()
        await play.run()
        await starting
        assert after_restart.aftermath is None
        assert "genkan_ended" not in after_restart.get_state()


@pytest.mark.parametrize("garbage", [None, 7, "x", [], {}, {"sentence": 1, "at": "x"}])
def test_garbage_in_the_state_is_no_end(monkeypatch: pytest.MonkeyPatch, garbage: object) -> None:
    @in_jumping_time
    async def run() -> None:
        async with spawners(monkeypatch) as make:
            spawner = make()
            spawner.load_state(spawner.get_state() | {"genkan_ended": garbage})
            assert spawner.aftermath is None

    run()


@in_jumping_time
async def test_every_page_gets_the_whole_progress_and_the_next_start_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        pages = [spawner.progress(), spawner.progress()]
        starting = spawner.start()
        first = [await anext(page) for page in pages]
        await play.created()
        await play.run()
        await starting
        for page in pages:
            rest = [await anext(page) for _ in range(2)]
            assert all(row["message"].endswith(".") and 0 < row["progress"] < 100 for row in rest)
            assert TOKEN not in repr(rest)
        assert first == [{"progress": 10, "message": "Your choice is being checked."}] * 2
        for page in pages:
            async with aclosing(page):
                pass

        spawner.clear_state()
        assert spawner._story.last == ""


@in_jumping_time
async def test_patience_is_what_the_site_sets_and_hardware_that_is_waited_for_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with spawners(monkeypatch) as make:
        spawner = make(placing_timeout=7.0, pulling_timeout=8.0, mounting_timeout=9.0)
        found = spawner.patience
        assert (found.placing, found.pulling, found.mounting) == (7.0, 8.0, 9.0)

        spawner.conditions = Conditions(when_full=WhenFull.WAIT)
        assert spawner.patience.placing is None


@in_jumping_time
async def test_a_full_cluster_refuses_or_lets_wait_as_the_hardware_says(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        await started(play, make)
        with pytest.raises(Refusal):
            await make("bob").start()
        patient = make("carol")
        patient.conditions = Conditions(when_full=WhenFull.WAIT)
        waiting = patient.start()
        await play.created("jupyter-carol")
        await asyncio.sleep(100)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert play.pod("jupyter-carol") is None


@in_jumping_time
async def test_kubespawner_finds_its_pods_without_a_watch_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make)

        found = spawner.pod_reflector.pods
        assert list(found) == [f"{NAMESPACE}/{NAME}"]
        assert len(found) == 1
        assert found[f"{NAMESPACE}/{NAME}"]["status"]["podIP"] == "127.1.2.3"
        assert f"{NAMESPACE}/jupyter-bob" not in found
        assert TOKEN not in repr(dict(found))
        assert spawner.reflectors == {}
        assert play.cluster.calls["GET", "pods"] == 1
