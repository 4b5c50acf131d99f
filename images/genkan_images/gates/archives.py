"""An image as a file: an OCI layout, as a directory or in a tar archive (`oci:` and `oci-archive:` of skopeo)."""

import contextlib
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from genkan_images.exceptions import ReportError

_MOST_JSON = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """One layer of an image."""

    diff_id: str
    """Its content, however it is compressed."""
    digest: str
    """Its content as it is stored."""
    size: int
    """Bytes as it is stored."""
    media_type: str


class Archive:
    """A readable image; made by `open_archive`."""

    def __init__(self, source: str, reader: "_Reader") -> None:
        self._source = source
        self._reader = reader
        manifest = self._manifest()
        config = self._json(_digest(manifest.get("config"), source))
        diff_ids = (config.get("rootfs") or {}).get("diff_ids")
        stored = manifest.get("layers")
        if not isinstance(diff_ids, list) or not isinstance(stored, list) or len(diff_ids) != len(stored) or not stored:
            raise self._broken("its layers are not told")
        self.layers = tuple(
            StoredLayer(str(diff_id), _digest(row, source), int(row.get("size", 0)), str(row.get("mediaType", "")))
            for diff_id, row in zip(diff_ids, stored, strict=True)
        )

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The contents of the layers, the base's first."""
        return tuple(layer.diff_id for layer in self.layers)

    @contextmanager
    def members(self, layer: StoredLayer) -> Iterator[Iterator[tarfile.TarInfo]]:
        """Open a layer for reading the names in it."""
        if "zstd" in layer.media_type:
            raise self._broken("a layer is compressed with zstd, which is not read here; store it with gzip")
        try:
            with self._reader.blob(layer.digest) as stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
                yield iter(archive)
        except (tarfile.TarError, OSError, EOFError) as error:
            raise self._broken(f"the layer {layer.digest} cannot be read") from error

    def _manifest(self) -> Mapping[str, Any]:
        found = self._reader.json("index.json")
        while "manifests" in found:
            rows = [row for row in found["manifests"] if (row.get("platform") or {}).get("os") != "unknown"]
            if len(rows) != 1:
                raise self._broken(f"it holds {len(rows)} images, and one is looked at")
            found = self._json(_digest(rows[0], self._source))
        return found

    def _json(self, digest: str) -> Mapping[str, Any]:
        return self._reader.json(_blob_name(digest))

    def _broken(self, what: str) -> ReportError:
        return ReportError(f"{self._source} is no image that can be judged: {what}.")


class _Reader:
    """The files of a layout."""

    def __init__(self, path: Path, archive: tarfile.TarFile | None) -> None:
        self._path = path
        self._archive = archive

    def json(self, name: str) -> Mapping[str, Any]:
        with self._open(name) as stream:
            content = stream.read(_MOST_JSON + 1)
        try:
            data = json.loads(content)
        except ValueError as error:
            message = f"{self._path} is no image in the OCI format: its {name} is no JSON."
            raise ReportError(message) from error
        if not isinstance(data, dict):
            message = f"{self._path} is no image in the OCI format: its {name} is no mapping."
            raise ReportError(message)
        return data

    def blob(self, digest: str) -> IO[bytes]:
        return self._open(_blob_name(digest))

    def _open(self, name: str) -> IO[bytes]:
        try:
            if self._archive is None:
                return (self._path / name).open("rb")
            # tar writes the names of a directory's files with a dot and a slash before them.
            known = name if name in self._archive.getnames() else f"./{name}"
            stream = self._archive.extractfile(known)
        except (OSError, KeyError) as error:
            message = f"{self._path} is no image in the OCI format: there is no {name} in it."
            raise ReportError(message) from error
        if stream is None:
            message = f"{self._path} is no image in the OCI format: its {name} is no file."
            raise ReportError(message)
        return stream


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an image's layout; raises ReportError with a sentence for whatever is in the way."""
    with contextlib.ExitStack() as stack:
        archive = None
        if not path.is_dir():
            try:
                archive = stack.enter_context(tarfile.open(path, mode="r:"))
            except (tarfile.TarError, OSError) as error:
                message = f"{path} is no image in the OCI format: it is neither a directory nor a tar archive."
                raise ReportError(message) from error
        yield Archive(str(path), _Reader(path, archive))


def _digest(row: Any, source: str) -> str:
    digest = row.get("digest") if isinstance(row, dict) else None
    if not isinstance(digest, str) or not digest.startswith("sha256:") or "/" in digest:
        message = f"{source} is no image that can be judged: a digest is missing in it."
        raise ReportError(message)
    return digest


def _blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
