"""A real Prometheus on loopback, and exporters that show it what a test says.

Share a Prometheus between the tests of a module: five seconds pass until a new one scrapes for the first time.
"""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp

from .processes import TERMINAL
from .sandbox import require

WITHIN = 30.0
"""Seconds for what takes six at most on a machine at rest."""

JsonObject: TypeAlias = dict[str, Any]

_LISTENING = re.compile(r'"address":"(?P<address>127\.0\.0\.1:[1-9]\d*)".*"msg":"Listening on"')


class Prometheus:
    """One running server, as its HTTP API shows it."""

    def __init__(self, address: str, *, targets: int) -> None:
        self.address = address
        """Such as `http://127.0.0.1:40001`."""
        self._targets = targets

    async def ask(self, path: str, **query: str) -> Any:
        """Return the data of an answer of the API; `path` is below /api/v1."""
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.get(f"{self.address}/api/v1/{path}", params=query) as answer,
        ):
            return (await answer.json())["data"]

    async def query(self, expression: str) -> list[JsonObject]:
        """Return the rows of an instant query."""
        found: list[JsonObject] = (await self.ask("query", query=expression))["result"]
        return found

    async def scraped(self) -> None:
        """Wait until what all targets show now is there to be asked for."""
        since = time.time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                while not await self._have_come(since):
                    await asyncio.sleep(0.02)
                return
        seen = await self.ask("targets")
        raise AssertionError(f"Not all targets were scraped within {WITHIN:g} s: {seen}")

    async def _have_come(self, since: float) -> bool:
        # Of a target the time of its last scrape is told before its samples can be asked for.
        times, up = await asyncio.gather(self.query("timestamp(up)"), self.query("up"))
        new = [row for row in times if float(row["value"][1]) >= since]
        return len(new) == len(up) == self._targets and all(row["value"][1] == "1" for row in up)


@contextmanager
def prometheus(folder: Path, *scrape_configs: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Run a Prometheus on a free port, with its files in a folder of the test's.

    `scrape_configs` are as in https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config,
    with static targets.
    """
    program = shutil.which("prometheus") or require(
        "There is no prometheus here. On Debian: apt-get install prometheus"
    )
    folder.mkdir(parents=True, exist_ok=True)
    times = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
    # JSON is YAML.
    (folder / "prometheus.yml").write_text(json.dumps({"global": times, "scrape_configs": list(scrape_configs)}))
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": "127.0.0.1:0",
        "log.format": "json",
    }
    words = [*TERMINAL, program, *(f"--{name}={value}" for name, value in options.items())]
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield Prometheus(f"http://{_ready(process, log)}", targets=_targets(scrape_configs))
    finally:
        _end(process)


def scrape(job: str, *addresses: str, **labels: str) -> JsonObject:
    """Return a scrape config for some addresses such as `127.0.0.1:40002`, whose series get the labels."""
    return {"job_name": job, "static_configs": [{"targets": list(addresses), "labels": labels}]}


def _targets(scrape_configs: Iterable[Mapping[str, Any]]) -> int:
    return sum(len(row["targets"]) for config in scrape_configs for row in config["static_configs"])


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the server answers, and return the address that it has found."""
    deadline = time.monotonic() + WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        told = log.read_text()
        if (found := _LISTENING.search(told)) and "Server is ready to receive web requests." in told:
            return found["address"]
        time.sleep(0.02)
    raise AssertionError(f"Prometheus does not listen:\n{log.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Exporter:
    """Shows gauges at /metrics, as they are at each scrape."""

    def __init__(self, address: str) -> None:
        self.address = address
        """Such as `127.0.0.1:40002`."""
        self._gauges: dict[str, list[tuple[dict[str, str], float]]] = {}

    def show(self, name: str, value: float, **labels: str) -> None:
        """Show one more value of a gauge."""
        self._gauges.setdefault(name, []).append((labels, value))

    def clear(self) -> None:
        """Show nothing any more."""
        self._gauges = {}

    def text(self) -> str:
        """Write the gauges as Prometheus reads them.

        https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
        """
        lines = []
        for name, rows in tuple(self._gauges.items()):
            lines.append(f"# TYPE {name} gauge\n")
            for labels, value in tuple(rows):
                written = ",".join(f"{label}={json.dumps(text)}" for label, text in labels.items())
                lines.append(f"{name}{{{written}}} {float(value)!r}\n")
        return "".join(lines)


@contextmanager
def exporter() -> Iterator[Exporter]:
    """Run an exporter on a free port of loopback."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = found.text().encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing of requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        found = Exporter(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
