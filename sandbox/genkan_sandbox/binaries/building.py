"""Build the control plane, and Helm, from their pinned Go modules."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.binaries.components import ETCD, HELM, KUBELET, KUBERNETES, Group
from genkan_sandbox.binaries.diagnosis import failure
from genkan_sandbox.binaries.go_caches import GoCaches, Recipe, find_caches
from genkan_sandbox.binaries.processes import Command
from genkan_sandbox.binaries.toolchains import GO_PACKAGE, find_go
from genkan_sandbox.binaries.workshop import GIGABYTE, Workshop
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import Step

_OWN = "go"
"""Folder in our cache for what Go keeps where the user has no such caches, and the lock of all builds."""

_LINKING = 0.08
"""The share of a build's time after the last package is compiled."""

_MISLEADING = frozenset({"GOARCH", "GOOS", "GOEXPERIMENT"})
_MISLEADING_FLAGS = ("-mod=", "-modfile=", "-overlay=", "-tags=", "-race", "-o=", "-n", "-json")

_RECIPES: Mapping[str, Recipe] = {
    KUBERNETES.name: Recipe(
        packages=tuple(f"k8s.io/kubernetes/cmd/{component.name}" for component in KUBERNETES.components),
        output="",
        linker_flags=f"-s -w -X k8s.io/component-base/version.gitVersion=v{KUBERNETES.version}",
        module_bytes=33 * GIGABYTE // 10,
        compiled_bytes=55 * GIGABYTE // 10,
        scratch_bytes=12 * GIGABYTE // 10,
        marker=f"k8s.io/kubernetes@v{KUBERNETES.version}",
    ),
    KUBELET.name: Recipe(
        packages=("k8s.io/kubernetes/cmd/kubelet",),
        output="kubelet",
        linker_flags=f"-s -w -X k8s.io/component-base/version.gitVersion=v{KUBELET.version}",
        module_bytes=33 * GIGABYTE // 10,
        compiled_bytes=45 * GIGABYTE // 10,
        scratch_bytes=8 * GIGABYTE // 10,
        marker=f"k8s.io/kubernetes@v{KUBELET.version}",
    ),
    ETCD.name: Recipe(
        packages=("go.etcd.io/etcd/server/v3",),
        output="etcd",
        linker_flags="-s -w",
        module_bytes=5 * GIGABYTE // 10,
        compiled_bytes=7 * GIGABYTE // 10,
        scratch_bytes=2 * GIGABYTE // 10,
        marker=f"go.etcd.io/etcd/server/v3@v{ETCD.version}",
    ),
    HELM.name: Recipe(
        packages=("helm.sh/helm/v4/cmd/helm",),
        output="helm",
        linker_flags=f"-s -w -X helm.sh/helm/v4/internal/version.version=v{HELM.version}",
        module_bytes=8 * GIGABYTE // 10,
        compiled_bytes=15 * GIGABYTE // 10,
        scratch_bytes=3 * GIGABYTE // 10,
        marker=f"helm.sh/helm/v4@v{HELM.version}",
    ),
}


def build(group: Group, *, workshop: Workshop, made: Path, scratch: Path, title: str) -> None:
    """Build a group's programs into a folder.

    Builds run one at a time, since each takes all processors and most of the memory. What Go fetched and compiled stays
    when a build is interrupted, so that the next one goes on there.
    BinariesError: there is no Go, no network, no room or no memory, or the build fails.
    """
    with workshop.alone(_OWN, doing="building with Go"):
        pins = workshop.modules.files_of(group)
        module = scratch / "module"
        module.mkdir()
        for pin in pins:
            shutil.copyfile(pin, module / pin.name)
        go = find_go(workshop, oldest=_oldest_go(pins[0]), purpose=group.title)
        caches = find_caches(go, own=workshop.store.root / _OWN)
        recipe = _RECIPES[group.name]
        caches.require_room(recipe, scratch=scratch, workshop=workshop, purpose=f"building {group.title}")
        with workshop.progress.step(title) as step:
            bench = _Bench(
                group=group,
                recipe=recipe,
                workshop=workshop,
                go=go,
                directory=module,
                environment=_environment(go, caches=caches, scratch=scratch),
                log=workshop.store.log(group.name),
                step=step,
            )
            bench.compile(made, count=bench.fetch_modules())


