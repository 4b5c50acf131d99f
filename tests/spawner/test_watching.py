import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from genkan_spawner import watching
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import KubernetesError, UnreachableError
from genkan_spawner.kinds import PODS
from genkan_spawner.watching import Changed, ChangeType, Listed, Observer, Watch

from ..support.kubernetes import FakeApiServer, event, fake_api_server, thing

PATH = "/api/v1/pods"
Connection = tuple[FakeApiServer, KubernetesApi]


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    async with fake_api_server(tmp_path) as (server, api):
        server.objects[PATH] = [thing("a"), thing("b")]
        yield server, api


def name_of(obj: JsonObject) -> str:
    name: str = obj["metadata"]["name"]
    return name


@dataclass(slots=True)
class Signs(Observer):
    """Keeps what it is told."""

    lives: int = 0
    failures: list[KubernetesError] = field(default_factory=list)

    def alive(self) -> None:
        self.lives += 1

    def failed(self, failure: KubernetesError) -> None:
        self.failures.append(failure)


async def first(watch: Watch[str], count: int) -> list[Listed[str] | Changed[str]]:
    """Return the first events, or fail after a few seconds."""
    found = []
    async with asyncio.timeout(10), aclosing(watch.events()) as events:
        async for happened in events:
            found.append(happened)
            if len(found) == count:
                break
    return found


async def test_the_state_comes_first_and_then_each_change(connection: Connection) -> None:
    server, api = connection
    server.watches.append([event("ADDED", thing("c", 5)), event("DELETED", thing("a", 6))])
    events = await first(Watch(api, PODS, project=name_of), 3)
    assert events == [Listed(("a", "b")), Changed(ChangeType.ADDED, "c"), Changed(ChangeType.DELETED, "a")]


async def test_a_watch_that_ends_goes_on_where_it_was(connection: Connection) -> None:
    server, api = connection
    server.watches += [
        [event("ADDED", thing("c", 5))],
        [event("BOOKMARK", thing("", 9))],
        [event("ADDED", thing("d", 10))],
    ]
    events = await first(Watch(api, PODS, project=name_of), 3)
    assert events[1:] == [Changed(ChangeType.ADDED, "c"), Changed(ChangeType.ADDED, "d")]
    assert [request.query["resourceVersion"] for request in server.watching(PATH)] == ["1", "5", "9"]
    assert len(server.listing(PATH)) == 1


@pytest.mark.parametrize("how", ["as an event", "as an answer"])
async def test_a_place_that_is_too_old_means_listing_again(connection: Connection, how: str) -> None:
    server, api = connection
    gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
    watch = Watch(api, PODS, project=name_of)
    async with aclosing(watch.events()) as events:
        assert await anext(events) == Listed(("a", "b"))
        if how == "as an event":
            server.watches.append([event("ERROR", gone)])
        else:
            server.failures.append((410, "Expired"))
        server.objects[PATH] = [thing("z")]
        async with asyncio.timeout(10):
            assert await anext(events) == Listed(("z",))


async def test_a_server_that_refuses_each_place_it_gives_is_asked_less_and_less(connection: Connection) -> None:
    server, api = connection
    gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
    server.watches += [[event("ERROR", gone)] for _ in range(1000)]
    watch = Watch(api, PODS, project=name_of)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2), aclosing(watch.events()) as events:
            async for _ in events:
                pass
    assert 2 <= len(server.listing(PATH)) <= 6


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_a_failing_list_is_tried_again_for_ever(connection: Connection, status: int) -> None:
    server, api = connection
    server.failures += [(status, "Whatever")] * 3
    assert await first(Watch(api, PODS, project=name_of), 1) == [Listed(("a", "b"))]


async def test_a_line_cut_off_by_a_broken_connection_loses_nothing(connection: Connection) -> None:
    server, api = connection
    server.watches += [[event("ADDED", thing("c", 5)), b'{"type": "ADD'], [event("ADDED", thing("d", 6))]]
    events = await first(Watch(api, PODS, project=name_of), 3)
    assert events[1:] == [Changed(ChangeType.ADDED, "c"), Changed(ChangeType.ADDED, "d")]
    assert server.watching(PATH)[1].query["resourceVersion"] == "5"


async def test_an_object_of_a_megabyte_is_one_line_like_any_other(connection: Connection) -> None:
    server, api = connection
    server.watches.append([event("ADDED", thing("c", 5, text="x" * 2**20)), event("ADDED", thing("d", 6))])
    events = await first(Watch(api, PODS, project=name_of), 3)
    assert events[1:] == [Changed(ChangeType.ADDED, "c"), Changed(ChangeType.ADDED, "d")]
    assert len(server.watching(PATH)) == 1


async def test_a_silent_watch_is_opened_again(connection: Connection) -> None:
    server, api = connection
    watch = Watch(api, PODS, project=name_of, silence=0.2)
    async with aclosing(watch.events()) as events:
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(10):
            while len(server.watching(PATH)) < 2:
                await asyncio.sleep(0.02)
            server.watches.append([event("ADDED", thing("late", 7))])
            assert await waiting == Changed(ChangeType.ADDED, "late")


async def test_silence_alone_is_no_failure_for_nothing_may_have_happened(connection: Connection) -> None:
    server, api = connection
    signs = Signs()
    async with aclosing(Watch(api, PODS, project=name_of, silence=0.1, observer=signs).events()) as events:
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(10):
            while len(server.watching(PATH)) < 3:
                await asyncio.sleep(0.02)
            server.watches.append([event("ADDED", thing("late", 7))])
            await waiting
        assert signs.failures == []
        assert signs.lives >= 5  # the list, three times or more an open watch, the event


async def test_a_watch_that_does_not_open_is_a_failure(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    server, api = connection
    monkeypatch.setattr(watching, "OPENING_SECONDS", 0.1)
    signs = Signs()
    async with aclosing(Watch(api, PODS, project=name_of, observer=signs).events()) as events:
        await anext(events)
        server.opening.clear()
        waiting = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(10):
            while not signs.failures:
                await asyncio.sleep(0.02)
            server.change(PATH, "ADDED", thing("late"))
            server.opening.set()
            assert await waiting == Changed(ChangeType.ADDED, "late")
        assert isinstance(signs.failures[0], UnreachableError)


async def test_selectors_go_with_each_request(connection: Connection) -> None:
    server, api = connection
    server.watches.append([event("ADDED", thing("c", 5))])
    await first(Watch(api, PODS, project=name_of, namespace="n", field_selector="spec.nodeName=x"), 1)
    assert server.requests[0].path == "/api/v1/namespaces/n/pods"
    assert server.requests[0].query["fieldSelector"] == "spec.nodeName=x"


async def test_an_observer_hears_of_each_sign_of_life_and_of_each_failure(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    server, api = connection
    server.failures += [(403, "Forbidden"), (503, "Busy")]
    server.watches.append([event("BOOKMARK", thing("", 9)), event("ADDED", thing("c", 10))])
    signs = Signs()
    await first(Watch(api, PODS, project=name_of, observer=signs), 2)
    assert [failure.status for failure in signs.failures] == [403, 503]
    assert signs.lives == 4  # a page, the open watch, a bookmark, an event
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
