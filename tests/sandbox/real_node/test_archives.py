import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from genkan_sandbox.real_node.archives import Image, Layer, command_of, digest_of, write_archive


def image(user: str = "") -> Image:
    layer = Layer.of_files({"program": b"content"})
    return Image(
        reference="registry.example.org/x:1", architecture="amd64", layers=(layer,), entrypoint=("/program",), user=user
    )


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: stream.read() for member in tar if (stream := tar.extractfile(member)) is not None}


def test_every_blob_is_named_by_its_digest(tmp_path: Path) -> None:
    write_archive(image(), tmp_path / "x.tar")
    blobs = {name: content for name, content in members(tmp_path / "x.tar").items() if name.startswith("blobs/")}

    assert len(blobs) == 3
    assert all(name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}" for name, content in blobs.items())


def test_the_manifest_leads_to_configuration_and_layers(tmp_path: Path) -> None:
    write_archive(image(user="1000:100"), tmp_path / "x.tar")
    found = members(tmp_path / "x.tar")

    def blob(descriptor: dict[str, str]) -> bytes:
        return found[f"blobs/{descriptor['digest'].replace(':', '/')}"]

    (named,) = json.loads(found["index.json"])["manifests"]
    manifest = json.loads(blob(named))
    configuration = json.loads(blob(manifest["config"]))

    assert digest_of(tmp_path / "x.tar") == named["digest"]
    assert named["annotations"] == {"io.containerd.image.name": "registry.example.org/x:1"}
    assert configuration["config"]["Entrypoint"] == ["/program"]
    assert configuration["config"]["User"] == "1000:100"
    with tarfile.open(fileobj=io.BytesIO(blob(manifest["layers"][0]))) as layer:
        assert layer.getmember("program").mode == 0o755


def test_the_same_image_has_the_same_digest(tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        write_archive(image(), tmp_path / name)

    assert digest_of(tmp_path / "a.tar") == digest_of(tmp_path / "b.tar")


def test_a_layer_may_be_a_file(tmp_path: Path) -> None:
    layer = tmp_path / "layer.tar"
    layer.write_bytes(Layer.of_files({"program": b"content"}).content)
    write_archive(image(), tmp_path / "a.tar")
    write_archive(Image("registry.example.org/x:1", "amd64", (Layer(path=layer),), ("/program",)), tmp_path / "b.tar")

    assert members(tmp_path / "a.tar") == members(tmp_path / "b.tar")


@pytest.mark.parametrize("content", [b"", b"not a tar file"])
def test_what_is_no_archive_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "x.tar"
    archive.write_bytes(content)

    with pytest.raises(ValueError, match="is no archive of an image in the format of OCI"):
        digest_of(archive)


def test_an_archive_says_what_its_image_starts(tmp_path: Path) -> None:
    layer = Layer.of_files({"program": b"content"})
    image = Image("registry.example.org/x:1", "amd64", (layer,), command=("jupyterhub-singleuser",))
    write_archive(image, tmp_path / "x.tar")

    assert command_of(tmp_path / "x.tar") == ("jupyterhub-singleuser",)
