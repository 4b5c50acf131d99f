"""What runs inside an image, run here: each program as a process, with an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

CONTEXT = Path(__file__).parents[2] / "images/context"

Environ = dict[str, str]


def environ(folder: Path, **changes: str) -> Environ:
    """Return the variables of a container whose directories are all in a folder."""
    for name in ("home", "tmp", "skeleton", "cgroup"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CONTEXT),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "GENKAN_SKELETON": str(folder / "skeleton"),
        "GENKAN_CGROUP_ROOT": str(folder / "cgroup"),
        "GENKAN_IMAGE": "pytorch-26.08-r1",
        "GENKAN_PYTHON": sys.executable,
    } | changes


def run(module: str, *arguments: str, environ: Environ, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a module of the image in a folder."""
    return subprocess.run(
        [sys.executable, "-m", f"genkan_singleuser.{module}", *arguments],
        env=environ,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
