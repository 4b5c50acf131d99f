"""How full shared disks are: read where the hub has them mounted or from Prometheus, and never waited for."""

import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from genkan_spawner.cluster.telling import tell_once
from genkan_spawner.storage import disks as module
from genkan_spawner.storage.disks import STALE, SharedDisks
from genkan_spawner.storage.metrics import DiskMetrics
from genkan_spawner.storage.probe import Probe
from genkan_spawner.storage.readings import ReadingError, read_largest, read_mount, read_prometheus

from ...support.clocks import FakeClock
from .looking import NAMESPACES, again, catalogue, looking

USED, CAPACITY = "kubelet_volume_stats_used_bytes", "kubelet_volume_stats_capacity_bytes"


class Disk:
    """A file system that a test fills, breaks and lets hang."""

    def __init__(self) -> None:
        self.percent = 50
        self.failure: OSError | None = None
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self, _path: object) -> Any:
        self.asked += 1
        self.answers.wait(30)
        if self.failure is not None:
            raise self.failure
        # As with a file system that keeps something for root.
        return SimpleNamespace(
            f_frsize=1024, f_blocks=1100, f_bfree=1100 - self.percent * 10, f_bavail=1000 - self.percent * 10
        )


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    found = Disk()
    monkeypatch.setattr(os, "statvfs", found)
    monkeypatch.setattr(module, "WITHIN", 0.2)
    yield found
    found.answers.set()


MOUNTED = catalogue({"hub_path": "/srv/homes"})


async def test_a_mounted_disk_is_told_with_its_bounds_and_what_starts_all_the_same(disk: Disk) -> None:
    disk.percent = 91
    async with looking(MOUNTED, FakeClock()) as disks:
        ((place, fill),) = disks.fills().items()
    assert place == ("", "homes")
    assert (fill.used, fill.size, fill.percent) == (910 * 1024, 1000 * 1024, 91)
    assert (fill.warn_from, fill.refuse_from, fill.warns, fill.refuses) == (85, 97, True, False)
    assert fill.rescue == ("Cleaning up",)


async def test_however_many_ask_a_disk_is_looked_at_once_in_a_while(disk: Disk) -> None:
    clock = FakeClock()
    async with looking(MOUNTED, clock) as disks:
        for _ in range(100):
            disks.fills()
        await disks.ready(within=10)
        assert disk.asked == 1
        disk.percent = 99
        await again(disks, clock)
        assert disk.asked == 2
        assert disks.fills()["", "homes"].refuses


