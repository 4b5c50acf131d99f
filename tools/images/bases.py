"""What images are built on: the true bases where the site names its registries, else bases that stand in for them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genkan_sandbox.progress import Progress

from .commands import Commands
from .exceptions import WorkError

REGISTRIES = ("NVIDIA_REGISTRY", "LIBRARY_REGISTRY")
"""The variables that name where the true bases are."""

_STAND_IN = "images/stand-in"


class StandIn(StrEnum):
    """What stands in for a base."""

    PLAIN = "plain"
    NGC = "ngc"

    @property
    def sources(self) -> tuple[str, ...]:
        """What it is made from, in the checkout."""
        return (f"{_STAND_IN}/base",) + (
            (f"{_STAND_IN}/ngc", "images/context/scipy.txt") if self is StandIn.NGC else ()
        )


def uses_true_bases(environ: Mapping[str, str]) -> bool:
    """Return whether the site names both registries; raises WorkError if it names one of them only."""
    named = [name for name in REGISTRIES if environ.get(name)]
    if len(named) == 1:
        (other,) = set(REGISTRIES) - set(named)
        message = (
            f"{named[0]} is set and {other} is not; set both to build on the true bases, or none to build on stand-ins."
        )
        raise WorkError(message)
    return bool(named)


@dataclass(frozen=True, slots=True)
class StandIns:
    """Makes bases that stand in; each is known by the content that it was made from, and made once."""

    commands: Commands
    progress: Progress

    def reference(self, kind: StandIn) -> str:
        """Make a base unless it is there, and return its name."""
        name = f"localhost/genkan/stand-in:{kind}-{content_of(self.commands.checkout, kind.sources)}"
        if self.commands.answer("buildah", "inspect", "--type", "image", name) is None:
            with self.progress.step(f"Make a base that stands in ({kind}) from Debian's packages"):
                self.commands.run(f"base-{kind}", f"{_STAND_IN}/base", kind, name)
        else:
            self.progress.say(f"The base {name} is there already.")
        return name


def content_of(checkout: Path, sources: tuple[str, ...]) -> str:
    """Return a short digest of files, and of all files below directories: names, modes and bytes."""
    digest = hashlib.sha256()
    for source in sources:
        path = checkout / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                mode = file.stat().st_mode & 0o777
                digest.update(f"{file.relative_to(checkout)} {mode:o} {file.stat().st_size}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
