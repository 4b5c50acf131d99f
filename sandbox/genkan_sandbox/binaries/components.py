"""The programs of the sandbox: their names, their versions, and where they came from."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genkan_sandbox.binaries.versions import ETCD_VERSION, HELM_VERSION, KUBERNETES_VERSION, PROXY_VERSION

ANSWER_WITHIN_S = 20.0
"""A program that does not tell its version by then is passed over."""


class Source(StrEnum):
    """Where a program comes from, in the order in which the sandbox looks."""

    PATH = "path"
    CACHE = "cache"
    DOWNLOAD = "download"
    BUILD = "build"
    NPM = "npm"


EVERY_SOURCE = frozenset(Source)


@dataclass(frozen=True, slots=True)
class Component:
    """One program and how it tells its version."""

    name: str
    version: str
    """The pinned version."""

    answer: str
    """A regular expression that finds the version in what it prints when it is asked."""

    any_patch: bool = False
    """Another patch release of the same series will do."""

    question: tuple[str, ...] = ("--version",)
    """The arguments with which it is asked."""

    def is_satisfied_by(self, version: str | None) -> bool:
        """Tell whether a program of this version can stand for the pinned one."""
        if version is None or not self.any_patch:
            return version == self.version
        return version.rpartition(".")[0] == self.version.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Group:
    """Programs that are released, fetched and kept together."""

    name: str
    title: str
    """With the version, as people see it."""

    version: str
    components: tuple[Component, ...]

    @property
    def names(self) -> str:
        """Join the programs' names for a sentence."""
        *first, last = [component.name for component in self.components]
        return f"{', '.join(first)} and {last}" if first else last


_KUBERNETES_ANSWER = r"^Kubernetes v(\S+)$"

KUBERNETES = Group(
    name="kubernetes",
    title=f"Kubernetes v{KUBERNETES_VERSION}",
    version=KUBERNETES_VERSION,
    components=tuple(
        Component(name=name, version=KUBERNETES_VERSION, answer=_KUBERNETES_ANSWER)
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ),
)
KUBELET = Group(
    name="kubelet",
    title=f"the kubelet of Kubernetes v{KUBERNETES_VERSION}",
    version=KUBERNETES_VERSION,
    components=(Component(name="kubelet", version=KUBERNETES_VERSION, answer=_KUBERNETES_ANSWER),),
)
"""Only a sandbox with a real node runs it."""
ETCD = Group(
    name="etcd",
    title=f"etcd {ETCD_VERSION}",
    version=ETCD_VERSION,
    components=(Component(name="etcd", version=ETCD_VERSION, answer=r"^etcd Version: (\S+)$", any_patch=True),),
)
PROXY = Group(
    name="proxy",
    title=f"configurable-http-proxy {PROXY_VERSION}",
    version=PROXY_VERSION,
    components=(
        Component(name="configurable-http-proxy", version=PROXY_VERSION, answer=r"^v?(\d+\.\d+\.\S+)$", any_patch=True),
    ),
)
HELM = Group(
    name="helm",
    title=f"Helm {HELM_VERSION}",
    version=HELM_VERSION,
    components=(
        Component(
            name="helm",
            version=HELM_VERSION,
            answer=r"^v(\d+\.\d+\.\d+)",
            any_patch=True,
            question=("version", "--short"),
        ),
    ),
)
"""No sandbox runs it; it installs charts on one."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which version of a program was taken, and from where."""

    name: str
    version: str
    command: tuple[str, ...]
    source: Source
    made_by: Source | None = None
    """How it came into the cache, for one that was taken from there."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs that a sandbox runs, ready to be started."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    proxy: tuple[str, ...]
    """The command that starts configurable-http-proxy, options to follow."""

    provenance: tuple[Provenance, ...]


def find_program(name: str) -> Path | None:
    """Find a program on PATH; the answer holds in every working directory, whatever PATH says."""
    program = shutil.which(name)
    return Path(program).absolute() if program else None


def ask_version(command: Sequence[str], *, component: Component) -> str | None:
    """Ask a program for its version and find it in the answer; None when the program does not give one.

    OSError: the program cannot be run at all.
    """
    try:
        answer = subprocess.run(
            [*command, *component.question],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=ANSWER_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    found = re.search(component.answer, answer.stdout.decode(errors="replace"), flags=re.MULTILINE)
    return found[1] if found and answer.returncode == 0 else None
