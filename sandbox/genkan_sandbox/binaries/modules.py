"""The pinned module files that the programs are built from, in a checkout or in an installed wheel."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from genkan_sandbox.binaries.components import ETCD, HELM, KUBELET, KUBERNETES, PROXY, Group
from genkan_sandbox.exceptions import BinariesError

_PACKAGE = Path(__file__).resolve().parents[1]

_RECIPE = "1"
"""Part of every key: raise it when programs built in the old way must not be used any more."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}


def architecture() -> str:
    """Name this machine's architecture as Go does, or as the kernel does where Go's name is not known here."""
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)


@dataclass(frozen=True, slots=True)
class Modules:
    """Folders with the files that pin what is built."""

    kubernetes: Path
    """Folder with go.mod and go.sum."""

    kubelet: Path
    """The same for the kubelet, which most sandboxes do without."""

    etcd: Path
    """The same for etcd, which needs other versions of some modules."""

    helm: Path
    """The same for Helm."""

    proxy: Path
    """Folder with package.json and package-lock.json."""

    toolchains: Path
    """Requirements file with hashes for the toolchains that PyPI has."""

    @classmethod
    def locate(cls, *, package: Path = _PACKAGE) -> Self:
        """Find them inside the installed package, or beside it in a checkout.

        BinariesError: they are in neither place.
        """
        installed = package / "modules"
        checkout = package.parent
        if (installed / "go.mod").is_file():
            root, toolchains = installed, installed / "toolchains.txt"
        else:
            root, toolchains = checkout, checkout.parent / "requirements" / "toolchains.txt"
        if not (root / "go.mod").is_file():
            raise BinariesError(
                f"The files that pin the sandbox's programs are missing: {installed} and {checkout} have no go.mod.",
                mend="Install genkan again.",
            )
        return cls(
            kubernetes=root,
            kubelet=root / "kubelet",
            etcd=root / "etcd",
            helm=root / "helm",
            proxy=root / "proxy",
            toolchains=toolchains,
        )

    def files_of(self, group: Group) -> tuple[Path, ...]:
        """Name the files that pin a group."""
        match group.name:
            case KUBERNETES.name:
                return self.kubernetes / "go.mod", self.kubernetes / "go.sum"
            case KUBELET.name:
                return self.kubelet / "go.mod", self.kubelet / "go.sum"
            case ETCD.name:
                return self.etcd / "go.mod", self.etcd / "go.sum"
            case HELM.name:
                return self.helm / "go.mod", self.helm / "go.sum"
            case PROXY.name:
                return self.proxy / "package.json", self.proxy / "package-lock.json"
            case _:
                raise ValueError(group.name)

    def key_of(self, group: Group) -> str:
        """Name a group's entry in the cache: another version, pin or architecture gives another name."""
        content = [file.read_bytes() for file in self.files_of(group)]
        return f"{group.name}-{group.version}-{_platform()}-{_digest(content)}"

    def requirement_of(self, package: str) -> str:
        """Cut the lines of one package, with its hashes, out of the toolchains' requirements file.

        BinariesError: the file does not have it.
        """
        lines: list[str] = []
        for line in self.toolchains.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.startswith(f"{package}==") or (lines and line[:1].isspace()):
                lines.append(line)
            elif lines:
                break
        if not lines:
            raise BinariesError(f"{self.toolchains} does not pin {package}.", mend="Install genkan again.")
        return "".join(lines)

    def key_of_toolchain(self, package: str) -> str:
        """Name a toolchain's entry in the cache."""
        requirement = self.requirement_of(package)
        version = requirement.partition("==")[2].split()[0]
        return f"{package}-{version}-{_platform()}-{_digest([requirement.encode()])}"


def _platform() -> str:
    return f"linux-{architecture()}"


def _digest(content: list[bytes]) -> str:
    total = hashlib.sha256(_RECIPE.encode())
    for part in content:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()[:12]
