"""What is wrong with an image is found: each test of a built one fails on an image that has all of these faults.

`make images` runs this on its own images; GENKAN_TEST_IMAGE and GENKAN_TEST_HUB_IMAGE name good ones.
"""

import os
import shutil
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..support.sandbox import require

ROOT = Path(__file__).parents[2]
SINGLE_USER, HUB = os.environ.get("GENKAN_TEST_IMAGE", ""), os.environ.get("GENKAN_TEST_HUB_IMAGE", "")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("buildah", "runc"))), reason="needs root, buildah and runc"
)

# Answers whoever asks for whatever, and does not end as it should.
SERVER = """\
#!/usr/bin/env python3
import http.server, os, re, signal

signal.signal(signal.SIGTERM, lambda *_: os._exit(3))
told = os.environ.get("JUPYTERHUB_SERVICE_URL") or open("/usr/local/etc/jupyterhub/jupyterhub_config.py").read()


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET


http.server.HTTPServer(("127.0.0.1", int(re.search(r"127.0.0.1:(\\d+)", told)[1])), Answers).serve_forever()
"""
NEEDS_NO_FAULT = {"test_no_network_is_needed"}  # of the machine, not of the image


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def break_single_user(root: Path) -> None:
    bin_folder = root / "usr/local/bin"
    write(bin_folder / "jupyterhub-singleuser", SERVER)
    for program in ("jupyter-lab", "papermill"):
        write(bin_folder / program, "#!/bin/sh\n")
    write(bin_folder / "genkan-start", '#!/bin/sh\nexec "$@"\n')
    write(bin_folder / "genkan-entrypoint", '#!/bin/sh\nexport NVIDIA_CPU_ONLY=2\nexec genkan-start "$@"\n')
    (bin_folder / "genkan-env").unlink()
    (bin_folder / "python3").symlink_to("/usr/bin/python3")
    write(root / "usr/local/etc/jupyter/jupyter_server_config.json", '{"ServerApp": {"allow_root": true}}')
    passwd = root / "etc/passwd"
    passwd.write_text(passwd.read_text().replace("jovyan:", "ubuntu:"))
    shutil.rmtree(root / "usr/lib/locale")
    (record,) = root.glob("opt/jupyter/lib/python3*/site-packages/tornado-*.dist-info")
    shutil.rmtree(record)


def break_hub(root: Path) -> None:
    write(root / "opt/hub/bin/jupyterhub", SERVER)
    (record,) = root.glob("opt/hub/lib/python3*/site-packages/tornado-*.dist-info")
    shutil.rmtree(record)
    (root / "opt/hub").chmod(0o777)
    (root / "build").mkdir()


@contextmanager
def broken(image: str, faults: Callable[[Path], None]) -> Iterator[str]:
    """Make an image with faults on a good one."""
    name = f"localhost/genkan/bad:{uuid.uuid4().hex[:12]}"
    container = buildah("from", "--pull-never", image)
    try:
        faults(Path(buildah("mount", container)))
        buildah("config", "--user", "0:0", container)
        buildah("commit", "--quiet", "--format", "docker", container, name)
    finally:
        buildah("rm", container)
    try:
        yield name
    finally:
        buildah("rmi", name)


def buildah(*arguments: str) -> str:
    return subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def outcomes(file: str, *, variable: str, image: str, report: Path) -> dict[str, str]:
    """Return how each test of a file ended: failure is one of its own, error one of what it needs."""
    command = [sys.executable, "-m", "pytest", file, "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, variable: image}, check=False, capture_output=True)
    cases = ET.parse(report).iter("testcase")  # noqa: S314  # our own pytest has written it
    ends = {"failure", "error", "skipped"}
    return {str(case.get("name")): next((child.tag for child in case if child.tag in ends), "passed") for case in cases}


@pytest.mark.skipif(not SINGLE_USER, reason="GENKAN_TEST_IMAGE names no image; `make images` builds some")
def test_each_test_of_a_single_user_image_fails_on_a_bad_one(tmp_path: Path) -> None:
    with broken(SINGLE_USER, break_single_user) as image:
        found = outcomes(
            "tests/images/test_built.py", variable="GENKAN_TEST_IMAGE", image=image, report=tmp_path / "report.xml"
        )
        structure = gate(image)

    assert len(found) > len(NEEDS_NO_FAULT)
    assert {name: end for name, end in found.items() if end != "failure" and name not in NEEDS_NO_FAULT} == {}
    assert structure.returncode == 1
    assert "Image user 0:0 does not match config user: 1000:100" in structure.stderr
    assert "environments: " in structure.stderr


@pytest.mark.skipif(not HUB, reason="GENKAN_TEST_HUB_IMAGE names no image; `make images` builds one")
def test_each_test_of_a_hub_fails_on_a_bad_one(tmp_path: Path) -> None:
    with broken(HUB, break_hub) as image:
        found = outcomes(
            "tests/images/test_built_hub.py",
            variable="GENKAN_TEST_HUB_IMAGE",
            image=image,
            report=tmp_path / "report.xml",
        )
        structure = gate(image, "--tests", "hub/structure.yaml")

    assert found
    assert {name: end for name, end in found.items() if end != "failure"} == {}
    assert structure.returncode == 1
    assert "nothing of the build: " in structure.stderr


def gate(image: str, *options: str) -> "subprocess.CompletedProcess[str]":
    if shutil.which("container-structure-test") is None:
        require("container-structure-test is not on PATH; `make images` installs it")
    command = [str(Path(sys.executable).parent / "genkan"), "images", "gate", "structure", image, *options]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
