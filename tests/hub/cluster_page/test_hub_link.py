import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from genkan_hub.cluster_page.exceptions import StopError
from genkan_hub.cluster_page.hub_link import HubLink
from genkan_hub.cluster_page.hub_report import HubReport, ServerReport, StopRequest

from .servers import Scripted, scripted

REPORT = HubReport(mark="m", servers=(ServerReport(user="alice"),))
STARTED = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
async def hub() -> AsyncIterator[Scripted]:
    async with scripted() as server:
        server.body = REPORT.model_dump_json()
        yield server


def link(hub: Scripted) -> HubLink:
    return HubLink(f"{hub.url}/hub/api", "the-token")


async def test_the_hub_is_asked_with_the_token_of_the_page(hub: Scripted) -> None:
    made = link(hub)
    assert (made.age, bool(made.problem)) == (None, True)
    await made.read()
    assert (made.report, made.problem) == (REPORT, "")
    assert made.age is not None
    assert (hub.asked[0].path, hub.asked[0].token) == ("/hub/api/genkan/report", "token the-token")


async def test_each_report_is_told(hub: Scripted) -> None:
    made = link(hub)
    told: list[HubReport] = []
    made.told = told.append
    await made.read()
    assert told == [REPORT]


async def test_what_a_newer_hub_tells_beside_is_left_alone(hub: Scripted) -> None:
    hub.body = json.dumps({**json.loads(REPORT.model_dump_json()), "weather": "fine"})
    made = link(hub)
    await made.read()
    assert (made.report, made.problem) == (REPORT, "")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (403, "", "The hub does not accept the token of the cluster page, or its rights are not enough."),
        (500, "", "The hub answers with an error (500)."),
        (200, "<html>", "The hub answers what cannot be understood: is it of another version?"),
        (200, '{"version": 2}', "The hub answers what cannot be understood: is it of another version?"),
    ],
)
async def test_a_hub_that_fails_is_told_and_what_it_said_before_stays(
    hub: Scripted, status: int, body: str, sentence: str
) -> None:
    made = link(hub)
    await made.read()
    hub.status, hub.body = status, body
    await made.read()
    assert (made.problem, made.report) == (sentence, REPORT)


async def test_a_hub_that_is_not_there_is_told() -> None:
    async with scripted() as gone:
        made = link(gone)
    await made.read()
    assert made.problem == "The hub does not answer."


async def test_a_change_has_the_hub_asked_soon(hub: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genkan_hub.cluster_page.hub_link.LEAST", 0.01)
    made = link(hub)
    running = asyncio.create_task(made.run())
    async with asyncio.timeout(10):
        while not hub.asked:
            await asyncio.sleep(0.01)
        made.ask_soon()
        while len(hub.asked) < 2:
            await asyncio.sleep(0.01)
    running.cancel()


async def test_a_server_is_stopped_in_the_name_of_who_asks(hub: Scripted) -> None:
    await link(hub).stop("a/b c", "deep", wanted=StopRequest(note="for now", started=STARTED), token="their-own")
    (asked,) = hub.asked
    assert (asked.method, asked.token) == ("POST", "token their-own")
    assert asked.path == "/hub/api/genkan/users/a%2Fb%20c/servers/deep/stop"
    assert json.loads(asked.body) == {"note": "for now", "started": "2026-11-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (409, '{"status": 409, "message": "Another text"}', "This server was started anew in the meantime"),
        (404, "<html>", "This server does not run any more"),
        (400, '{"status": 400, "message": "alice is pending stop, please wait"}', "alice is pending stop, please wait"),
        (400, "<html>", r"The hub answers with an error \(400\)"),
        (500, "[]", r"The hub answers with an error \(500\)"),
    ],
)
async def test_a_refusal_is_told_in_words_of_ours_or_of_the_hub(
    hub: Scripted, status: int, body: str, sentence: str
) -> None:
    hub.status, hub.body = status, body
    with pytest.raises(StopError, match=sentence):
        await link(hub).stop("alice", "", wanted=StopRequest(), token="their-own")


async def test_a_hub_that_is_away_stops_nothing() -> None:
    async with scripted() as gone:
        made = link(gone)
    with pytest.raises(StopError, match="The hub does not answer"):
        await made.stop("alice", "", wanted=StopRequest(), token="their-own")
