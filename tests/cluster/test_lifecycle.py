"""How a sandbox starts and ends: signals, kills, sleep, neighbours, and what it leaves behind."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from genkan_sandbox.state import StateDirectory
from genkan_spawner.api import KubernetesApi
from genkan_spawner.kinds import NODES, PODS

from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.processes import TERMINAL
from ..support.sandbox import COMPONENTS, SandboxRun, command, end, sandbox_run

STOP_SECONDS = 10
CPU = {"profile": "cpu-small"}


@pytest.fixture(scope="module")
def kept(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A small sandbox with a hub, not started yet."""
    run = SandboxRun(state=tmp_path_factory.mktemp("lifecycle") / "state", arguments=("--site", "workstations"))
    yield run
    end(run)


@pytest.fixture
def run(kept: SandboxRun) -> SandboxRun:
    """The sandbox of this module, ready again if an earlier test has ended it."""
    if kept.process is None or kept.process.poll() is not None:
        kept.start()
        kept.wait_ready()
    return kept


def listening_on(host: str) -> list[int]:
    """Return the ports that somebody listens on at one address."""
    listening = [row for row in psutil.net_connections("tcp") if row.status == psutil.CONN_LISTEN]
    return [row.laddr.port for row in listening if row.laddr and row.laddr.ip == host]


def host_of(run: SandboxRun) -> str:
    return run.url.split("//")[1].split(":")[0]


def test_a_closed_terminal_ends_everything(binaries: None, tmp_path: Path) -> None:
    control, terminal = os.openpty()
    run = SandboxRun(state=tmp_path / "state", arguments=("--no-hub", "--site", "empty"))
    try:
        run.process = subprocess.Popen(
            [*TERMINAL, *command("up", "--state", run.state, "--ready-file", run.ready_file, *run.arguments)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: _adopt_terminal(terminal),  # noqa: PLW1509  # a controlling terminal is the test's point
        )
        os.close(terminal)
        drained = _drain_until_ready(control, run)
        os.close(control)
        run.running.wait(STOP_SECONDS)
        assert "Genkan" in drained
        assert run.processes() == []
    finally:
        end(run)


def test_under_nohup_a_closed_terminal_ends_nothing(binaries: None, tmp_path: Path) -> None:
    run = SandboxRun(state=tmp_path / "state", arguments=("--no-hub", "--site", "empty"), prefix=("nohup",))
    run.start()
    try:
        run.wait_ready()
        run.running.send_signal(signal.SIGHUP)
        run.stop(signal.SIGTERM)
        assert "Stopping (SIGTERM)" in run.output
        assert "SIGHUP" not in run.output
    finally:
        end(run)


def _adopt_terminal(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _drain_until_ready(control: int, run: SandboxRun) -> str:
    """Read what the terminal shows until the box is there, so that nothing blocks."""
    shown = b""
    deadline = time.monotonic() + 60
    while b"Stop" not in shown:
        assert run.running.poll() is None, shown.decode(errors="replace")
        assert time.monotonic() < deadline, shown.decode(errors="replace")
        shown += os.read(control, 4096)
    return shown.decode(errors="replace")


async def test_the_hub_takes_simulated_servers_for_ready_and_the_proxy_leads_to_them(
    binaries: None, tmp_path: Path
) -> None:
    with sandbox_run(tmp_path / "state", "--simulate", "--site", "workstations") as run:
        run.wait_ready()
        for name in ("alice", "bob", "dave"):
            async with Person.at(run.url, run.user(name)) as person:
                await person.start(profile="gpu-1")
                assert (await person.lab("GET", "api/status")).is_success
        assert not [process for process in run.processes() if "singleuser" in " ".join(process.cmdline())]


async def test_a_killed_sandbox_is_cleaned_at_the_next_start_and_keeps_its_files(run: SandboxRun) -> None:
    async with Person.at(run.url, run.user("alice")) as alice:
        await alice.start(**CPU)
        await alice.write("thesis.txt", "years of work")
    run.kill()
    left = run.processes()
    assert left
    run.start()
    run.wait_ready()
    assert "processes that an earlier sandbox of this state left behind" in run.output
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in left)
    async with Person.visiting(run.url, run.user("alice")) as alice:
        await alice.until(ready=False)
        await alice.start(**CPU)
        assert await alice.read("thesis.txt") == "years of work"


def test_what_a_second_start_is_told(run: SandboxRun) -> None:
    again = subprocess.run(
        command("up", "--state", run.state, "--no-hub"), capture_output=True, text=True, check=False, timeout=60
    )
    assert again.returncode == 1
    assert f"runs already (process {run.running.pid})" in again.stderr
    assert "Traceback" not in again.stderr


async def test_of_two_sandboxes_side_by_side_each_ends_alone_and_in_time(binaries: None, tmp_path: Path) -> None:
    with ExitStack() as stack:
        runs = [stack.enter_context(sandbox_run(tmp_path / name, "--site", "workstations")) for name in ("one", "two")]
        first, second = (run.wait_ready() for run in runs)
        assert first.url != second.url
        assert {user.password for user in first.users}.isdisjoint({user.password for user in second.users})
        for run in runs:
            async with Person.at(run.url, run.user("alice")) as alice:
                await alice.start(**CPU)
        await ends_in_time(runs[0], signal.SIGINT)
        assert {process.pid for process in runs[1].processes()} > {runs[1].component(name).pid for name in COMPONENTS}
        await ends_in_time(runs[1], signal.SIGTERM)


async def ends_in_time(run: SandboxRun, number: signal.Signals) -> None:
    """Send a signal, and expect that nothing is left, the servers of users included."""
    assert {process.pid for process in run.processes()} > {run.component(name).pid for name in COMPONENTS}
    assert await asyncio.to_thread(run.stop, number) < STOP_SECONDS
    assert run.running.returncode == 0
    assert run.processes() == []
    assert listening_on(host_of(run)) == []
    assert not run.ready_file.exists()


async def test_a_machine_that_slept_recovers(run: SandboxRun) -> None:
    async with Person.visiting(run.url, run.user("alice")) as alice:
        await alice.start(**CPU)
        asleep = [*run.processes(), psutil.Process(run.running.pid)]
        for process in asleep:
            process.suspend()
        # The control plane calls a node lost after 40 seconds without its lease.
        await asyncio.sleep(60)
        for process in asleep:
            process.resume()
        assert run.ready is not None
        async with await KubernetesApi.connect(run.ready.kubeconfig) as api:
            cluster = Cluster(api, namespace=run.ready.namespace)
            for node in await api.list(NODES):
                await cluster.until(NODES, node["metadata"]["name"], lambda found: not found["spec"].get("taints"))
            (pod,) = await api.list(PODS, namespace=run.ready.namespace)
        assert pod["status"]["phase"] == "Running"
        assert await alice.run("40+2") == "42"


def test_down_and_status_and_reset_work_from_another_terminal(run: SandboxRun) -> None:
    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words, "--state", run.state), capture_output=True, text=True, check=False, timeout=60
        )

    status = ask("status")
    assert status.returncode == 0
    assert all(name in status.stdout for name in COMPONENTS)
    assert run.url in status.stdout
    refused = ask("reset")
    assert refused.returncode == 1
    assert "runs already" in refused.stderr
    assert "kube-apiserver" in ask("logs").stdout
    assert "Hub API listening on" in ask("logs", "hub", "-n", "500").stdout
    assert "Logs there are: etcd" in ask("logs", "nothing").stderr

    assert ask("down").stdout == "Stopped.\n"
    assert run.running.wait(10) == 0
    assert ask("down").stdout == "No sandbox runs here.\n"
    assert ask("status").returncode == 3
    assert ask("reset").stdout.startswith(f"Forgot {run.state}")
    assert not run.state.exists()


