import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tools.images.programs import checkers_folder

from genkan_images.building import SOURCE, STEP
from genkan_images.flavours import DESIGNS
from genkan_images.plan import CONTEXT, locked_version
from genkan_sandbox.state import default_cache_directory

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / CONTEXT
DOCKERFILES = sorted(FOLDER.glob("*.Dockerfile"))
SCRIPTS = sorted([*FOLDER.glob("steps/*.sh"), *FOLDER.glob("bin/*")])
STAND_IN = ROOT / "images/stand-in/base"
LOCKS = sorted(FOLDER.glob("*.txt"))
CHECKERS = f"{checkers_folder(ROOT, default_cache_directory()) / 'bin'}{os.pathsep}{os.environ['PATH']}"
SHELLCHECK, HADOLINT = (shutil.which(name, path=CHECKERS) or "" for name in ("shellcheck", "hadolint"))
# Host names that stand before a path, in parts so that this file passes its own test.
HOSTS = re.compile(
    r"\b(?:" + "|".join(r"\.".join(p) for p in [("nvcr", "io"), ("docker", "io"), ("quay", "io")]) + r")\b"
)


def names(path: Path) -> str:
    return path.name


def test_every_flavour_has_its_dockerfile_and_no_dockerfile_is_left_over() -> None:
    assert {design.dockerfile for design in DESIGNS.values()} == {path.name for path in DOCKERFILES}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=names)
def test_a_dockerfile_uses_what_is_there(dockerfile: Path) -> None:
    sources = SOURCE.findall(dockerfile.read_text())

    assert sources
    assert [source for source in sources if not (FOLDER / source).exists()] == []


def test_every_script_of_the_build_is_used() -> None:
    used = {source for dockerfile in DOCKERFILES for source in SOURCE.findall(dockerfile.read_text())}
    used |= {
        match for text in (path.read_text() for path in DOCKERFILES) for match in re.findall(r"steps/\S+\.sh", text)
    }

    assert {str(path.relative_to(FOLDER)) for path in FOLDER.glob("steps/*.sh")} - used == set()


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=names)
def test_every_step_has_an_argument_for_the_content_of_its_files(dockerfile: Path) -> None:
    """Without it buildah takes yesterday's layer for today's files."""
    steps = STEP.findall(dockerfile.read_text())

    assert sum(len(SOURCE.findall(run)) for _, run in steps) == len(SOURCE.findall(dockerfile.read_text()))
    assert len({argument for argument, _ in steps}) == len(steps)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=names)
def test_a_dockerfile_keeps_to_what_buildah_of_debian_12_reads(dockerfile: Path) -> None:
    text = dockerfile.read_text()

    assert re.findall(r"<<|COPY --link|ADD --checksum|^# syntax", text, re.MULTILINE) == []


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=names)
def test_a_dockerfile_keeps_the_contract(dockerfile: Path) -> None:
    """Numeric user, our entrypoint below tini, a command that KubeSpawner's args replace."""
    last = [line for line in dockerfile.read_text().splitlines() if line][-5:]

    assert last == [
        "WORKDIR /home/jovyan",
        "USER 1000:100",
        "EXPOSE 8888",
        'ENTRYPOINT ["tini", "-g", "--", "/usr/local/bin/genkan-entrypoint"]',
        'CMD ["jupyterhub-singleuser"]',
    ]


def test_no_registry_is_named() -> None:
    """The site says where bases come from and where images go."""
    files = [path for path in (ROOT / "images").rglob("*") if path.is_file() and path.suffix != ".pyc"]

    assert [str(path.relative_to(ROOT)) for path in files if HOSTS.search(path.read_text())] == []


@pytest.mark.parametrize("lock", LOCKS, ids=names)
def test_a_lock_has_versions_and_hashes_and_no_address(lock: Path) -> None:
    text = re.sub(r"\\\n\s*", "", lock.read_text())
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?:|index-url|find-links", text) == []


@pytest.mark.parametrize("package", ["jupyterhub", "jupyterlab", "tornado", "sqlalchemy"])
def test_the_server_in_an_image_has_the_hubs_versions(package: str) -> None:
    image, sandbox = FOLDER / "server.txt", ROOT / "requirements/sandbox.txt"

    assert locked_version(image.read_text(), package) == locked_version(sandbox.read_text(), package)


def test_the_widgets_of_notebooks_and_of_the_server_fit() -> None:
    server, notebooks = (
        locked_version((FOLDER / f"{name}.txt").read_text(), "jupyterlab-widgets") for name in ("server", "scipy")
    )

    assert server == notebooks


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("*.json")), ids=names)
def test_settings_are_json(file: Path) -> None:
    assert isinstance(json.loads(file.read_text()), dict)


@pytest.mark.parametrize("script", SCRIPTS, ids=names)
def test_a_script_is_posix(script: Path) -> None:
    """A bash that is not interactive reads BASH_ENV, which in NVIDIA's images asks the driver."""
    assert script.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", script], check=True)


@pytest.mark.skipif(not SHELLCHECK, reason="there is no shellcheck; `make images` installs one")
def test_shellcheck_finds_nothing() -> None:
    scripts = [*SCRIPTS, STAND_IN, *(ROOT / "tools" / name for name in ("environment", "image-programs", "lock"))]
    found = subprocess.run([SHELLCHECK, *scripts], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.skipif(not HADOLINT, reason="there is no hadolint; `make images` installs one")
def test_hadolint_finds_nothing() -> None:
    dockerfiles = [*DOCKERFILES, ROOT / "hub/Dockerfile"]
    found = subprocess.run([HADOLINT, *dockerfiles], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize(
    ("text", "passes"), [("These are the terms.\n", True), ("", False), (None, False)], ids=["there", "empty", "gone"]
)
def test_a_build_ends_where_a_licence_is_missing(tmp_path: Path, text: str | None, *, passes: bool) -> None:
    licence = tmp_path / "license.txt"
    if text is not None:
        licence.write_text(text)

    done = subprocess.run(
        ["sh", FOLDER / "steps/licences.sh"],
        env={"PATH": os.defpath, "LICENCE_FILES": str(licence)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode == 0) is passes
    assert ("the base has no licence in " in done.stderr) is not passes


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say which kind of base to make: "),
        (["conda", "localhost/x"], "Say which kind of base to make: "),
        (["ngc"], "Say what to call it: "),
    ],
)
def test_a_stand_in_is_told_what_to_be(arguments: list[str], sentence: str) -> None:
    done = subprocess.run([STAND_IN, *arguments], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"genkan: {sentence}")
