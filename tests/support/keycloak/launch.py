"""A process of Keycloak."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ..processes import TERMINAL

LEAST_JAVA = 17

OPTIONS = ("start-dev", "--import-realm", "--health-enabled=true", "--cache=local", "--http-host=127.0.0.1")

ADMINISTRATOR = ("genkan-tests", "only-on-loopback")
"""Of the realm `master`: name and password."""

# A start is over before the compiler that makes code fast has earned its keep, and so are a few hundred requests.
_JAVA = "-Xms64m -Xmx256m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dfile.encoding=UTF-8"

_WITHIN = 300
"""Seconds for what takes ten on two idle processors."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass(slots=True)
class Launch:
    """One run, from start to end."""

    home: Path
    log: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=_free_port)
    _health_port: int = field(default_factory=_free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> Self:
        name, password = ADMINISTRATOR
        ports = (f"--http-port={self.port}", f"--http-management-port={self._health_port}")
        own = {
            "JAVA_OPTS": _JAVA,
            "KC_BOOTSTRAP_ADMIN_USERNAME": name,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*TERMINAL, str(self.home / "bin/kc.sh"), *OPTIONS, *ports],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.environment, **own},
                start_new_session=True,
            )
        return self

    def wait_ready(self) -> None:
        """Wait for the health endpoint; an early end is shown with the log's end."""
        assert self._process is not None
        deadline = time.monotonic() + _WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Keycloak does not start:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health_port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def __exit__(self, *_: object) -> None:
        # kc.sh is a shell with Java below it, which writes its database to the end.
        self._end(signal.SIGTERM, within=20)
        self._end(signal.SIGKILL, within=20)

    def _end(self, number: signal.Signals, *, within: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + within
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
            while time.monotonic() < deadline:
                self._process.poll()
                os.killpg(self._process.pid, 0)
                time.sleep(0.05)
