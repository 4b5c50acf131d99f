import json
from pathlib import Path

import pytest

from genkan_profiles import load_catalogue
from genkan_sandbox.exceptions import OptionError
from genkan_sandbox.real_node import node
from genkan_sandbox.real_node.built import built_images
from genkan_sandbox.real_node.catalogue import catalogue
from genkan_sandbox.real_node.node import RealNode, only_machine
from genkan_sandbox.real_node.settings import ImageArchive
from genkan_sandbox.sites import load_site


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has all that is needed."""
    monkeypatch.setattr(node, "missing", lambda: None)


def test_a_site_with_several_machines_is_refused(able: None) -> None:
    with pytest.raises(OptionError, match=r"has 17 machines; this machine can only be one\. .* --site machine"):
        only_machine(load_site("datacenter"), name="datacenter")


def test_a_machine_that_cannot_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "missing", lambda: "A real node needs root.")

    with pytest.raises(OptionError, match=r"^A real node needs root\. Leave out --nodes containers"):
        only_machine(load_site("machine"), name="machine")


def test_the_kubelet_says_how_large_a_node_is(able: None) -> None:
    manifest = RealNode(only_machine(load_site("machine"), name="machine"), Path("kubelet"), ()).manifest

    assert manifest["metadata"]["name"] == "machine-0"
    assert manifest["metadata"]["labels"]["nvidia.com/gpu.product"] == "Tesla-T4"
    assert "annotations" not in manifest["metadata"], "the node agent leaves it alone"
    assert "status" not in manifest


def test_the_catalogue_offers_the_devices_and_the_images_that_there_are(able: None, tmp_path: Path) -> None:
    images = {"cpu": ImageArchive(archive=tmp_path, reference="registry.example.org/cpu:1")}
    file = tmp_path / "catalogue.yaml"
    file.write_text(catalogue(only_machine(load_site("machine"), name="machine"), images))
    found = load_catalogue(file)

    assert [row.slug for row in found.hardware] == ["cpu", "gpu-1", "gpu-2"]
    assert [row.image for row in found.images] == ["registry.example.org/cpu:1"]


def test_the_list_of_built_images_may_say_more(tmp_path: Path) -> None:
    archive = tmp_path / "cpu.tar"
    archive.touch()
    row = {"reference": "x:1", "archive": str(archive), "digest": "sha256:0", "image": "0"}
    (tmp_path / "built.json").write_text(json.dumps({"cpu": row}))

    assert built_images(tmp_path / "built.json") == {"cpu": ImageArchive(archive=archive, reference="x:1")}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no list of them at"),
        ("{}", "lists no images"),
        ('{"cpu": {"reference": "x:1"}}', r"is no list of images: cpu\.archive: Field required"),
        ('{"cpu": {"reference": "x:1", "archive": "/nowhere.tar"}}', "The image cpu of .* is not at /nowhere.tar"),
    ],
    ids=["no file", "empty", "no archive", "archive gone"],
)
def test_a_list_that_is_of_no_use_is_refused(tmp_path: Path, content: str | None, sentence: str) -> None:
    file = tmp_path / "built.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(OptionError, match=rf"{sentence}.*make images"):
        built_images(file)