async def test_a_disk_that_hangs_stops_nobody_and_is_asked_by_one_thread(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    async with looking(MOUNTED, clock) as disks:
        disk.answers.clear()
        for _ in range(3):
            await again(disks, clock)
            assert disks.problems() == ["/srv/homes does not answer."]
        assert disk.asked == 2
        assert [thread.name for thread in threading.enumerate()].count("disk") == 1
        assert disks.fills()["", "homes"].percent == 50, "what was read a while ago still serves"
        await again(disks, clock, seconds=STALE)
        assert disks.fills() == {}
        disk.answers.set()
        await again(disks, clock)
        assert disks.problems() == []
        assert disks.fills()["", "homes"].percent == 50
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["It is not known how full a disk is, and no start is refused for it. /srv/homes does not answer."]


async def test_a_disk_that_hangs_from_the_first_leaves_nothing_known(disk: Disk) -> None:
    disk.answers.clear()
    async with looking(MOUNTED, FakeClock()) as disks:
        assert disks.fills() == {}
        assert list(disks.known()) == [("homes", False)]


async def test_a_mount_that_is_not_there_is_told(disk: Disk) -> None:
    disk.failure = FileNotFoundError(2, "No such file or directory")
    async with looking(MOUNTED, FakeClock()) as disks:
        assert disks.problems() == ["/srv/homes cannot be looked at: No such file or directory."]


async def test_another_catalogue_is_followed_and_what_stays_is_kept(disk: Disk) -> None:
    clock = FakeClock()
    data = {
        "slug": "data",
        "display_name": "Data",
        "mount_path": "/data",
        "claim": "data",
        "fill": {"hub_path": "/srv/d"},
    }
    async with looking(MOUNTED, clock) as disks:
        disks.follow(catalogue({"hub_path": "/srv/homes"}, volumes=(data,)))
        assert list(disks.fills()) == [("", "homes")]
        await disks.ready(within=10)
        assert sorted(disks.fills()) == [("", "data"), ("", "homes")]
        disks.follow(None)
        assert disks.fills() == {}


async def test_who_uses_most_is_read_from_the_sites_file(
    disk: Disk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tell_once.cache_clear()
    file, clock = tmp_path / "usage.json", FakeClock()
    file.write_text(json.dumps({"bob": 5, "alice": 7, "carol": 1, "dave": 5, "eve": 0}))
    async with looking(catalogue({"hub_path": "/srv/homes", "largest": str(file)}), clock) as disks:
        assert disks.fills()["", "homes"].largest == (("alice", 7), ("bob", 5), ("dave", 5))
        file.write_text("[]")
        await again(disks, clock)
        await again(disks, clock)
        assert disks.fills()["", "homes"].largest == ()
    assert caplog.text.count("does not tell who uses most") == 1


@pytest.mark.parametrize("text", ["", "[1]", '{"alice": "much"}', '{"alice": null}', '{"alice": 1e999}', "\xff"])
def test_a_file_that_maps_no_users_to_bytes_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "usage.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ReadingError, match="does not tell who uses most"):
        read_largest(file)


def test_a_real_file_system_is_read_as_df_reads_it(tmp_path: Path) -> None:
    found = read_mount(tmp_path)
    assert 0 < found.used < found.size


class Prometheus:
    """Answers one query with what a test says."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int]] = []
        self.answer: web.Response | None = None
        self.queries: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.queries.append(request.query["query"])
        if self.answer is not None:
            return self.answer
        result = [
            {"metric": {"__name__": name, "namespace": namespace}, "value": [1, str(value)]}
            for namespace, name, value in self.rows
        ]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})


@pytest.fixture
async def prometheus() -> AsyncIterator[tuple[Prometheus, str]]:
    found, app = Prometheus(), web.Application()
    app.router.add_get("/api/v1/query", found.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield found, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_prometheus_tells_by_namespace_and_of_one_export_for_all(prometheus: tuple[Prometheus, str]) -> None:
    found, address = prometheus
    found.rows = [
        ("team", USED, 90),
        ("team", CAPACITY, 100),
        ("else", USED, 99),
        ("else", CAPACITY, 100),
        ("lab", USED, 1),
    ]
    data = {"slug": "d", "display_name": "D", "mount_path": "/data", "claim": "data", "fill": {"prometheus": address}}
    async with looking(catalogue({"prometheus": address}, volumes=(data,)), FakeClock()) as disks:
        fills = disks.fills()
    assert {place: (fill.used, fill.size) for place, fill in fills.items()} == {
        ("", "homes"): (90, 100),
        ("team", "data"): (90, 100),
    }
    assert any('persistentvolumeclaim="homes"' in query for query in found.queries)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (web.Response(status=503), "answers with an error (503)"),
        (web.Response(text="<html>"), "answers what cannot be understood"),
        (web.json_response({"data": {"result": [{"metric": {}}]}}), "answers what cannot be understood"),
    ],
)
async def test_a_prometheus_that_does_not_tell_is_a_problem_for_administrators(
    prometheus: tuple[Prometheus, str], answer: web.Response, words: str
) -> None:
    found, address = prometheus
    found.answer = answer
    with pytest.raises(ReadingError) as told:
        await read_prometheus(address, "homes")
    assert words in str(told.value)


async def test_a_prometheus_that_is_not_there_is_told() -> None:
    async with looking(catalogue({"prometheus": "http://127.0.0.1:9"}), FakeClock()) as disks:
        assert disks.problems() == ["Prometheus at http://127.0.0.1:9 does not answer."]


async def test_what_comes_too_late_is_not_taken_for_the_next_answer() -> None:
    gate, answers = threading.Event(), iter([1, 2])

    def ask() -> int:
        gate.wait(30)
        return next(answers)

    probe = Probe(ask)
    with pytest.raises(TimeoutError):
        await probe.answer(within=0.01)
    gate.set()
    assert await probe.answer(within=10) == 1, "the question was asked before, and is answered now"
    assert await probe.answer(within=10) == 2


async def test_metrics_tell_what_is_known(disk: Disk) -> None:
    clock, registry = FakeClock(), CollectorRegistry()
    async with looking(MOUNTED, clock) as disks:
        metrics = DiskMetrics(disks, registry=registry)
        text = generate_latest(registry).decode()
        assert 'genkan_disk_known{claim="homes"} 1.0' in text
        assert 'genkan_disk_used_bytes{claim="homes",namespace=""} 512000.0' in text
        disk.failure = OSError(5, "Input/output error")
        await again(disks, clock)
        assert 'genkan_disk_known{claim="homes"} 0.0' in generate_latest(registry).decode()
        metrics.close()


def test_metrics_without_an_event_loop_start_nothing(disk: Disk) -> None:
    disks = SharedDisks(namespaces=lambda: NAMESPACES, clock=FakeClock())
    disks.follow(MOUNTED)
    assert disks.fills() == {}
    assert disk.asked == 0
