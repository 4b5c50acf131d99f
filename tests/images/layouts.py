"""Small images in the OCI format, made of the files of their layers."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

Files = Mapping[str, bytes]

_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(files: Files) -> bytes:
    """Return a layer with these files; names that end in a slash are directories."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.rstrip("/"))
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def layout(folder: Path, layers: Sequence[Files], *, media_type: str = _GZIP, level: int = 6) -> Path:
    """Write an image as a directory."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes, kind: str) -> dict[str, object]:
        (blobs / digest(content).removeprefix("sha256:")).write_bytes(content)
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    contents = [layer(files) for files in layers]
    config = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(content) for content in contents]}}
    manifest = {
        "schemaVersion": 2,
        "config": put(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [
            put(gzip.compress(content, level, mtime=0) if "gzip" in media_type else content, media_type)
            for content in contents
        ],
    }
    row = put(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [row]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def packed(folder: Path, *, prefix: str = "") -> Path:
    """Write the same as an archive."""
    file = folder.with_suffix(".tar")
    with tarfile.open(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, f"{prefix}{path.relative_to(folder)}", recursive=False)
    return file
