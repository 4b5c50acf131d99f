"""The smallest image in which a single-user server runs: Debian's Python, JupyterLab and a start script below tini.

`python -m tests.support.single_user` makes it, in a minute or two, for machines that have built no images of Genkan's.
It takes the versions of the server that these have, and is kept in the cache until one of them changes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from genkan_sandbox.binaries.modules import architecture
from genkan_sandbox.real_node.archives import Image, Layer, write_archive
from genkan_sandbox.state import default_cache_directory

ROOT = Path(__file__).resolve().parents[2]

VERSIONS = ROOT / "images" / "context" / "server.txt"
"""The lock of the servers of Genkan's images."""

LIST = "GENKAN_TEST_IMAGES"

RECIPE = "1"
"""Raise it when images that were made in the old way must not be used any more."""

PACKAGES = ("jupyterhub", "jupyterlab")
DEBIAN = "bookworm"
SITE_PACKAGES = "usr/local/lib/python3.11/dist-packages"

START = """\
#!/bin/sh
# As NVIDIA's entrypoint does: prepare, and become what the arguments say.
export GENKAN_TEST_ENTRYPOINT=kept
exec "$@"
"""

SERVER = """\
#!/bin/sh
exec python3 -m jupyterhub.singleuser "$@"
"""

UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache/apt", "var/lib/apt/lists")


class MissingError(Exception):
    """The image cannot be made here, as a sentence."""


def single_user_list() -> Path:
    """Return the list of images that a real node of a test has: what `make images` built, or the one that is made here.

    GENKAN_TEST_IMAGES names another list. MissingError: none is there.
    """
    if LIST in os.environ:
        return Path(os.environ[LIST]).absolute()
    folder = default_cache_directory() / "images"
    for file in (folder / "built.json", _list_file(folder)):
        if file.is_file():
            return file
    raise MissingError("There is no image of a single-user server. Run `make images` or `make realnode` first.")


def found_or_made() -> Path:
    """Return the list of images of a test, and make one where nothing was built. MissingError as from `make`."""
    try:
        return single_user_list()
    except MissingError:
        return make()


def make() -> Path:
    """Make the image where it is not there yet, and return its list. MissingError: a program is missing or fails."""
    folder = default_cache_directory() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    file = _list_file(folder)
    if not file.exists():
        archive = file.with_suffix(".tar")
        reference = f"registry.example.org/genkan/single-user:{file.stem.rpartition('-')[2]}"
        with tempfile.TemporaryDirectory(dir=folder) as place:
            _build(Path(place), archive, reference=reference)
        row = {"reference": reference, "archive": str(archive)}
        file.write_text(json.dumps({"single-user": row}, indent=1))
    return file


def _list_file(folder: Path) -> Path:
    parts = (RECIPE, DEBIAN, START, SERVER, architecture(), *PACKAGES, VERSIONS.read_text())
    content = hashlib.sha256("\0".join(parts).encode())
    return folder / f"single-user-{content.hexdigest()[:12]}.json"


def _build(place: Path, archive: Path, *, reference: str) -> None:
    root = place / "root"
    _run("debootstrap", "--variant=minbase", "--include=python3,tini", DEBIAN, str(root))
    _install(root)
    for path in UNUSED:
        shutil.rmtree(root / path, ignore_errors=True)
    layer = place / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        tar.add(root, arcname=".", filter=_without_devices)
    image = Image(
        reference=reference,
        architecture=architecture(),
        layers=(Layer(path=layer),),
        entrypoint=("tini", "-g", "--", "/usr/local/bin/start"),
        command=("jupyterhub-singleuser",),
        user="1000:100",
        environment={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/home/jovyan"},
        directory="/home/jovyan",
    )
    write_archive(image, archive)


def _install(root: Path) -> None:
    packages = root / SITE_PACKAGES
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write(_without_hashes(VERSIONS.read_text()))
        constraints.flush()
        words = ["--quiet", "--python-version", "3.11", "--target", str(packages), "--constraint", constraints.name]
        _run(str(Path(sys.executable).with_name("uv")), "pip", "install", *words, *PACKAGES)
    # What is beside packages belongs where Jupyter looks for it.
    for name in ("share", "etc"):
        if (packages / name).is_dir():
            shutil.copytree(packages / name, root / "usr" / "local" / name, dirs_exist_ok=True)
            shutil.rmtree(packages / name)
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for name, script in {"start": START, "jupyterhub-singleuser": SERVER}.items():
        path = root / "usr" / "local" / "bin" / name
        path.write_text(script)
        path.chmod(0o755)
    with (root / "etc" / "passwd").open("a") as file:
        file.write("jovyan:x:1000:100::/home/jovyan:/bin/sh\n")
    (root / "home" / "jovyan").mkdir(parents=True)
    shutil.chown(root / "home" / "jovyan", 1000, 100)


def _without_hashes(lock: str) -> str:
    lines = (line.partition(" \\")[0].partition("--hash")[0].rstrip() for line in lock.splitlines())
    return "\n".join(line for line in lines if "==" in line and not line.startswith((" ", "#")))


def _without_devices(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.ischr() or entry.isblk() or entry.isfifo() else entry


def _run(*words: str) -> None:
    try:
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError as e:
        raise MissingError(f"An image of a single-user server is made with {words[0]}, which is not here.") from e
    if ended.returncode != 0:
        raise MissingError(f"{words[0]} failed: {(ended.stderr or ended.stdout).strip()[-500:]}")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"The images for tests on a real node are those of {found_or_made()}.\n")
    except MissingError as error:
        sys.exit(str(error))
