"""The folders in which Go keeps what it has fetched and compiled: the user's own, or ours for the time of a build."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.binaries.workshop import Workshop

_ANSWER_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a group is built, and the room that this takes with empty caches."""

    packages: tuple[str, ...]
    output: str
    """Name of the program; Go names the programs itself where this is empty."""

    linker_flags: str
    module_bytes: int
    """In the module cache; this and the following measured, with a margin."""

    compiled_bytes: int
    """In the build cache."""

    scratch_bytes: int
    """For linking and for the programs."""

    marker: str
    """A folder of the module cache that is there once the modules have been fetched."""


@dataclass(frozen=True, slots=True)
class GoCaches:
    """Where one build keeps modules and compiled packages."""

    own: Path
    """Our folder, whether it is used or not."""

    modules: Path
    compiled: Path

    @property
    def owns_modules(self) -> bool:
        """Tell whether the module cache is ours: then it stays writable, to be removed after the build."""
        return self.modules.is_relative_to(self.own)

    def require_room(self, recipe: Recipe, *, scratch: Path, workshop: Workshop, purpose: str) -> None:
        """Look whether each file system has the room that the build will need. BinariesError: one has not."""
        warm = (self.modules / recipe.marker).is_dir()
        sizes: dict[int, int] = {}
        places: dict[int, Path] = {}
        for place, size in (
            (scratch, recipe.scratch_bytes),
            (self.modules, self._missing(self.modules, size=recipe.module_bytes, warm=warm)),
            (self.compiled, self._missing(self.compiled, size=recipe.compiled_bytes, warm=warm)),
        ):
            place.mkdir(parents=True, exist_ok=True)
            device = place.stat().st_dev
            places.setdefault(device, place)
            sizes[device] = sizes.get(device, 0) + size
        for device, place in places.items():
            workshop.require_room(place, size=sizes[device], purpose=purpose)

    def _missing(self, place: Path, *, size: int, warm: bool) -> int:
        """Estimate what has yet to come: ours is measured, the user's is full once these modules have been there."""
        if place.is_relative_to(self.own):
            return max(0, size - sum(_sizes(place)))
        return 0 if warm else size


def find_caches(go: Path, *, own: Path) -> GoCaches:
    """Take the user's caches where the environment names them or they exist already, and ours otherwise."""
    found = _ask(go)
    return GoCaches(
        own=own,
        modules=_choose(found, name="GOMODCACHE") or own / "modules",
        compiled=_choose(found, name="GOCACHE") or own / "compiled",
    )


def _choose(found: dict[str, str], *, name: str) -> Path | None:
    place = Path(os.environ.get(name) or found.get(name) or "")
    wanted = bool(os.environ.get(name)) or (place.is_dir() and os.access(place, os.W_OK | os.X_OK))
    return place if wanted and place.is_absolute() else None


def _ask(go: Path) -> dict[str, str]:
    """Ask Go for its settings, which also stand in a file of its own; without a home it has none."""
    try:
        answer = subprocess.run(
            [go, "env", "-json", "GOMODCACHE", "GOCACHE"],
            cwd="/",
            env={**os.environ, "GOTOOLCHAIN": "local"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_WITHIN_S,
            check=False,
        )
        return {str(name): str(value) for name, value in json.loads(answer.stdout).items()}
    except (OSError, subprocess.TimeoutExpired, ValueError, AttributeError):
        return {}


def _sizes(folder: Path) -> Iterator[int]:
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(path, name).lstat().st_size
            except OSError:
                continue
