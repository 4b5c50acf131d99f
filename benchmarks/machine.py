"""Where and of what a result was taken, without the machine's name."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from genkan_sandbox.binaries import Binaries

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

OWN_FILES = ("benchmarks/RESULTS.md", "benchmarks/results.json")
"""What a run writes itself, and which therefore does not count as a change."""

_DISTRIBUTIONS = {
    "Genkan": "genkan",
    "JupyterHub": "jupyterhub",
    "KubeSpawner": "jupyterhub-kubespawner",
    "JupyterLab": "jupyterlab",
}
_GIBIBYTE = 2**30


def describe_machine() -> str:
    """Name processor, memory and systems in half a sentence."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIBIBYTE
    processor = _processor() or platform.machine()
    return f"{cores} cores of {processor}, {memory:.0f} GiB; {_distribution()}, Linux {_kernel()}"


def describe_commit() -> str:
    """Name the commit of the checkout, and whether its files differ from it."""
    try:
        commit = _git("rev-parse", "--short=10", "HEAD").strip()
        changes = _git("status", "--porcelain", "--", ".", *(f":!{name}" for name in OWN_FILES))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} with changes" if changes else commit


def describe_versions(binaries: Binaries) -> dict[str, str]:
    """Name the versions of what is measured."""
    programs = {one.name: one.version for one in binaries.provenance}
    return {
        **{name: version(distribution) for name, distribution in _DISTRIBUTIONS.items()},
        "Kubernetes": programs["kube-apiserver"],
        "etcd": programs["etcd"],
        "configurable-http-proxy": programs["configurable-http-proxy"],
        "Python": platform.python_version(),
    }


def load_average() -> float:
    """Return how many processes ran or wanted to, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def _processor() -> str | None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return "unknown distribution"


def _kernel() -> str:
    return ".".join(platform.release().split(".")[:2])


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
