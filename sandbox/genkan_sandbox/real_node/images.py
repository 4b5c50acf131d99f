"""Bring the images that a node has from the start into containerd, each once."""

import json
import logging
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from genkan_sandbox.binaries.modules import architecture
from genkan_sandbox.real_node.archives import digest_of, write_archive
from genkan_sandbox.real_node.configuration import CONTAINERD_SOCKET
from genkan_sandbox.real_node.pause import PAUSE_IMAGE, pause_image
from genkan_sandbox.real_node.settings import ImageArchive, NodeSettings

READY_SECONDS = 30.0
_POLL = 0.05

log = logging.getLogger(__name__)


def wait_for_containerd() -> None:
    """Wait until containerd answers. TimeoutError: it does not."""
    deadline = time.monotonic() + READY_SECONDS
    while _ctr("version").returncode != 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"containerd did not answer within {READY_SECONDS:.0f} s")
        time.sleep(_POLL)


def import_images(settings: NodeSettings) -> None:
    """Import what is new since the last start. ChildProcessError or ValueError: an archive cannot be read."""
    record = settings.folder / "images.json"
    known: dict[str, str] = {}
    with suppress(OSError, ValueError):
        known = json.loads(record.read_text())
    present = set(_checked("images", "list", "--quiet").split())
    for image in (_pause(settings.folder), *settings.images):
        version = _version(image.archive)
        if known.get(image.reference) != version or image.reference not in present:
            _import(image)
            known[image.reference] = version
            record.write_text(json.dumps(known, indent=1))


def _pause(folder: Path) -> ImageArchive:
    path = folder / "pause.tar"
    if not path.exists():
        write_archive(pause_image(architecture()), path)
    return ImageArchive(archive=path, reference=PAUSE_IMAGE)


def _version(archive: Path) -> str:
    state = archive.stat()
    return f"{archive} {state.st_size} {state.st_mtime_ns}"


def _import(image: ImageArchive) -> None:
    """Import an archive, and give the image in it its name; archives of builders say another or none."""
    started = time.monotonic()
    base = "genkan.local/imported"
    _checked("images", "import", "--base-name", base, "--digests", str(image.archive))
    _checked("images", "tag", "--force", f"{base}@{digest_of(image.archive)}", image.reference)
    log.info("Imported %s in %.1f s.", image.reference, time.monotonic() - started)


def _checked(*words: str) -> str:
    ended = _ctr(*words)
    if ended.returncode != 0:
        raise ChildProcessError(f"ctr {' '.join(words)}: {ended.stderr.strip()}")
    return ended.stdout


def _ctr(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["ctr", "--address", str(CONTAINERD_SOCKET), "--namespace", "k8s.io", *words]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
