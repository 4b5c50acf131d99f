"""What a machine must have for a real node, and the sentence that says what it lacks."""

import os
import shutil
import sys
from pathlib import Path

from genkan_sandbox.binaries.modules import architecture
from genkan_sandbox.real_node.configuration import PLUGIN_FOLDERS
from genkan_sandbox.real_node.pause import pause_program

PROGRAMS = {"containerd": "containerd", "ctr": "containerd", "runc": "runc", "ip": "iproute2", "mount": "mount"}
"""What is run, and the Debian package that has it."""

PLUGINS = "containernetworking-plugins"
_NEEDED_PLUGINS = ("bridge", "host-local", "loopback")


def missing() -> str | None:
    """Say in a sentence why this machine can have no real node; None where it can."""
    if sys.platform != "linux":
        return "A real node needs Linux."
    if os.geteuid() != 0:
        return "A real node needs root."
    try:
        pause_program(architecture())
    except KeyError:
        return f"There is no real node for the architecture {architecture()}."
    packages = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if not any(_has_plugins(folder) for folder in PLUGIN_FOLDERS):
        packages.add(PLUGINS)
    if packages:
        return f"A real node needs programs that are not here; on Debian: apt-get install {' '.join(sorted(packages))}."
    return None


def plugin_folder() -> Path:
    """Return where the programs for pods' networks are. StopIteration: they are not here."""
    return next(folder for folder in PLUGIN_FOLDERS if _has_plugins(folder))


def _has_plugins(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _NEEDED_PLUGINS)
