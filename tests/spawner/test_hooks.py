"""What becomes of a site's own hook that fails: its own words for the user, or one sentence and a line in the log."""

import logging
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException
from tornado.web import HTTPError

from genkan_profiles.language.sentences import say
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.hooks import call_hook
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

from ..support.jumping import in_jumping_time
from .stage import TOKEN, spawners, stage
from .starting.scenes import refusal

FAILED = "A hook of this site has failed. Tell an administrator: the hub's log names it."
LOG = logging.getLogger("test")


class WordsError(Exception):
    jupyterhub_message = "Sign the terms of use first."
    jupyterhub_html_message = "Sign the <a href='/terms'>terms of use</a> first."


class LogError(Exception):
    log_message = "the terms service answered 500"


def fails(error: BaseException) -> Any:
    def hook(*_: Any) -> None:
        raise error

    return hook


async def test_what_a_hook_returns_is_returned() -> None:
    async def doubled(number: int) -> int:
        return 2 * number

    assert await call_hook("h", doubled, 2, log=LOG) == 4
    assert await call_hook("h", lambda: "plain", log=LOG) == "plain"


@pytest.mark.parametrize(
    ("error", "sentence", "reason", "status"),
    [
        (WordsError(), "Sign the terms of use first.", Reason.UNAVAILABLE, 503),
        (HTTPError(403, "Only members of %s.", "lab"), "Only members of lab.", Reason.UNAVAILABLE, 403),
        (HTTPError(500, "100% full"), "100% full", Reason.UNAVAILABLE, 500),
        (HTTPError(409, reason="Too early"), "Too early", Reason.UNAVAILABLE, 409),
        (HTTPError(500), FAILED, Reason.UNAVAILABLE, 500),
        (SpawnException("No budget.", reason="quota", status_code=402), "No budget.", Reason.QUOTA, 402),
        (SpawnException("No budget.", reason="money"), "No budget.", Reason.UNAVAILABLE, 400),
        (LogError("boom"), FAILED, Reason.UNAVAILABLE, 503),
        (TimeoutError(), FAILED, Reason.UNAVAILABLE, 503),
    ],
)
async def test_an_exception_keeps_its_own_words_for_the_user(
    error: Exception, sentence: str, reason: Reason, status: int
) -> None:
    found = await refusal(call_hook("pre_spawn_hook", fails(error), log=LOG))

    assert (found.jupyterhub_message, found.reason, found.status_code) == (sentence, reason, status)
    assert found.jupyterhub_html_message == getattr(error, "jupyterhub_html_message", None)
    assert (found.__cause__, found.__suppress_context__) == (None, True)


async def test_what_is_meant_for_the_log_stays_there() -> None:
    found = await refusal(call_hook("pre_spawn_hook", fails(LogError("boom")), log=LOG))

    assert "the terms service answered 500" in str(found)


async def test_a_refusal_passes_as_it_is() -> None:
    own = Refusal(say("No."), reason=Reason.ACCESS)

    assert await refusal(call_hook("h", fails(own), log=LOG)) is own


async def test_the_log_names_the_hook_and_where_it_failed_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    token = "0123456789abcdef0123456789abcdef"

    found = await refusal(call_hook("modify_pod_hook", fails(KeyError(f"JUPYTERHUB_API_TOKEN={token}")), log=LOG))

    assert "The hook modify_pod_hook of this site has failed.\nTraceback" in caplog.text
    assert "test_hooks.py" in caplog.text
    assert "KeyError" in caplog.text
    assert token not in caplog.text + str(found) + found.jupyterhub_message


@pytest.mark.parametrize("name", ["modify_pod_hook", "after_pod_created_hook"])
@in_jumping_time
async def test_a_start_whose_hook_fails_is_refused_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:

        def hook(_: ClusterSpawner, pod: JsonObject) -> None:
            raise RuntimeError(repr(pod))

        found = await refusal(make(**{name: hook}).start())

        assert (found.jupyterhub_message, found.reason) == (FAILED, Reason.UNAVAILABLE)
        assert play.pod() is None
        assert play.view.cache.snapshot().pending == ()


@pytest.mark.parametrize("name", ["pre_spawn_hook", "auth_state_hook"])
async def test_hooks_before_the_start_are_refusals_too(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with spawners(monkeypatch) as make:
        spawner, plain = make(**{name: fails(RuntimeError(TOKEN))}), make()

        def run(one: ClusterSpawner) -> Any:
            return one.run_pre_spawn_hook() if name == "pre_spawn_hook" else one.run_auth_state_hook({"a": "b"})

        found = await refusal(run(spawner))

        assert found.jupyterhub_message == FAILED
        await run(plain)
