import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.flavours import DESIGNS, Flavour
from genkan_images.smoke import CHECKS

from .matrices import DIGEST, cpu, row, written

IMAGE = f"registry.example.org/genkan/pytorch@{DIGEST}"
TARGET = "pytorch-26-08-r1"


def run(folder: Path, *arguments: str) -> Result:
    matrix = written(folder, row(), cpu())
    return CliRunner().invoke(app, ["images", "smoke-test", "--matrix", str(matrix), *arguments])


def job(folder: Path, *arguments: str) -> Any:
    result = run(folder, *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_the_entrypoint_stays(tmp_path: Path) -> None:
    """A command would replace it, and CUDA would not work on older drivers."""
    (container,) = job(tmp_path, TARGET, "--image", IMAGE)["spec"]["template"]["spec"]["containers"]

    assert "command" not in container
    assert container["image"] == IMAGE
    assert container["args"][:2] == ["/usr/bin/python3", "-c"]
    assert "torch.compile" in container["args"][2]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_an_image_without_gpus_asks_for_none(tmp_path: Path) -> None:
    spec = job(tmp_path, "cpu-24-04-r1", "--image", IMAGE)["spec"]["template"]["spec"]

    assert sorted(spec["containers"][0]["resources"]["limits"]) == ["cpu", "memory"]
    assert "tolerations" not in spec


def test_a_site_says_where_it_runs(tmp_path: Path) -> None:
    options = ("--gpu-resource", "nvidia.com/mig-1g.10gb", "--pull-secret", "puller", "--node-selector", "pool=old")
    spec = job(tmp_path, TARGET, "--image", IMAGE, *options)["spec"]["template"]["spec"]

    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/mig-1g.10gb"] == "1"
    assert (spec["imagePullSecrets"], spec["nodeSelector"]) == ([{"name": "puller"}], {"pool": "old"})
    assert spec["tolerations"] == [{"key": "nvidia.com/mig-1g.10gb", "operator": "Exists"}]


@pytest.mark.parametrize("target", [TARGET, "cpu-24-04-r1"])
def test_kubernetes_takes_the_job(tmp_path: Path, target: str) -> None:
    manifest = job(tmp_path, target, "--image", IMAGE, "--pull-secret", "puller", "--node-selector", "pool=old")

    kubernetes_validate.validate(manifest, "1.32", strict=True)


def test_a_restricted_namespace_takes_the_job(tmp_path: Path) -> None:
    spec = job(tmp_path, TARGET, "--image", IMAGE)["spec"]["template"]["spec"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((TARGET, "--image", "registry.example.org/genkan/pytorch:26.08-r1"), " is no image with its digest; "),
        ((TARGET, "--image", f"; rm -rf @{DIGEST}"), " is no image with its digest; "),
        (("pytroch", "--image", IMAGE), "The matrix has no pytroch; it has pytorch-26-08-r1, cpu-24-04-r1."),
        ((TARGET, "--image", IMAGE, "--gpu-resource", "gpu"), "'gpu' cannot stand here: a device's resource is "),
        ((TARGET, "--image", IMAGE, "--pull-secret", "Puller"), "'Puller' cannot stand here: a name has "),
        ((TARGET, "--image", IMAGE, "--node-selector", "pool"), "'pool' selects no nodes; write a label "),
        ((TARGET, "--image", IMAGE, "--node-selector", "a=b c"), "'b c' cannot stand here: a label's value has "),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    result = run(tmp_path, *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


@pytest.mark.parametrize("flavour", Flavour)
def test_every_flavour_is_tried_in_python(flavour: Flavour) -> None:
    compile(CHECKS[flavour], flavour, "exec")
    assert "assert " in CHECKS[flavour]
    assert CHECKS.keys() == DESIGNS.keys()
