"""A PATH of one folder with fakes of go, npm, node and the sandbox's programs, written in shell."""

import os
from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.binaries.components import ETCD, HELM, KUBERNETES, PROXY
from genkan_sandbox.binaries.workshop import Addresses

NOWHERE = Addresses(kubernetes="http://127.0.0.1:1", etcd="http://127.0.0.1:1", helm="http://127.0.0.1:1")
"""An official host that cannot be reached."""

_ANSWERS = {
    **{component.name: f"Kubernetes v{KUBERNETES.version}" for component in KUBERNETES.components},
    "etcd": f"etcd Version: {ETCD.version}",
    "configurable-http-proxy": PROXY.version,
}

_GO = """\
PATH=/usr/bin:/bin
case "$1" in
  version) echo "go version go{version} linux/amd64" ;;
  env) printf '{{"GOMODCACHE": "%s", "GOCACHE": "%s"}}' "$HOME/go/pkg/mod" "$HOME/.cache/go-build" ;;
  list) echo "go: downloading k8s.io/kubernetes v1" >&2; echo first/package; echo second/package ;;
  build)
    env | sort > "{folder}/environment"
    echo "$*" >> "{folder}/builds"
    while [ $# -gt 0 ]; do
      case "$1" in
        -o) out=$2; shift ;;
        k8s.io/kubernetes/cmd/*) cp "{folder}/made/${{1##*/}}" "$out" || exit 1 ;;
        helm.sh/helm/v4/cmd/helm) cp "{folder}/made/helm" "$out" || exit 1 ;;
        go.etcd.io/etcd/server/v3) cp "{folder}/made/etcd" "$out" || exit 1 ;;
      esac
      shift
    done
    {then} ;;
esac
"""

_NPM = """\
PATH=/usr/bin:/bin
echo "$*" >> "{folder}/installs"
bin=node_modules/configurable-http-proxy/bin
mkdir -p $bin && echo "echo {version}" > $bin/configurable-http-proxy
{then}
"""

_NODE = """\
case "$1" in
  --version) echo v{version} ;;
  *) exec /bin/sh "$@" ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What is on PATH for one test, and what its fakes noted down."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "bin"

    def program(self, name: str, script: str) -> Path:
        return write_program(self.path / name, script)

    def component(self, name: str, *, answer: str | None = None) -> Path:
        return self.program(name, f'echo "{answer or _ANSWERS[name]}"')

    def components(self) -> None:
        for name in _ANSWERS:
            self.component(name)

    def go(self, *, version: str = "1.26.8", then: str = "true", made: dict[str, str] | None = None) -> None:
        """Put a Go on PATH that "builds" programs with these answers and then does something more."""
        for name, answer in {**_ANSWERS, "helm": f"v{HELM.version}", **(made or {})}.items():
            write_program(self.folder / "made" / name, f'echo "{answer}"')
        self.program("go", _GO.format(folder=self.folder, version=version, then=then))

    def npm(self, *, then: str = "true") -> None:
        self.program("npm", _NPM.format(folder=self.folder, version=PROXY.version, then=then))

    def node(self, *, version: str = "22.1.0") -> None:
        self.program("node", _NODE.format(version=version))

    def everything(self) -> None:
        """Put all tools that are needed to make every program on PATH."""
        self.go()
        self.npm()
        self.node()

    def builds(self) -> list[str]:
        return self._lines("builds")

    def installs(self) -> list[str]:
        return self._lines("installs")

    def environment(self) -> dict[str, str]:
        """Return the environment of the last build."""
        return dict(line.split("=", 1) for line in self._lines("environment") if "=" in line)

    def hanging(self) -> str:
        """Script for `then`: report on the pipe, start a child, and never end.

        Both hold the pipe open, so that its end, when a test reads it, means that neither is there any more.
        """
        pipe = self.pipe
        if not pipe.exists():
            os.mkfifo(pipe)
        return f'exec 9>"{pipe}"; sleep 1000 & echo hanging >&9; wait'

    @property
    def pipe(self) -> Path:
        return self.folder / "pipe"

    def _lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


def write_program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
