"""A sandbox as tests use it: the real command in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from genkan_sandbox.state import StateDirectory

from .processes import TERMINAL
from .records import ReadyFile, User

READY_SECONDS = 120
"""Warm; the first build of the binaries is waited for by `built_binaries`."""

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "nodes", "proxy", "hub")


def require(reason: str) -> NoReturn:
    """Skip what this machine cannot run, or fail where everything must run."""
    if os.environ.get("GENKAN_REQUIRE_ALL"):
        pytest.fail(f"GENKAN_REQUIRE_ALL is set: {reason}")
    pytest.skip(reason)


def command(*arguments: str | Path) -> list[str]:
    """Return a command line of genkan-sandbox in this environment."""
    return [sys.executable, "-m", "genkan_sandbox", *map(str, arguments)]


@dataclass(slots=True)
class SandboxRun:
    """One `genkan-sandbox up`, from its start to its end."""

    state: Path
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    """Words before the command, such as `setpriv --reuid ...`."""

    program: tuple[str, ...] = (sys.executable, "-m", "genkan_sandbox")
    process: subprocess.Popen[bytes] | None = None
    ready: ReadyFile | None = None

    @property
    def ready_file(self) -> Path:
        return self.state.with_name(f"{self.state.name}.ready.json")

    @property
    def output(self) -> str:
        path = self.state.with_name(f"{self.state.name}.output")
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        """Start the command; its output goes to a file. The ready file of a killed run would be a lie."""
        options = ["--state", str(self.state), "--ready-file", str(self.ready_file), *self.arguments]
        self._start([*self.program, "up", *options])

    def start_make(self) -> None:
        """Start `make up` instead; the arguments are make's variables."""
        self._start([*self.program, "up", *self.arguments])

    def _start(self, words: list[str]) -> None:
        self.ready_file.unlink(missing_ok=True)
        with self.state.with_name(f"{self.state.name}.output").open("wb") as output:
            self.process = subprocess.Popen(
                [*TERMINAL, *self.prefix, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def wait_ready(self, within: float = READY_SECONDS) -> ReadyFile:
        """Wait for the ready file; an early end of the command is shown with its output."""
        deadline = time.monotonic() + within
        while not self.ready_file.exists():
            if self.running.poll() is not None:
                pytest.fail(f"genkan-sandbox up ended with {self.running.returncode}:\n{self.output}")
            if time.monotonic() > deadline:
                pytest.fail(f"genkan-sandbox up was not ready within {within} s:\n{self.output}\n{self.logs()}")
            time.sleep(0.05)
        self.ready = ReadyFile.model_validate_json(self.ready_file.read_text())
        return self.ready

    def logs(self) -> str:
        """Return the ends of all logs, for a failure's message."""
        ends = [
            f"--- {path.stem}\n{path.read_text(errors='replace')[-2000:]}" for path in self.state.glob("logs/*.log")
        ]
        return "\n".join(ends)

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send a signal, wait for the end and return how long it took."""
        started = time.monotonic()
        self.running.send_signal(number)
        self.running.wait(60)
        return time.monotonic() - started

    def kill(self) -> None:
        """End the supervisor alone, at once."""
        self.running.kill()
        self.running.wait(10)

    @property
    def url(self) -> str:
        """Where the hub answers."""
        assert self.ready is not None
        assert self.ready.url is not None
        return self.ready.url

    def user(self, name: str) -> User:
        """Return a demo user with the password."""
        assert self.ready is not None
        return next(user for user in self.ready.users if user.name == name)

    @property
    def sandbox_id(self) -> str:
        return StateDirectory(self.state).id

    def processes(self) -> list[psutil.Process]:
        """Return every process of this sandbox but the supervisor, found by what each carries."""
        from genkan_sandbox.supervision.leftovers import sandbox_processes

        return sandbox_processes(self.sandbox_id)

    def component(self, name: str) -> psutil.Process:
        """Return a component's process as it is now."""
        return psutil.Process(self.pid(name))

    @contextlib.contextmanager
    def away(self, name: str) -> Iterator[None]:
        """End a component, and have nobody start it again before the block ends."""
        record = StateDirectory(self.state).record()
        assert record is not None
        supervisor = psutil.Process(record["pid"])
        supervisor.suspend()
        try:
            self.component(name).kill()
            yield
        finally:
            supervisor.resume()

    def pid(self, name: str) -> int:
        """Return the number of a component's process, also when it has just ended; 0 before its first start."""
        record = StateDirectory(self.state).record() or {"components": {}}
        return int(record["components"].get(name, {}).get("pid", 0))


@contextlib.contextmanager
def sandbox_run(state: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[SandboxRun]:
    """Start a sandbox and see that it ends, whatever the test does."""
    run = SandboxRun(state=state, arguments=arguments, environment=environment or {})
    run.start()
    try:
        yield run
    finally:
        end(run)


def end(run: SandboxRun) -> None:
    """Stop a run if it still is one, and what is left of it."""
    if run.running.poll() is None:
        run.running.terminate()
        try:
            run.running.wait(30)
        except subprocess.TimeoutExpired:
            run.running.kill()
            run.running.wait(10)
    if run.state.exists():
        for process in run.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
