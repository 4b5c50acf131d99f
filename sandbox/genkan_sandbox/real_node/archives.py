"""Images as OCI archives, which containerd imports without a registry.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from genkan_spawner.api import JsonObject

_LAYER = "application/vnd.oci.image.layer.v1.tar"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_NAME = "io.containerd.image.name"

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image: a tar file that is not compressed."""

    path: Path | None = None
    content: bytes = b""

    @classmethod
    def of_files(cls, files: Mapping[str, bytes]) -> Self:
        """Make a small layer of programs, all of them root's."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                tar.addfile(entry, io.BytesIO(content))
        return cls(content=buffer.getvalue())

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size if self.path is not None else len(self.content)

    def sha256(self) -> str:
        """Return the digest of the tar file."""
        if self.path is None:
            return hashlib.sha256(self.content).hexdigest()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Image:
    """What an archive holds."""

    reference: str
    architecture: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"


def write_archive(image: Image, path: Path) -> None:
    """Write an image; the same content gives the same digests."""
    partial = path.with_name(f".{path.name}.partial")
    digests = [layer.sha256() for layer in image.layers]
    config = _encoded(_config(image, digests))
    layers = [_descriptor(_LAYER, digest, layer.size) for layer, digest in zip(image.layers, digests, strict=True)]
    manifest = _encoded(
        {"schemaVersion": 2, "mediaType": _MANIFEST, "config": _described(_CONFIG, config), "layers": layers}
    )
    named = {**_described(_MANIFEST, manifest), "annotations": {_NAME: image.reference}}
    index = _encoded({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [named]})
    try:
        with tarfile.open(partial, "w") as tar:
            _add(tar, "oci-layout", _encoded({"imageLayoutVersion": "1.0.0"}))
            _add(tar, "index.json", index)
            for blob in (config, manifest):
                _add(tar, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
            for layer, digest in zip(image.layers, digests, strict=True):
                _add_layer(tar, f"blobs/sha256/{digest}", layer)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def digest_of(archive: Path) -> str:
    """Read the digest of the one image in an archive. ValueError: it is none, or has several."""
    with _opened(archive) as tar:
        return _only_digest(archive, tar)


def command_of(archive: Path) -> tuple[str, ...]:
    """Read what the one image in an archive starts where nobody says otherwise. ValueError as from `digest_of`."""
    with _opened(archive) as tar:
        manifest = _read(tar, _blob(_only_digest(archive, tar)))
        configuration = _read(tar, _blob(manifest["config"]["digest"]))
    return tuple(configuration.get("config", {}).get("Cmd") or ())


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:") as tar:
            yield tar
    except (KeyError, TypeError, json.JSONDecodeError, tarfile.TarError) as e:
        raise ValueError(f"{archive} is no archive of an image in the format of OCI") from e


def _only_digest(archive: Path, tar: tarfile.TarFile) -> str:
    digests = sorted({str(manifest["digest"]) for manifest in _read(tar, "index.json")["manifests"]})
    if len(digests) != 1:
        raise ValueError(f"{archive} has {len(digests)} images, and must have one")
    return digests[0]


def _read(tar: tarfile.TarFile, name: str) -> JsonObject:
    """Read a member, whether its name begins with ./ or not."""
    names = set(tar.getnames())
    stream = tar.extractfile(name if name in names else f"./{name}")
    if stream is None:
        raise KeyError(name)
    document: JsonObject = json.load(stream)
    return document


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _config(image: Image, digests: list[str]) -> JsonObject:
    settings: JsonObject = {
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        "Env": [f"{name}={value}" for name, value in image.environment.items()],
        "User": image.user,
        "WorkingDir": image.directory,
    }
    return {
        "architecture": image.architecture,
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }


def _described(media_type: str, blob: bytes) -> JsonObject:
    return _descriptor(media_type, hashlib.sha256(blob).hexdigest(), len(blob))


def _descriptor(media_type: str, sha256: str, size: int) -> JsonObject:
    return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": size}


def _encoded(document: JsonObject) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _add_layer(tar: tarfile.TarFile, name: str, layer: Layer) -> None:
    if layer.path is None:
        _add(tar, name, layer.content)
        return
    entry = tarfile.TarInfo(name)
    entry.size = layer.size
    with layer.path.open("rb") as file:
        tar.addfile(entry, file)
