"""Lists of the API, read object by object."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import GoneError, UnreachableError
from genkan_spawner.kinds import PODS
from genkan_spawner.listing import TURN, list_objects, parts

from ..support.kubernetes import FakeApiServer, fake_api_server, thing

PATH = "/api/v1/pods"
Connection = tuple[FakeApiServer, KubernetesApi]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    async with fake_api_server(tmp_path) as (server, api):
        yield server, api


def itself(raw: JsonObject) -> JsonObject:
    return raw


@given(st.dictionaries(st.text(), JSON), st.lists(JSON), st.sampled_from([None, 2]))
def test_the_parts_are_what_decoding_the_whole_gives(others: dict[str, Any], items: list[Any], indent: int) -> None:
    found = list(parts(json.dumps({**others, "items": items}, indent=indent)))
    assert {key: value for key, value in found if key != "items"} == {k: v for k, v in others.items() if k != "items"}
    assert [value for key, value in found if key == "items"] == items


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "<html>", '{"items": [', '{"items": [{}', '{"items": [{},', '{"a" 1}', '{"items": [{} ']
)
def test_what_is_no_object_of_json_is_no_answer(text: str) -> None:
    with pytest.raises(UnreachableError):
        list(parts(text))


async def test_pages_are_read_one_after_the_other(connection: Connection) -> None:
    server, api = connection
    server.page = 2
    server.objects[PATH] = [thing(name) for name in "abcde"]
    pages: list[None] = []
    found, version = await list_objects(api, PODS, project=itself, opened=lambda: pages.append(None))
    assert found == server.objects[PATH]
    assert version == "1"
    assert len(pages) == len(server.listing(PATH)) == 3


async def test_no_items_at_all_are_an_empty_list(connection: Connection) -> None:
    _, api = connection
    assert await list_objects(api, PODS, project=itself) == ([], "1")


async def test_a_page_that_came_too_late_is_said_to_be_gone(connection: Connection) -> None:
    server, api = connection
    server.failures.append((410, "Expired"))
    with pytest.raises(GoneError):
        await list_objects(api, PODS, project=itself)


async def test_an_answer_without_a_version_is_no_list(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    _, api = connection
    monkeypatch.setattr(FakeApiServer, "_list", lambda *_: web.json_response({"items": []}))
    with pytest.raises(UnreachableError):
        await list_objects(api, PODS, project=itself)


async def test_others_get_their_turn_while_a_page_is_decoded(connection: Connection) -> None:
    server, api = connection
    server.objects[PATH] = [thing(str(number)) for number in range(10 * TURN)]
    most = since = 0

    def count(raw: JsonObject) -> JsonObject:
        nonlocal most, since
        since += 1
        most = max(most, since)
        return raw

    async def others() -> None:
        nonlocal since
        while True:
            since = 0
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    await list_objects(api, PODS, project=count)
    other.cancel()
    assert most <= TURN
