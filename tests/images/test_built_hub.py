"""What the hub's image does that was built; `make images` runs this on its own.

    GENKAN_TEST_HUB_IMAGE=localhost/genkan/hub:0.1.0 .venv/bin/pytest tests/images/test_built_hub.py

The hub is started as the Zero to JupyterHub chart starts it, without a cluster: what it does there, the sandbox shows.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from genkan_profiles import __version__

from .containers import Surroundings, UnpackedImage, running, unpacked
from .single_user_server import last_words, stopped
from .stub_proxy import TOKEN, StubProxy, stub_proxy

IMAGE = os.environ.get("GENKAN_TEST_HUB_IMAGE", "")
WITHIN = 120
SETTINGS = "/usr/local/etc/jupyterhub/jupyterhub_config.py"
STATE = "/srv/jupyterhub"
TEMPORARY = "/tmp"  # noqa: S108  # the container's
CONFIGURATION = """\
from genkan_hub import configure

configure(c)
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "{proxy}"
c.ConfigurableHTTPProxy.auth_token = "{token}"
"""

pytestmark = [
    pytest.mark.skipif(not IMAGE, reason="GENKAN_TEST_HUB_IMAGE names no image; `make images` builds one and tries it"),
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("buildah", "runc"))), reason="needs root, buildah and runc"
    ),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnpackedImage]:
    with unpacked(IMAGE, tmp_path_factory.mktemp("containers")) as found:
        yield found


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that answers."""

    url: str
    proxy: StubProxy
    process: subprocess.Popen[bytes]
    state: Path
    ready_after: float


@asynccontextmanager
async def started(image: UnpackedImage, folder: Path, configuration: str = CONFIGURATION) -> AsyncIterator[Hub]:
    state = folder / "state"
    state.mkdir()
    os.chown(state, 1000, 1000)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with stub_proxy() as proxy:
        settings = folder / "jupyterhub_config.py"
        settings.write_text(configuration.format(port=port, proxy=proxy.url, token=TOKEN))
        given = Surroundings(
            user="1000:1000", read_only=True, volumes={SETTINGS: settings, STATE: state}, memory_volumes=(TEMPORARY,)
        )
        began = time.monotonic()
        command = image.command([*image.entrypoint, *image.config["Cmd"]], given)
        with running(command, folder / "log") as process:
            url = f"http://127.0.0.1:{port}/hub/"
            await until_it_answers(url, process, folder / "log")
            yield Hub(url, proxy, process, state, time.monotonic() - began)


async def until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + WITHIN
    async with httpx.AsyncClient() as client:
        while time.monotonic() < end and process.poll() is None:
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}health")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.1)
    pytest.fail(f"The hub did not answer:\n{last_words(log)}")


async def test_a_hub_starts_answers_and_ends_when_it_is_told(
    image: UnpackedImage, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    async with started(image, tmp_path) as hub, httpx.AsyncClient(base_url=hub.url) as client:
        record_testsuite_property("ready_seconds", round(hub.ready_after, 1))
        page = await client.get("login")
        assert page.status_code == httpx.codes.OK
        assert "Genkan" in page.text
        assert (await client.get("api/users")).status_code == httpx.codes.FORBIDDEN
        async with asyncio.timeout(WITHIN):
            await hub.proxy.told.wait()
            # Before it says so it has no handler of signals yet.
            while "JupyterHub is now running" not in last_words(tmp_path / "log"):
                await asyncio.sleep(0.1)
        assert "/" in hub.proxy.routes
        assert (hub.state / "jupyterhub.sqlite").stat().st_uid == 1000
        assert await stopped(hub.process) == 0, last_words(tmp_path / "log")


def test_its_programs_are_there_and_whole(image: UnpackedImage) -> None:
    user = Surroundings(user="1000:1000", read_only=True)

    assert image.output("/opt/hub/bin/pip", "check", surroundings=user).strip() == "No broken requirements found."
    assert image.output("python3", "-c", "import genkan_hub; print(genkan_hub.__version__)").strip() == __version__
    assert "profiles" in image.output("genkan", "--help", surroundings=user)
    for module in ("psycopg", "pycurl", "jupyterhub_idle_culler", "oauthenticator"):
        image.output("python3", "-c", f"import {module}", surroundings=user)


def test_it_is_nobody_of_power(image: UnpackedImage) -> None:
    assert image.config["User"] == "1000:1000"
    assert image.run("sh", "-c", "touch /opt/hub/x", surroundings=Surroundings(user="1000:1000")).returncode != 0


def test_what_only_builds_it_is_not_there(image: UnpackedImage) -> None:
    assert image.run("ls", "/build").returncode != 0
