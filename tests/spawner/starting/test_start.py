"""Whole starts: what they create, and for whom."""

from datetime import UTC, datetime
from typing import Any

import pytest

from genkan_profiles.language.sentences import say
from genkan_spawner.aftermath import Aftermath
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import CLAIMS, PODS
from genkan_spawner.marks import HUB, START, USER_NAME, hub_mark
from genkan_spawner.reasons import Reason
from genkan_spawner.starting.answer import answer_form

from ...support.jumping import in_jumping_time, now
from ..stage import (
    NAMESPACE,
    Database,
    Record,
    as_the_api_server,
    spawners,
    stage,
    told,
)
from .scenes import HOME, NAME, claims, refusal


@in_jumping_time
async def test_a_pod_carries_the_marks_of_its_hub_and_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        starting = spawner.start()
        pod = await play.created()
        await play.run()

        assert await starting == "http://127.1.2.3:8888"
        assert pod["metadata"]["labels"][HUB] == hub_mark(b"the hub's own secret")
        assert pod["metadata"]["annotations"][USER_NAME] == "alice"
        assert pod["metadata"]["annotations"][START]
        assert spawner.pod_id == pod["metadata"]["uid"]


@in_jumping_time
async def test_where_a_server_will_be_is_written_down_before_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        record, database = Record(), Database()
        known: list[dict[str, Any]] = []

        def look(plural: str, body: JsonObject) -> None:
            as_the_api_server(plural, body)
            known.append(dict(record.state))

        play.cluster.admits = look
        starting = make(orm_spawner=record, database=database).start()
        await play.created()
        await play.run()
        await starting

        rehearsed, created = known
        assert rehearsed == {}
        assert (created["pod_name"], created["namespace"]) == (NAME, NAMESPACE)
        assert database.commits == 1


@in_jumping_time
async def test_where_a_server_will_be_is_written_down_once_after_its_form_was_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        record, database = Record(), Database()
        spawner = make(orm_spawner=record, database=database)
        spawner.aftermath = Aftermath(say("The server ended by itself."), datetime.now(tz=UTC))
        await answer_form(spawner, {})
        # JupyterHub commits after this, and before the start.
        spawner.clear_state()
        foretold = dict(record.state)
        starting = spawner.start()
        await play.created()
        await play.run()
        await starting

        assert (foretold["pod_name"], foretold["namespace"]) == (NAME, NAMESPACE)
        assert record.state == foretold == spawner.get_state()
        assert database.commits == 0
        spawner.clear_state()
        assert record.state == foretold, "the end of a server foretells nothing"


@in_jumping_time
async def test_quotas_count_a_pod_themselves_from_its_creation_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        confirmed: list[int] = []
        monkeypatch.setattr(play.view.cache, "confirm", lambda _: confirmed.append(len(play.cluster.all(PODS))))
        starting = make().start()
        await play.created()
        await play.run()
        await starting

        assert confirmed == [1]


@in_jumping_time
async def test_of_two_users_at_once_the_last_gpu_is_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        began = now()
        first, second = make("alice").start(), make("bob").start()

        found = await refusal(second)

        assert (found.reason, found.status_code) == (Reason.CAPACITY, 409)
        assert now() == began
        await play.created()
        await play.run()
        await first
        assert [pod["metadata"]["name"] for pod in play.cluster.all(PODS)] == [NAME]


@in_jumping_time
async def test_a_home_is_created_after_the_pod_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        order: list[str] = []

        def note(plural: str, body: JsonObject) -> None:
            order.append(plural)
            as_the_api_server(plural, body)

        play.cluster.admits = note
        spawner = make(**HOME)
        starting = spawner.start()
        await play.created()
        await play.run()
        await starting
        await spawner.stop(now=True)

        assert order == ["persistentvolumeclaims", "pods", "pods", "persistentvolumeclaims"]
        assert claims(play) == ["claim-alice"]
        assert spawner.get_state()["pvc_name"] == "claim-alice"

        order.clear()
        starting = spawner.start()
        await play.created()
        await play.run()
        await starting
        assert order == ["persistentvolumeclaims", "pods", "pods"]
        assert play.cluster.calls["DELETE", CLAIMS.plural] == 0


@in_jumping_time
async def test_a_home_that_is_there_is_not_created(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        home = play.cluster.put(CLAIMS, {"metadata": {"name": "claim-alice", "namespace": NAMESPACE}})
        starting = make(**HOME).start()
        await play.created()
        await play.run()
        await starting

        assert play.cluster.all(CLAIMS) == [home]
        assert play.cluster.calls["POST", CLAIMS.plural] == 1


@in_jumping_time
async def test_an_earlier_server_is_ended_first_and_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=2) as play, spawners(monkeypatch) as make:
        earlier = play.put()["metadata"]["uid"]
        spawner = make()
        starting = spawner.start()
        await play.cluster.until(lambda: (play.pod() or {"metadata": {"uid": earlier}})["metadata"]["uid"] != earlier)
        await play.run()
        await starting

        assert "An earlier server of yours is ended first." in told(spawner._story)
        assert spawner.aftermath is None
