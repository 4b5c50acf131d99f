"""The gate for licences: the files that came with a base are still in what was built on it."""

import posixpath
from collections.abc import Iterable

from .archives import Archive
from .outcome import Outcome

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


def judge_licences(image: Archive, *, files: Iterable[str]) -> Outcome:
    """Keep an image back in which one of the files is deleted, empty, or was never there.

    Layers are read from the last to the first, until each file is found. Raises ReportError.
    """
    missing = {file.lstrip("/"): "" for file in files}
    failures: dict[str, str] = {}
    for layer in reversed(image.layers):
        if not missing:
            break
        gone: set[str] = set()
        with image.members(layer) as members:
            for member in members:
                name = posixpath.normpath(member.name).lstrip("/")
                gone |= _hidden(name, missing, directory=member.isdir())
                if name in missing:
                    del missing[name]
                    if member.isreg() and not member.size:
                        failures[name] = f"The licence /{name} is empty."
        for name in gone & missing.keys():
            del missing[name]
            failures[name] = f"The licence /{name} was deleted by a later layer."
    failures |= {name: f"There is no licence /{name} in the image." for name in missing}
    return Outcome(failures=tuple(failures[name] for name in sorted(failures)))


def _hidden(name: str, wanted: Iterable[str], *, directory: bool) -> set[str]:
    """Return those of the wanted files that an entry of a layer hides from the layers below it."""
    folder, entry = posixpath.split(name)
    if entry == _OPAQUE:
        return {file for file in wanted if file.startswith(f"{folder}/")}
    if entry.startswith(_WHITEOUT):
        path = posixpath.join(folder, entry.removeprefix(_WHITEOUT))
        return {file for file in wanted if file == path or file.startswith(f"{path}/")}
    return set() if directory else {file for file in wanted if file.startswith(f"{name}/")}
