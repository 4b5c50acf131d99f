import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from .singleuser import Environ, environ, run

PACKAGE = "genkan_images_example"


@pytest.fixture
def given(tmp_path: Path) -> Environ:
    return environ(tmp_path)


def command(folder: Path, given: Environ, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("environments", *arguments, environ=given, folder=folder)


def install(target: Path, *, version: str = "1.5") -> None:
    """Put a package into an environment as an index's wheel would be."""
    (site,) = target.glob("lib/python3.*/site-packages")
    (site / f"{PACKAGE}.py").write_text("")
    info = site / f"{PACKAGE}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {version}\n")
    (info / "RECORD").write_text("")
    (info / "INSTALLER").write_text("pip\n")


@dataclass(frozen=True, slots=True)
class Made:
    """An environment that was made once, for all tests that only look at it."""

    folder: Path
    given: Environ
    said: str

    @property
    def target(self) -> Path:
        return self.folder / "home/envs/vision"

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return command(self.folder, self.given | changes, *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    given = environ(folder, JUPYTER_IMAGE_SPEC="registry.example.org/genkan/pytorch:26.08-r1")
    done = command(folder, given, "create", "vision")
    assert (done.returncode, done.stderr) == (0, "")
    made = Made(folder, given, done.stdout)
    install(made.target)
    return made


def test_an_environment_sees_the_framework(made: Made) -> None:
    """pytest stands for the framework: it is a package of the Python that GENKAN_PYTHON names, and of no other."""
    seen = subprocess.run(
        [made.target / "bin/python", "-c", "import pytest, sys; print(sys.prefix)"],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )

    assert seen.stdout == f"{made.target}\n", seen.stderr


def test_an_environment_has_a_kernel_and_a_record(made: Made) -> None:
    kernel = json.loads((made.folder / "home/.local/share/jupyter/kernels/genkan-vision/kernel.json").read_text())

    assert made.said.startswith(
        f"{made.target} is there, and its kernel vision (pytorch-26.08-r1) is in the launcher.\n"
    )
    assert kernel["display_name"] == "vision (pytorch-26.08-r1)"
    assert kernel["argv"][:3] == [str(made.target / "bin/python"), "-m", "ipykernel_launcher"]
    assert json.loads((made.target / "genkan.json").read_text()) == {
        "name": "vision",
        "image": "pytorch-26.08-r1",
        "reference": "registry.example.org/genkan/pytorch:26.08-r1",
        "python": made.given["GENKAN_PYTHON"],
    }


def test_an_environment_is_exported_as_an_image(made: Made) -> None:
    done = made.run("export", "vision")

    output = made.folder / "vision-image"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "vision-image/Dockerfile\nvision-image/requirements.txt\n"
    assert (output / "requirements.txt").read_text() == "genkan_images_example==1.5\n"
    assert (output / "Dockerfile").read_text() == (
        "# The environment vision, made on pytorch-26.08-r1.\n"
        "ARG BASE_IMAGE=registry.example.org/genkan/pytorch:26.08-r1\n"
        "FROM ${BASE_IMAGE}\n"
        "\n"
        "USER 0\n"
        "COPY requirements.txt /opt/genkan/environments/vision.txt\n"
        f"RUN PIP_BREAK_SYSTEM_PACKAGES=1 {made.given['GENKAN_PYTHON']} -m pip install --no-cache-dir "
        "--requirement /opt/genkan/environments/vision.txt\n"
        "USER 1000:100\n"
    )


def test_an_export_of_an_image_that_has_no_name_asks_for_it(made: Made) -> None:
    record = made.target / "genkan.json"
    text = record.read_text()
    record.write_text(json.dumps(json.loads(text) | {"reference": ""}))
    made.run("export", "vision", "--output", "nameless")
    record.write_text(text)

    exported = (made.folder / "nameless/Dockerfile").read_text(encoding="utf-8")
    assert "# Build with --build-arg BASE_IMAGE=, pytorch-26.08-r1.\nARG BASE_IMAGE\n" in exported


def test_what_comes_from_a_directory_cannot_be_exported(made: Made) -> None:
    (info,) = made.target.glob("lib/python3.*/site-packages/*example-1.5.dist-info")
    origin = info / "direct_url.json"
    origin.write_text(json.dumps({"url": "file:///home/jovyan/mine", "dir_info": {}}))
    done = made.run("export", "vision", "--output", "local")
    origin.unlink()

    assert done.returncode == 1
    assert "cannot be rebuilt elsewhere: genkan_images_example @ file:///home/jovyan/mine. Install a" in done.stderr
    assert not (made.folder / "local").exists()


def test_an_export_never_overwrites(made: Made) -> None:
    (made.folder / "taken").mkdir()

    done = made.run("export", "vision", "--output", "taken")

    assert (done.returncode, done.stderr) == (
        1,
        "genkan-env: taken is there already; name another place with --output.\n",
    )


def test_another_release_is_told(made: Made) -> None:
    newer = {"GENKAN_IMAGE": "pytorch-26.09-r1"}

    assert made.run("list").stdout == "vision\n"
    assert made.run("list", **newer).stdout == "vision (made on pytorch-26.08-r1; this is pytorch-26.09-r1)\n"
    exported = made.run("export", "vision", "--output", "newer", **newer)
    assert exported.stderr == "genkan-env: vision was made on pytorch-26.08-r1; this is pytorch-26.09-r1.\n"


@pytest.mark.parametrize("name", ["../up", "Größe", "", ".hidden", "a b", "x" * 64])
def test_a_name_that_cannot_be_a_directory_is_refused(tmp_path: Path, given: Environ, name: str) -> None:
    done = command(tmp_path, given, "create", name)

    assert done.returncode == 1
    assert "cannot be a name: take small letters" in done.stderr
    assert list((tmp_path / "home").iterdir()) == []


def test_a_name_that_is_taken_is_refused_and_left_alone(tmp_path: Path, given: Environ) -> None:
    taken = tmp_path / "home/envs/vision"
    taken.mkdir(parents=True)
    (taken / "mine").touch()

    done = command(tmp_path, given, "create", "vision")

    assert (done.returncode, done.stderr) == (
        1,
        f"genkan-env: {taken} is there already; take another name, or delete it first.\n",
    )
    assert [path.name for path in taken.iterdir()] == ["mine"]


def test_what_fails_leaves_nothing_behind(tmp_path: Path, given: Environ) -> None:
    broken = tmp_path / "python"
    broken.write_text('#!/bin/sh\nmkdir -p "$4/half"\necho no room >&2\nexit 1\n')
    broken.chmod(0o755)
    given["GENKAN_PYTHON"] = str(broken)

    done = command(tmp_path, given, "create", "vision")

    assert done.returncode == 1
    assert done.stderr.startswith("no room\ngenkan-env: Python could not make ")
    assert list((tmp_path / "home/envs").iterdir()) == []


def test_an_image_without_its_python_is_told(tmp_path: Path, given: Environ) -> None:
    given["GENKAN_PYTHON"] = "/nonexistent/python"

    done = command(tmp_path, given, "create", "vision")

    assert (done.returncode, done.stderr) == (1, "genkan-env: This image has no /nonexistent/python.\n")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"name": "vision"}'])
def test_a_directory_of_something_else_is_no_environment(tmp_path: Path, given: Environ, text: str | None) -> None:
    target = tmp_path / "home/envs/vision"
    target.mkdir(parents=True)
    if text is not None:
        (target / "genkan.json").write_text(text)

    done = command(tmp_path, given, "export", "vision")

    assert (done.returncode, done.stderr) == (
        1,
        f"genkan-env: {target} is no environment that `genkan-env create` has made.\n",
    )
