"""What an image does that was built.

    GENKAN_TEST_IMAGE=localhost/genkan/cpu:24.04-r1 .venv/bin/pytest tests/images/test_built.py

It is run by buildah and runc, as root, without a cluster.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from .stub_hub import PREFIX, TOKEN, StubHub, stub_hub

IMAGE = os.environ.get("GENKAN_TEST_IMAGE", "")
WITHIN = 120
AUTHORIZED = {"Authorization": f"token {TOKEN}"}

pytestmark = [
    pytest.mark.skipif(not IMAGE, reason="GENKAN_TEST_IMAGE names no image"),
    pytest.mark.skipif(shutil.which("buildah") is None or os.geteuid() != 0, reason="needs root and buildah"),
]


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """A container of the image, in which each test runs processes of its own."""
    name = subprocess.run(
        ["buildah", "from", "--pull-never", IMAGE], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        yield name
    finally:
        subprocess.run(["buildah", "rm", name], check=True, capture_output=True)


@pytest.fixture(scope="module")
def entrypoint(container: str) -> list[str]:
    told = subprocess.run(["buildah", "inspect", container], check=True, capture_output=True, text=True).stdout
    return list(json.loads(told)["Docker"]["config"]["Entrypoint"])


def command(
    container: str, *arguments: str, user: str = "1000:100", environ: dict[str, str] | None = None
) -> list[str]:
    variables = [f"--env={name}={value}" for name, value in (environ or {}).items()]
    runtime = ["--isolation=oci", "--runtime=/usr/sbin/runc", "--network=host"]
    return ["buildah", "run", *runtime, f"--user={user}", *variables, container, "--", *arguments]


def output(container: str, *arguments: str, user: str = "1000:100") -> str:
    done = subprocess.run(command(container, *arguments, user=user), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True, slots=True)
class Server:
    """A single-user server that answers."""

    hub: StubHub
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> int:
        """End it as a kubelet does, and return its status."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if child.name() == "tini":
                child.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=WITHIN)


@contextmanager
def running(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream, subprocess.Popen(arguments, stdout=stream, stderr=stream) as process:
        try:
            yield process
        finally:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()


@asynccontextmanager
async def serving(
    container: str, entrypoint: list[str], folder: Path, *, user: str = "1000:100"
) -> AsyncIterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with stub_hub() as hub:
        arguments = command(container, *entrypoint, "jupyterhub-singleuser", user=user, environ=hub.environ(port=port))
        with running(arguments, folder / "log") as process:
            server = Server(hub, f"http://127.0.0.1:{port}{PREFIX}", process, folder / "log")
            await until_it_answers(server)
            yield server


async def until_it_answers(server: Server) -> None:
    end = time.monotonic() + WITHIN
    async with httpx.AsyncClient() as client:
        while time.monotonic() < end and server.process.poll() is None:
            with suppress(httpx.HTTPError):
                if (await client.get(f"{server.url}api")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.2)
    pytest.fail(f"The server did not answer:\n{server.log.read_text(errors='replace')[-4000:]}")


async def test_a_server_answers_its_user_only_and_runs_a_kernel(
    container: str, entrypoint: list[str], tmp_path: Path
) -> None:
    async with serving(container, entrypoint, tmp_path) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("api/contents")).status_code == httpx.codes.FORBIDDEN
        assert (await client.get("api/contents", headers=AUTHORIZED)).status_code == httpx.codes.OK
        started = await client.post("api/kernels", headers=AUTHORIZED, json={"name": "python3"}, timeout=60)
        specs = (await client.get("api/kernelspecs", headers=AUTHORIZED)).json()["kernelspecs"]
        assert started.status_code == httpx.codes.CREATED
        assert [specs[name]["spec"]["argv"][0] for name in specs] == ["/usr/bin/python3"]
        assert server.stop() == 0, server.log.read_text(errors="replace")[-2000:]
        assert server.hub.activities


async def test_a_user_id_that_the_cluster_chose_will_do(container: str, entrypoint: list[str], tmp_path: Path) -> None:
    async with serving(container, entrypoint, tmp_path, user="123456:100") as server:
        assert server.process.poll() is None


def test_the_frameworks_python_comes_first(container: str) -> None:
    assert output(container, "sh", "-c", "command -v python3").strip() == "/usr/bin/python3"


@pytest.mark.parametrize("program", ["jupyterhub-singleuser", "jupyter-lab", "papermill"])
def test_the_servers_programs_are_those_of_its_own_python(container: str, program: str) -> None:
    assert output(container, "readlink", "-f", f"/usr/local/bin/{program}").strip() == f"/opt/jupyter/bin/{program}"


def test_nothing_of_the_bases_jupyter_is_read(container: str) -> None:
    assert "allow_root" not in output(container, "sh", "-c", "cat /usr/local/etc/jupyter/*config* 2>/dev/null || true")


def test_the_user_has_number_1000_and_a_name(container: str) -> None:
    assert output(container, "id").startswith("uid=1000(jovyan) gid=100(users)")


@pytest.mark.parametrize("locale", ["ja_JP.utf8", "en_US.utf8"])
def test_locales_are_there(container: str, locale: str) -> None:
    assert locale in output(container, "locale", "-a").splitlines()


def test_the_server_is_whole(container: str) -> None:
    assert output(container, "/opt/jupyter/bin/pip", "check").strip() == "No broken requirements found."


def test_batch_jobs_get_the_same_surroundings(container: str, entrypoint: list[str]) -> None:
    said = output(container, *entrypoint, "sh", "-c", "echo $PYTHONUSERBASE $OMP_NUM_THREADS")

    assert said.startswith("/home/jovyan/.local/genkan/")
    assert int(said.split()[1]) >= 1


def test_an_environment_is_made_on_the_framework(container: str, entrypoint: list[str]) -> None:
    script = "genkan-env create vision && ~/envs/vision/bin/python -c 'import ipykernel' && genkan-env list"

    assert output(container, *entrypoint, "sh", "-c", script).splitlines()[-1] == "vision"
