import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from genkan_hub.cluster_page import prometheus
from genkan_hub.cluster_page.exceptions import MeasurementError
from genkan_hub.cluster_page.prometheus import Prometheus, Sample

from .servers import Scripted, scripted


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as server:
        yield server


def vector(*rows: tuple[dict[str, str], str]) -> str:
    result = [{"metric": labels, "value": [1.5, value]} for labels, value in rows]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


async def test_an_answer_is_a_sample_for_each_series_that_has_a_number(server: Scripted) -> None:
    server.body = vector(({"UUID": "a"}, "91"), ({"UUID": "b"}, "NaN"), ({"UUID": "c"}, "+Inf"), ({"UUID": "d"}, "odd"))
    assert await Prometheus(f"{server.url}/").ask("up") == [Sample({"UUID": "a"}, 91.0)]
    assert (server.asked[0].path, server.asked[0].query) == ("/api/v1/query", {"query": "up"})
    assert server.asked[0].token == ""


NONSENSE: dict[str, Any] = {
    "html": "<!doctype html><title>Sign in</title>",
    "nothing": "",
    "no JSON object": "[]",
    "another type": json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}}),
    "an error": json.dumps({"status": "error", "error": "parse error"}),
    "no labels": json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, "2"]}]}}),
    "no value": json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}),
    "bytes": b"\xff\xfe\x00",
    "depth": "[" * 100_000,
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_is_told_in_a_sentence(server: Scripted, body: str | bytes) -> None:
    server.body = body
    with pytest.raises(MeasurementError, match="answers what cannot be understood"):
        await Prometheus(server.url).ask("up")


async def test_an_error_is_told_with_its_status_alone(server: Scripted) -> None:
    server.status, server.body = 503, "secret words of a proxy"
    with pytest.raises(MeasurementError, match=r"answers with an error \(503\)") as told:
        await Prometheus(server.url).ask("up")
    assert "secret" not in str(told.value)


async def test_an_answer_without_end_is_not_read_to_its_end(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "LONGEST_ANSWER", 1000)
    server.body = " " * 100_000
    with pytest.raises(MeasurementError, match="cannot be understood"):
        await Prometheus(server.url).ask("up")


async def test_who_does_not_answer_is_told() -> None:
    async with scripted() as gone:
        address = gone.url
    with pytest.raises(MeasurementError, match="does not answer"):
        await Prometheus(address).ask("up")


async def test_who_is_slow_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "WITHIN", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MeasurementError, match="did not answer within"):
            await Prometheus(f"http://127.0.0.1:{port}").ask("up")


async def test_a_token_is_read_for_each_question(server: Scripted, tmp_path: Path) -> None:
    file = tmp_path / "token"
    asking = Prometheus(server.url, token_file=file)
    server.body = vector()
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        await asking.ask("up")
    assert [asked.token for asked in server.asked] == ["Bearer first", "Bearer second"]


async def test_a_token_that_cannot_be_read_is_told(server: Scripted, tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="The token for Prometheus cannot be read"):
        await Prometheus(server.url, token_file=tmp_path / "nowhere").ask("up")
    assert server.asked == []