def clear(workshop: Workshop) -> None:
    """Remove what Go fetched and compiled in our cache, gigabytes of it, unless another run is building just now."""
    if not (workshop.store.root / _OWN).exists():
        return
    with workshop.store.lock(_OWN) as lock:
        if lock.take():
            with workshop.progress.step("Removing what the build leaves behind"):
                workshop.store.forget(_OWN)
                workshop.store.forget(workshop.modules.key_of_toolchain(GO_PACKAGE))


@dataclass(frozen=True, slots=True)
class _Bench:
    """One build under way."""

    group: Group
    recipe: Recipe
    workshop: Workshop
    go: Path
    directory: Path
    environment: Mapping[str, str]
    log: Path
    step: Step

    def fetch_modules(self) -> int:
        """Fetch the modules that are missing, and return how many packages there are to compile."""
        fetched = packages = 0

        def heed(line: str) -> None:
            nonlocal fetched, packages
            if line.startswith("go: downloading "):
                fetched += 1
                self.step.update(detail=f"{fetched} modules fetched")
            elif not line.startswith("go: "):
                packages += 1

        self._run(["list", "-mod=readonly", "-deps", "-f", "{{.ImportPath}}", *self.recipe.packages], heed=heed)
        return packages

    def compile(self, made: Path, *, count: int) -> None:
        """Compile and link the programs into a folder."""
        compiled = 0

        def heed(line: str) -> None:
            nonlocal compiled
            if line and " " not in line:
                compiled += 1
                self.step.update(
                    fraction=(1 - _LINKING) * min(1.0, compiled / max(1, count)), detail=f"{compiled} packages compiled"
                )

        flags = ["-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", self.recipe.linker_flags]
        output = f"{made}{os.sep}{self.recipe.output}"
        self._run(["build", *flags, "-o", output, *self.recipe.packages], heed=heed)

    def _run(self, words: list[str], *, heed: Callable[[str], None]) -> None:
        command = Command(
            words=[str(self.go), *words], directory=self.directory, environment=self.environment, log=self.log
        )
        ended = self.workshop.run(command, step=self.step, heed=heed)
        if ended.code != 0:
            raise failure(
                f"{self.group.title} could not be built",
                ended=ended,
                log=self.log,
                instead=f"Put {self.group.names} {self.group.version} on PATH instead.",
            )


def _oldest_go(module_file: Path) -> tuple[int, ...]:
    found = re.search(r"^go (\d+(?:\.\d+)*)$", module_file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if found is None:
        raise BinariesError(f"{module_file} does not say which Go it needs.", mend="Install genkan again.")
    return tuple(int(part) for part in found[1].split("."))


def _environment(go: Path, *, caches: GoCaches, scratch: Path) -> dict[str, str]:
    """Make the environment of a build: the user's, less what would make other programs than the pinned ones."""
    environment = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    if go.is_relative_to(caches.own.parent):
        environment.pop("GOROOT", None)
    flags = [flag for flag in environment.get("GOFLAGS", "").split() if not flag.startswith(_MISLEADING_FLAGS)]
    if caches.owns_modules:
        flags.append("-modcacherw")
    return environment | {
        "CGO_ENABLED": "0",  # as the official programs are built: no C compiler, no headers, no libc of the machine
        "GO111MODULE": "on",
        "GOCACHE": str(caches.compiled),
        "GOFLAGS": " ".join([*flags, "-mod=readonly"]),
        "GOMODCACHE": str(caches.modules),
        "GOTMPDIR": str(scratch),  # a link takes a gigabyte, which /tmp may not have
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "TMPDIR": str(scratch),
    }
