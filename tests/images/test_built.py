"""What a single-user image does that was built; `make images` runs this on each of its own.

    GENKAN_TEST_IMAGE=localhost/genkan/cpu:24.04-r1 .venv/bin/pytest tests/images/test_built.py

It is run by runc, as root, without a cluster, and needs no network.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ..support.sandbox import require
from .containers import Surroundings, UnpackedImage, unpacked
from .single_user_server import AUTHORIZED, serving

IMAGE = os.environ.get("GENKAN_TEST_IMAGE", "")
READY_WITHIN = 60
"""Seconds for a server on a machine that is busy; 2 to 5 on one that is not."""

HOME = "/home/jovyan"
TEMPORARY = "/tmp"  # noqa: S108  # the container's

pytestmark = [
    pytest.mark.skipif(not IMAGE, reason="GENKAN_TEST_IMAGE names no image; `make images` builds some and tries them"),
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("buildah", "runc"))), reason="needs root, buildah and runc"
    ),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnpackedImage]:
    with unpacked(IMAGE, tmp_path_factory.mktemp("containers")) as found:
        yield found


def squashed(home: Path) -> Path:
    """Make a home as an export gives it that squashes root: it belongs to nobody, who gives nothing away."""
    home.mkdir()
    os.chown(home, 65534, 65534)
    home.chmod(0o755)
    return home


def own(home: Path) -> Path:
    """Make a home as a cluster gives it: its group may write to it."""
    home.mkdir()
    os.chown(home, 0, 100)
    home.chmod(0o2775)
    return home


async def test_a_server_answers_its_user_only(image: UnpackedImage, tmp_path: Path) -> None:
    async with serving(image, tmp_path) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("api/contents")).status_code == httpx.codes.FORBIDDEN
        assert (
            await client.get("api/contents", headers={"Authorization": "token wrong"})
        ).status_code == httpx.codes.FORBIDDEN
        assert (await client.get("api/contents", headers=AUTHORIZED)).status_code == httpx.codes.OK


async def test_a_server_is_there_soon_tells_its_hub_of_activity_and_ends_when_it_is_told(
    image: UnpackedImage, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    async with serving(image, tmp_path) as server:
        record_testsuite_property("ready_seconds", round(server.ready_after, 1))
        assert server.ready_after < READY_WITHIN
        assert await server.stop() == 0, server.said[-2000:]
        assert server.hub.activities


async def test_a_kernel_computes_on_the_bases_python(image: UnpackedImage, tmp_path: Path) -> None:
    async with serving(image, tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.url, headers=AUTHORIZED) as client:
            specs = (await client.get("api/kernelspecs")).json()["kernelspecs"]
        assert {name: specs[name]["spec"]["argv"][0] for name in specs} == {
            "python3": image.output("printenv", "GENKAN_PYTHON").strip()
        }
        printed = await server.computes("import sys, numpy; print(sys.prefix, numpy.arange(3).sum())")
        assert printed.endswith(" 3\n")
        assert not printed.startswith("/opt/jupyter")


async def test_a_user_id_that_the_cluster_chose_will_do(image: UnpackedImage, tmp_path: Path) -> None:
    async with serving(image, tmp_path, Surroundings(user="123456:100")) as server:
        assert await server.computes("import os; print(os.getuid(), os.environ['USER'])") == "123456 alice\n"


async def test_a_root_that_cannot_be_written_to_will_do(image: UnpackedImage, tmp_path: Path) -> None:
    home = own(tmp_path / "home")
    given = Surroundings(read_only=True, volumes={HOME: home}, memory_volumes=(TEMPORARY,))

    async with serving(image, tmp_path, given) as server:
        assert await server.computes("open('x', 'w').close(); print(1)") == "1\n"
        assert await server.stop() == 0, server.said[-2000:]
    assert (home / "x").exists()
    assert (home / ".config/matplotlib/matplotlibrc").exists()


@pytest.mark.parametrize("kind", ["squashed", "missing"])
async def test_a_home_that_cannot_be_written_to_is_told_and_done_without(
    image: UnpackedImage, tmp_path: Path, kind: str
) -> None:
    given = (
        Surroundings(volumes={HOME: squashed(tmp_path / "home")})
        if kind == "squashed"
        else Surroundings(read_only=True, environ={"HOME": "/srv/homes/alice"}, memory_volumes=(TEMPORARY,))
    )
    place = given.environ.get("HOME", HOME)

    async with serving(image, tmp_path, given) as server:
        assert f"Nothing can be saved in {place}, so this server works in /tmp/" in server.said
        assert await server.computes("open('x', 'w').close(); print(1)") == "1\n"


def test_no_network_is_needed(image: UnpackedImage) -> None:
    """The other tests have the same network as this one."""
    routes = image.output("cat", "/proc/net/route").splitlines()[1:]
    if routes:
        require("this machine's network is in sight; `make images` runs these tests in one that leads nowhere")
    assert not image.run("python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 1)").stdout


def test_the_frameworks_python_comes_first(image: UnpackedImage) -> None:
    python = image.output("sh", "-c", "command -v python3").strip()

    assert python == image.output("printenv", "GENKAN_PYTHON").strip()


@pytest.mark.parametrize("program", ["jupyterhub-singleuser", "jupyter-lab", "papermill"])
def test_the_servers_programs_are_those_of_its_own_python(image: UnpackedImage, program: str) -> None:
    assert image.output("readlink", "-f", f"/usr/local/bin/{program}").strip() == f"/opt/jupyter/bin/{program}"


def test_nothing_of_the_bases_jupyter_is_read(image: UnpackedImage) -> None:
    assert image.output("/opt/jupyter/bin/jupyter", "server", "--show-config-json").count("allow_root") == 0


def test_the_user_has_number_1000_and_a_name(image: UnpackedImage) -> None:
    assert image.output("id").startswith("uid=1000(jovyan) gid=100(users)")


@pytest.mark.parametrize("locale", ["ja_JP.utf8", "en_US.utf8"])
def test_locales_are_there(image: UnpackedImage, locale: str) -> None:
    assert locale in image.output("locale", "-a").splitlines()


def test_the_server_is_whole(image: UnpackedImage) -> None:
    assert image.output("/opt/jupyter/bin/pip", "check").strip() == "No broken requirements found."


def test_batch_jobs_get_the_same_surroundings(image: UnpackedImage) -> None:
    said = image.output(
        "sh", "-c", "echo $PYTHONUSERBASE $OMP_NUM_THREADS", entrypoint=True, surroundings=Surroundings(cpus=1.5)
    )

    assert said == f"{HOME}/.local/genkan/{image.output('printenv', 'GENKAN_IMAGE').strip()} 1\n"


def test_the_bases_own_entrypoint_is_called(image: UnpackedImage) -> None:
    """NVIDIA's says in the environment that there is no driver, as on any machine of these tests."""
    base = image.output("sh", "-c", "printenv GENKAN_BASE_ENTRYPOINT || true").strip()
    said = image.output("sh", "-c", "echo $NVIDIA_CPU_ONLY", entrypoint=True).splitlines()[-1]

    assert said == ("1" if base.startswith("/opt/nvidia/") else "")


def test_an_environment_is_made_on_the_framework(image: UnpackedImage) -> None:
    script = "genkan-env create vision && ~/envs/vision/bin/python -c 'import ipykernel' && genkan-env list"

    assert image.output("sh", "-c", script, entrypoint=True).splitlines()[-1] == "vision"
