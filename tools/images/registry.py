"""A registry of this machine alone, for as long as `make images` runs."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .commands import Commands
from .exceptions import WorkError

_WITHIN_S = 30.0

_SETTINGS = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {folder}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True, slots=True)
class Registry:
    """Where images are pushed to."""

    address: str
    commands: Commands

    def push(self, name: str, archive: Path, tag: str) -> str:
        """Push an archive as it is, and return its name by digest."""
        repository = f"{self.address}/genkan/{name}"
        with tempfile.NamedTemporaryFile(prefix="digest-") as file:
            digest = Path(file.name)
            self.commands.run(
                f"{name}-push", "skopeo", "copy", "--preserve-digests", "--dest-tls-verify=false",
                "--digestfile", digest, f"oci-archive:{archive}", f"docker://{repository}:{tag}",
            )  # fmt: skip
            return f"{repository}@{digest.read_text(encoding='utf-8').strip()}"


@contextmanager
def local_registry(commands: Commands) -> Iterator[Registry]:
    """Run Debian's docker-registry on a free port of the loopback; what it holds goes with it."""
    with tempfile.TemporaryDirectory(prefix="genkan-registry-", dir=commands.logs) as place:
        port = _free_port()
        settings = Path(place) / "registry.yml"
        settings.write_text(_SETTINGS.format(folder=Path(place).absolute() / "data", port=port), encoding="utf-8")
        log = commands.log("registry")
        with (
            log.open("wb") as stream,
            subprocess.Popen(
                ["docker-registry", "serve", str(settings)],
                stdout=stream,
                stderr=stream,
                env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
            ) as process,
        ):
            try:
                _wait_for(f"http://127.0.0.1:{port}/v2/", process, log)
                yield Registry(f"127.0.0.1:{port}", commands)
            finally:
                process.terminate()
                process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _WITHIN_S
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own, on the loopback
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    message = f"docker-registry did not answer; see {log}."
    raise WorkError(message)
