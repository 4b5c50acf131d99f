import dataclasses
import json
from pathlib import Path

import pytest

from genkan_sandbox.exceptions import OptionError
from genkan_sandbox.options import NodeKind, UpOptions
from genkan_sandbox.real_node import node
from genkan_sandbox.real_node.archives import Image, Layer, write_archive
from genkan_sandbox.real_node.settling import settle
from genkan_sandbox.sites import load_site

SITE = load_site("machine")


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> UpOptions:
    """On a machine that has all that is needed, with the images of `images.json`."""
    monkeypatch.setattr(node, "missing", lambda: None)
    return UpOptions(
        port=0,
        state=tmp_path / "state",
        site="machine",
        ready_file=None,
        hub_config=None,
        platform=None,
        nodes=NodeKind.CONTAINERS,
        images=tmp_path / "images.json",
        simulate=False,
        with_hub=True,
        audit=False,
        cache=tmp_path,
    )


def build(folder: Path, **commands: str) -> None:
    """Make an image with each command, and the list of all."""
    rows = {}
    for name, command in commands.items():
        layer = Layer.of_files({"program": b"content"})
        reference = f"registry.example.org/{name}:1"
        archive = folder / f"{name}.tar"
        write_archive(Image(reference, "amd64", (layer,), command=(command,)), archive)
        rows[name] = {"reference": reference, "archive": str(archive)}
    (folder / "images.json").write_text(json.dumps(rows))


def test_with_a_hub_the_node_has_the_images_of_servers(options: UpOptions, tmp_path: Path) -> None:
    build(tmp_path, cpu="jupyterhub-singleuser", hub="jupyterhub")

    made = settle(options, SITE).node(Path("kubelet"))

    assert [image.reference for image in made.images] == ["registry.example.org/cpu:1"]
    assert [row["slug"] for row in json.loads(made.catalogue)["images"]] == ["cpu"]


def test_a_hub_without_an_image_for_users_is_refused(options: UpOptions, tmp_path: Path) -> None:
    build(tmp_path, hub="jupyterhub")

    with pytest.raises(OptionError, match=r"None of the images hub is one of a server for users\. .* --no-hub"):
        settle(options, SITE)

    bare = settle(dataclasses.replace(options, with_hub=False), SITE).node(Path("kubelet"))
    assert [image.reference for image in bare.images] == ["registry.example.org/hub:1"]


def test_an_archive_that_is_none_is_refused(options: UpOptions, tmp_path: Path) -> None:
    build(tmp_path, cpu="jupyterhub-singleuser")
    (tmp_path / "cpu.tar").write_text("something else")

    with pytest.raises(OptionError, match=r"cpu\.tar is no archive of an image"):
        settle(options, SITE)


def test_simulated_pods_are_no_containers(options: UpOptions) -> None:
    with pytest.raises(OptionError, match="Leave out --simulate or --nodes"):
        settle(dataclasses.replace(options, simulate=True), SITE)
