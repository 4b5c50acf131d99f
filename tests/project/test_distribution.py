"""What a wheel brings along beside its modules."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from .checkout import ROOT

MODULES = [
    "genkan_sandbox/modules/etcd/go.mod",
    "genkan_sandbox/modules/etcd/go.sum",
    "genkan_sandbox/modules/go.mod",
    "genkan_sandbox/modules/go.sum",
    "genkan_sandbox/modules/helm/go.mod",
    "genkan_sandbox/modules/helm/go.sum",
    "genkan_sandbox/modules/kubelet/go.mod",
    "genkan_sandbox/modules/kubelet/go.sum",
    "genkan_sandbox/modules/proxy/package-lock.json",
    "genkan_sandbox/modules/proxy/package.json",
    "genkan_sandbox/modules/toolchains.txt",
]


def build(source: Path, target: Path, *, kind: str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)],
        check=True,
        cwd=source,
        capture_output=True,
    )
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(build(ROOT, tmp_path_factory.mktemp("wheel"), kind="wheel")) as archive:
        return set(archive.namelist())


def test_a_wheel_holds_the_pinned_modules(wheel: set[str]) -> None:
    assert [name for name in MODULES if name not in wheel] == []


@pytest.mark.parametrize("site", ["datacenter", "empty", "large", "machine", "workstations"])
def test_a_wheel_holds_the_sites(wheel: set[str], site: str) -> None:
    assert f"genkan_sandbox/sites/{site}.yaml" in wheel


def test_a_wheel_holds_every_file_of_the_packages(wheel: set[str]) -> None:
    """Templates, YAML and type marks are data that an import does not miss."""
    packages = [path for path in ROOT.glob("*/genkan_*") if path.is_dir()]
    data = {
        str(file.relative_to(package.parent))
        for package in packages
        for file in package.rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"}
    }

    assert data
    assert data - wheel == set()


def test_the_source_distribution_builds_the_same_wheel(wheel: set[str], tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, tmp_path / "sdist", kind="sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()

    with zipfile.ZipFile(build(source, tmp_path / "wheel", kind="wheel")) as archive:
        assert set(archive.namelist()) == wheel
