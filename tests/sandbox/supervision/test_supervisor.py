import asyncio
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from genkan_sandbox.exceptions import ComponentError
from genkan_sandbox.supervision import supervisor as supervisor_module
from genkan_sandbox.supervision.components import Component, last_lines
from genkan_sandbox.supervision.leftovers import end_sandbox_processes, sandbox_processes
from genkan_sandbox.supervision.supervisor import Supervisor

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
PARENT = (
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
    "print('up', flush=True); time.sleep(600)"
)
FAILING = "print('the reason', flush=True); raise SystemExit(7)"


class Bench:
    """A supervisor, the sentences it says, and the components of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = uuid.uuid4().hex
        self.said: list[str] = []
        self.supervisor = Supervisor(self.id, announce=self.said.append)

    async def start(self, name: str, program: str, *, grace: float = 5.0) -> psutil.Process:
        """Start a Python program and wait for its first line."""
        component = Component(
            name=name,
            command=(sys.executable, "-c", program),
            directory=self.folder,
            log=self.folder / f"{name}.log",
            grace=grace,
        )
        await self.supervisor.start(component)
        async with asyncio.timeout(20):
            while "up" not in component.last_lines():
                await asyncio.sleep(0.02)
        return psutil.Process(self.supervisor.processes[name].pid)


def ended(process: psutil.Process) -> bool:
    """Say whether a process runs no more; one that its new parent has not reaped yet has ended too."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(supervisor_module, "BACKOFF_FIRST", 0.01)
    bench = Bench(tmp_path)
    yield bench
    await bench.supervisor.stop([])
    end_sandbox_processes(bench.id, grace=0)


async def test_a_killed_component_comes_back(bench: Bench) -> None:
    first = await bench.start("hub", SLEEPER)
    first.kill()
    async with asyncio.timeout(20):
        while bench.supervisor.processes.get("hub") is None or bench.supervisor.processes["hub"].pid == first.pid:
            await asyncio.sleep(0.02)
    assert bench.said == ["hub ended (killed by SIGKILL); starting it again in 0.01 s."]


async def test_what_a_killed_component_left_is_ended_before_it_comes_back(bench: Bench) -> None:
    first = await bench.start("hub", PARENT)
    (child,) = first.children()
    first.kill()
    async with asyncio.timeout(20):
        while bench.supervisor.processes.get("hub") is None or bench.supervisor.processes["hub"].pid == first.pid:
            await asyncio.sleep(0.02)
    assert ended(child)


async def test_one_that_cannot_live_ends_all_with_its_last_words(bench: Bench, tmp_path: Path) -> None:
    component = Component(
        name="etcd", command=(sys.executable, "-c", FAILING), directory=tmp_path, log=tmp_path / "etcd.log"
    )
    await bench.supervisor.start(component)
    async with asyncio.timeout(30):
        with pytest.raises(ComponentError, match=r"(?s)etcd ended 5 times.*exit status 7.*the reason"):
            await bench.supervisor.while_running(asyncio.sleep(600))


async def test_a_program_that_is_not_there_is_a_sentence(bench: Bench, tmp_path: Path) -> None:
    component = Component(name="etcd", command=("/nonexistent",), directory=tmp_path, log=tmp_path / "etcd.log")
    with pytest.raises(ComponentError, match="etcd could not be started: No such file"):
        await bench.supervisor.start(component)


async def test_the_end_is_in_order_and_complete(bench: Bench) -> None:
    hub = await bench.start("hub", PARENT)
    etcd = await bench.start("etcd", SLEEPER)
    stubborn = await bench.start("nodes", STUBBORN, grace=0.2)
    await bench.supervisor.stop([["hub", "nodes"], ["etcd"]])
    assert all(ended(process) for process in (hub, etcd, stubborn))
    assert end_sandbox_processes(bench.id) == 1
    assert sandbox_processes(bench.id) == []
    assert bench.said == []


async def test_the_end_of_all_is_in_time_though_each_is_late(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "STOP_SECONDS", 0.5)
    names = ["hub", "kube-apiserver", "etcd"]
    stubborn = [await bench.start(name, STUBBORN) for name in names]
    started = time.monotonic()
    await bench.supervisor.stop([[name] for name in names])
    assert time.monotonic() - started < 4
    assert all(ended(process) for process in stubborn)


async def test_work_that_ends_leaves_the_supervisor_running(bench: Bench) -> None:
    await bench.start("hub", SLEEPER)
    await bench.supervisor.while_running(asyncio.sleep(0))
    assert list(bench.supervisor.processes) == ["hub"]


async def test_components_do_not_hear_the_terminal(bench: Bench) -> None:
    process = await bench.start("hub", SLEEPER)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    assert process.environ().get("HOME") == os.environ.get("HOME")
    assert "PYTEST_CURRENT_TEST" not in process.environ()


async def test_the_log_of_the_run_before_is_kept(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "hub.log").write_text("yesterday")
    await bench.start("hub", SLEEPER)
    assert (tmp_path / "hub.previous.log").read_text() == "yesterday"


async def test_leftovers_of_another_sandbox_are_left_alone(bench: Bench) -> None:
    process = await bench.start("hub", SLEEPER)
    assert end_sandbox_processes("another") == 0
    assert end_sandbox_processes(bench.id, component="etcd") == 0
    assert process.is_running()


async def test_leftovers_that_ignore_sigterm_are_killed(bench: Bench) -> None:
    stubborn = await bench.start("hub", STUBBORN)
    stubborn.send_signal(signal.SIGTERM)
    assert end_sandbox_processes(bench.id, grace=0.3) >= 1


def test_the_end_of_a_large_log_is_found_without_reading_it_all(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"\xff" * 2_000_000 + b"\nlast but one\nlast\n")
    assert last_lines(log, 2) == "last but one\nlast"
    assert last_lines(tmp_path / "none.log", 2) == ""
