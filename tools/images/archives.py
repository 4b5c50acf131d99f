"""Built images as archives in the user's cache, for whatever starts them without a registry.

    images/ in the user's cache
    ├── built.json                  {"cpu": {"reference": ..., "archive": ..., "digest": ..., "image": ...}, ...}
    ├── cpu-0123456789ab.tar        an OCI archive, with the beginning of its digest
    └── ...

`reference` is the image's name in the archive, `archive` its absolute path, and `image` its id in buildah's storage.
"""

import contextlib
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .commands import Commands
from .exceptions import WorkError

INDEX = "built.json"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that was built, as a file."""

    reference: str
    archive: str
    digest: str
    image: str


@dataclass(frozen=True, slots=True)
class Archives:
    """The folder of archives."""

    folder: Path
    commands: Commands
    index: str = INDEX

    def keep(self, name: str, reference: str) -> BuiltImage:
        """Write an image of buildah's storage as an archive, unless that is there; an older one of the name goes."""
        image = self.commands.answer("buildah", "inspect", "--type", "image", "--format", "{{.FromImageID}}", reference)
        if not image:
            message = f"buildah has no image {reference}."
            raise WorkError(message)
        built = self.built()
        known = built.get(name)
        if known and (known.image, known.reference) == (image, reference) and Path(known.archive).is_file():
            return known
        self.folder.mkdir(parents=True, exist_ok=True)
        archive, digest = self._written(name, reference)
        found = BuiltImage(reference, str(archive), digest, image)
        self._remember({**built, name: found})
        if known and known.archive != found.archive:
            Path(known.archive).unlink(missing_ok=True)
        return found

    def built(self) -> dict[str, BuiltImage]:
        """Return what was built, by name; what is no index of ours counts as nothing."""
        try:
            data = json.loads((self.folder / self.index).read_text(encoding="utf-8"))
            return {
                str(name): BuiltImage(**{field.name: str(row[field.name]) for field in fields(BuiltImage)})
                for name, row in data.items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _written(self, name: str, reference: str) -> tuple[Path, str]:
        """Write an archive under another name first, so that a half one is never taken for a whole one."""
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=self.folder) as place:
            half = Path(place) / "image.tar"
            self.commands.run(f"{name}-archive", "buildah", "push", reference, f"oci-archive:{half}:{reference}")
            digest = digest_of(half)
            archive = self.folder / f"{name}-{digest.removeprefix('sha256:')[:12]}.tar"
            half.replace(archive)
        return archive, digest

    def _remember(self, built: Mapping[str, BuiltImage]) -> None:
        text = json.dumps({name: asdict(built[name]) for name in sorted(built)}, indent=2) + "\n"
        descriptor, half = tempfile.mkstemp(prefix=".built-", dir=self.folder)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(half).replace(self.folder / self.index)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(half).unlink()
            raise


def digest_of(archive: Path) -> str:
    """Return the digest of the one image in an OCI archive; raises WorkError."""
    try:
        with tarfile.open(archive, mode="r:") as layout:
            names = layout.getnames()
            stream = layout.extractfile("index.json" if "index.json" in names else "./index.json")
            manifests = json.load(stream)["manifests"] if stream else []
            (row,) = manifests
            return str(row["digest"])
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        message = f"{archive} is no OCI archive with one image."
        raise WorkError(message) from error
