"""Forms that are answered before JupyterHub begins a start."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jupyterhub.auth import Authenticator, DummyAuthenticator
from prometheus_client import REGISTRY

from genkan_spawner.api import JsonObject
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.kinds import NODES, PODS
from genkan_spawner.kubespawner_seam import pod_manifest
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal
from genkan_spawner.starting.answer import answer_form
from genkan_spawner.starting.promises import HELD_FOR

from ...support.jumping import in_jumping_time
from ...support.objects import node
from ..stage import GPU, NAMESPACE, Stage, spawners, stage, started
from .scenes import NAME, refusal


class Renewing(Authenticator):  # type: ignore[misc]  # JupyterHub is published without types
    """Has code of its own before each start."""

    def pre_spawn_start(self, user: object, spawner: object) -> None:
        """Renew a ticket."""


def assumed(play: Stage) -> list[str]:
    return [pod.name for pod in play.view.cache.snapshot().assumed]


def recording(made: list[str]) -> Callable[[ClusterSpawner], Awaitable[JsonObject]]:
    """Note for whom manifests are made."""

    async def make(spawner: ClusterSpawner) -> JsonObject:
        made.append(spawner.user.name)
        return await pod_manifest(spawner)

    return make


async def take_any_choice(_: ClusterSpawner) -> None:
    """Offer everything."""


def counted(reason: str) -> float:
    labels = {"status": "failure", "reason": reason}
    return REGISTRY.get_sample_value("jupyterhub_server_spawn_duration_seconds_count", labels) or 0


@in_jumping_time
async def test_of_fifty_forms_at_once_one_is_promised_the_last_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        users = [make(f"user-{number}") for number in range(50)]
        answers = await asyncio.gather(*(answer_form(user, {}) for user in users), return_exceptions=True)

        refused = [answer for answer in answers if isinstance(answer, Refusal)]
        assert {(found.reason, found.status_code) for found in refused} == {(Reason.CAPACITY, 409)}
        assert [answer for answer in answers if not isinstance(answer, Refusal)] == [None]
        assert len(assumed(play)) == 1
        assert play.cluster.calls["POST", PODS.plural] == 0


@in_jumping_time
async def test_the_start_takes_the_promised_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        spawner = make()
        await answer_form(spawner, {})
        starting = spawner.start()
        await play.created()
        await play.run()
        await starting

        await asyncio.sleep(HELD_FOR * 2)
        assert (await refusal(answer_form(make("bob"), {}))).reason == Reason.CAPACITY


@in_jumping_time
async def test_what_the_same_choice_needed_before_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    async with stage(monkeypatch, gpus=2) as play, spawners(monkeypatch) as make:
        monkeypatch.setattr("genkan_spawner.starting.answer.pod_manifest", recording(made))
        monkeypatch.setattr(ClusterSpawner, "load_user_options", take_any_choice)
        await answer_form(make(), {"profile": "a"})
        await answer_form(make("bob"), {"profile": "a"})
        assert sorted(assumed(play)) == ["jupyter-alice", "jupyter-bob"]
        assert made == ["alice"]

        # A refusal rests on what the very start needs, another choice too.
        await refusal(answer_form(make("carol"), {"profile": "a"}))
        await answer_form(make("dave", gpus=0), {"profile": "a"})
        await answer_form(make("erin", gpus=0), {"profile": "b"})
        assert made == ["alice", "carol", "dave", "erin"]


@in_jumping_time
async def test_a_start_that_needs_more_than_was_held_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        await answer_form(make(), {})
        play.view.promises.release(make())
        spawner = make("bob", gpus=2)
        await answer_form(spawner, {})
        assert assumed(play) == ["jupyter-bob"]

        assert (await refusal(spawner.start())).reason == Reason.CAPACITY
        assert assumed(play) == []


@in_jumping_time
async def test_a_place_whose_start_never_comes_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        await answer_form(make(), {})
        await asyncio.sleep(HELD_FOR - 1)
        await refusal(answer_form(make("bob"), {}))
        await asyncio.sleep(2)

        assert assumed(play) == []
        await answer_form(make("bob"), {})


@in_jumping_time
async def test_who_sends_a_form_twice_does_not_stand_in_the_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        spawner = make()
        await answer_form(spawner, {})
        await answer_form(spawner, {})

        assert len(assumed(play)) == 1
        play.view.promises.release(spawner)
        assert assumed(play) == []


@in_jumping_time
async def test_another_spawner_of_the_same_server_takes_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterHub reads the form after a refusal with a spawner of its own."""
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        await answer_form(make(), {})
        starting = make().start()
        await play.created()
        await play.run()

        assert await starting


@in_jumping_time
async def test_a_refusal_is_told_later_counted_and_logged_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(monkeypatch, gpus=0), spawners(monkeypatch) as make:
        before = counted("capacity")
        spawner = make()
        with caplog.at_level(logging.INFO):
            found = await refusal(answer_form(spawner, {}))
            spawner.log.error("Failed to spawn single-user server with form", exc_info=found)

        # Where JupyterHub's waiting page and event streams look.
        future: Any = spawner._spawn_future
        assert spawner._failed
        assert future.exception() is found
        assert spawner.user.spawners == {"": spawner}
        assert counted("capacity") == before + 1
        # The view of the cluster may still be saying what it follows.
        (line,) = (record for record in caplog.records if record.name == spawner.log.name)
        assert (line.levelname, line.exc_info) == ("INFO", None)
        assert found.jupyterhub_message in line.getMessage()


@pytest.mark.parametrize(
    "traits",
    [
        {"pre_spawn_hook": lambda _: None},
        {"auth_state_hook": lambda *_: None},
        {"modify_pod_hook": lambda _, pod: pod},
        {"group_overrides": {"01": {"groups": ["a"], "spawner_override": {"cpu_limit": 1}}}},
        {"authenticator": Renewing()},
        {"authenticator": DummyAuthenticator(refresh_pre_spawn=True)},
    ],
    ids=lambda traits: next(iter(traits)),
)
@in_jumping_time
async def test_nothing_is_decided_before_code_of_a_site_has_run(
    monkeypatch: pytest.MonkeyPatch, traits: dict[str, Any]
) -> None:
    async with stage(monkeypatch, gpus=0) as play, spawners(monkeypatch) as make:
        spawner = make(**traits)
        await answer_form(spawner, {})

        assert assumed(play) == []
        assert not spawner._failed


@in_jumping_time
async def test_while_an_earlier_server_ends_nothing_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=1) as play, spawners(monkeypatch) as make:
        spawner = await started(play, make)
        await answer_form(spawner, {})
        play.cluster.remove(PODS, NAME)
        play.cluster.put(NODES, node("a", allocatable={GPU: "0"}))
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME) is None)
        await answer_form(spawner, {})

        assert not spawner._failed


@in_jumping_time
async def test_an_authenticator_without_code_for_starts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, gpus=0), spawners(monkeypatch) as make:
        await refusal(answer_form(make(authenticator=DummyAuthenticator()), {}))


@in_jumping_time
async def test_a_failure_that_is_no_refusal_is_left_to_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: ClusterSpawner) -> None:
        raise RuntimeError

    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        monkeypatch.setattr(ClusterSpawner, "load_user_options", fail)
        await answer_form(make(), {})

        assert assumed(play) == []