def test_a_port_that_is_taken_is_a_sentence_and_leaves_nothing(binaries: None, tmp_path: Path) -> None:
    with socket.socket() as neighbour:
        neighbour.bind(("0.0.0.0", 0))  # noqa: S104  # a neighbour that listens everywhere is the point
        neighbour.listen()
        port = neighbour.getsockname()[1]
        refused = subprocess.run(
            command("up", "--state", tmp_path / "state", "--port", str(port)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert refused.returncode == 1
    assert f"Port {port} is taken" in refused.stderr
    assert "--port" in refused.stderr
    assert not StateDirectory(tmp_path / "state").in_use()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--site", "nowhere"), 2, "datacenter"),
        (("--port", "70000"), 2, "65535"),
        (("--ready-file", "/nonexistent/file"), 2, "does not exist"),
        (("--state", "/dev/null/state"), 1, "cannot be used"),
    ],
)
def test_an_option_that_cannot_be_is_a_sentence(
    tmp_path: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    state = () if "--state" in words else ("--state", str(tmp_path / "state"))
    refused = subprocess.run(command("up", *state, *words), capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == code
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_broken_site_file_is_named_with_line_and_what_is_allowed(tmp_path: Path) -> None:
    site = tmp_path / "broken.yaml"
    site.write_text("description: broken\npools:\n  - name: a\n    count: 2\n    cpus: 8\n    memory: 50GB\n")
    refused = subprocess.run(
        command("up", "--state", tmp_path / "state", "--site", site),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 2
    assert f"{site}:5:" in refused.stderr
    assert "cpus" in refused.stderr
    assert f"{site}:6:" in refused.stderr
    assert not (tmp_path / "state").exists()
