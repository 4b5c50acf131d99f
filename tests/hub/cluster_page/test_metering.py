import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from genkan_hub.cluster_page.hub_report import PageSettings
from genkan_hub.cluster_page.metering import STALE, Meter

from .servers import Scripted, scripted
from .test_prometheus import vector

CARD = {"UUID": "GPU-a", "gpu": "0", "Hostname": "node-1"}


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as server:
        yield server


@dataclass(slots=True)
class Clock:
    now: float = 10_000.0

    def __call__(self) -> float:
        return self.now


def measuring(server: Scripted, utilisation: float, *, at: float, busy: float = 0, seen: float = 0) -> None:
    """Let Prometheus answer each kind of question."""
    server.answers = {
        "max_over_time": vector(({"UUID": "GPU-a"}, str(busy))) if busy else vector(),
        "min_over_time": vector(({"UUID": "GPU-a"}, str(seen))) if seen else vector(),
        "timestamp": vector(({"UUID": "GPU-a"}, str(at))),
        "__name__": vector(({**CARD, "__name__": "DCGM_FI_DEV_GPU_UTIL"}, str(utilisation))),
    }


def meter(server: Scripted, clock: Clock, **settings: object) -> Meter:
    made = Meter(clock=clock)
    made.follow(PageSettings.model_validate({"prometheus_url": server.url, **settings}))
    return made


async def test_what_was_measured_and_when(server: Scripted) -> None:
    measuring(server, 91, at=9_990)
    made = meter(server, Clock())
    await made.read()
    (row,) = made.measurements().by_node["node-1"]
    assert (row.utilisation, row.at, made.problem, made.age) == (91, 9_990, "", 0)


async def test_labels_narrow_every_question(server: Scripted) -> None:
    measuring(server, 91, at=9_990)
    made = meter(server, Clock(), prometheus_labels={"cluster": 'no"rth\\', "zone": "1"})
    await made.read()
    asked = [request.query["query"] for request in server.asked]
    assert len(asked) == 4
    assert all('cluster="no\\"rth\\\\",zone="1"' in question for question in asked)


async def test_the_past_is_looked_at_less_often(server: Scripted) -> None:
    measuring(server, 0, at=9_990, busy=9_000, seen=5_000)
    clock = Clock()
    made = meter(server, clock)
    for _ in range(4):
        await made.read()
        clock.now += 15
    past = [request for request in server.asked if "max_over_time" in request.query["query"]]
    assert (len(past), len(server.asked)) == (1, 10)


async def test_since_when_a_card_is_idle_is_known_from_the_past(server: Scripted) -> None:
    measuring(server, 0, at=9_990, busy=9_000, seen=5_000)
    made = meter(server, Clock())
    await made.read()
    found = made.measurements()
    assert found.idle_since(found.by_device["GPU-a"][0], held_since=100, least=2) == 9_000


async def test_what_computes_now_counts_although_the_past_is_not_looked_at_again(server: Scripted) -> None:
    measuring(server, 0, at=9_990, busy=9_000, seen=5_000)
    clock = Clock()
    made = meter(server, clock)
    await made.read()
    for utilisation, at in ((80, 10_005), (0, 10_020)):
        clock.now = at
        measuring(server, utilisation, at=at, busy=9_000, seen=5_000)
        await made.read()
    found = made.measurements()
    assert found.idle_since(found.by_device["GPU-a"][0], held_since=100, least=2) == 10_005


async def test_a_prometheus_that_goes_away_is_told_and_its_last_word_is_kept_for_a_while(server: Scripted) -> None:
    measuring(server, 91, at=9_990)
    clock = Clock()
    made = meter(server, clock)
    await made.read()
    server.status = 500
    clock.now += 20
    await made.read()
    assert made.problem == f"Prometheus at {server.url} answers with an error (500)."
    assert (made.age, len(made.measurements().by_device)) == (20, 1)
    clock.now += STALE
    assert made.measurements().by_device == {}
    server.status = 200
    await made.read()
    assert (made.problem, made.age) == ("", 0)


async def test_a_prometheus_without_measurements_is_told(server: Scripted) -> None:
    server.body = vector()
    made = meter(server, Clock())
    await made.read()
    assert made.problem == f"Prometheus at {server.url} has no measurements of GPUs."


async def test_another_prometheus_starts_from_nothing(server: Scripted) -> None:
    measuring(server, 91, at=9_990)
    made = meter(server, Clock())
    await made.read()
    made.follow(PageSettings(prometheus_url="http://127.0.0.1:9/"))
    assert (made.measurements().by_device, made.age) == ({}, None)
    made.follow(PageSettings())
    assert not made.configured


async def test_an_answer_of_another_shape_never_ends_the_reading(server: Scripted) -> None:
    made = meter(server, Clock())
    for body in ("null", "[]", json.dumps({"status": "success", "data": None}), vector(({"UUID": ""}, "1"))):
        server.body = body
        await made.read()
        assert made.problem
