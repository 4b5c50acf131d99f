"""The part of a volume that a container mounts, made where it is missing, and never outside the volume.

kubernetes pkg/kubelet/kubelet_pods.go, makeMounts, and pkg/volume/util/subpath/subpath_linux.go
"""

import os
import stat
from pathlib import Path, PurePosixPath

from genkan_sandbox.agent.environment import ConfigurationError
from genkan_sandbox.agent.ownership import NOBODY, Owners


class EscapeError(Exception):
    """A path leads out of its volume, or to what cannot be mounted."""


class _ClosedError(Exception):
    """Nobody may look into a folder on the way."""


class _RefusedError(Exception):
    """Nobody may make a folder there."""


def prepare_sub_path(volume: Path, path: str, *, about: str, writable: bool, squashed: bool, owners: Owners) -> Path:
    """Return a path inside a volume, with directories made where there are none.

    They belong to root and have the rights of the volume's own directory. On a `squashed` export the kubelet is nobody,
    so others must have the right to search each folder on the way, and to write where one is missing.

    Raises ConfigurationError in the kubelet's words, about a mount, without a detail that could tell a user about the
    machine's files.
    """
    if path.startswith("/"):
        raise ConfigurationError(f"error SubPath `{path}` must not be an absolute path")
    if ".." in path.split("/"):
        raise ConfigurationError(f"unable to provision SubPath `{path}`: must not contain '..'")
    try:
        return beneath(volume, path, writable=writable, squashed=squashed, owners=owners)
    except _ClosedError as e:
        raise ConfigurationError(f"failed to prepare subPath {about}") from e
    except (EscapeError, _RefusedError, OSError, ValueError) as e:
        there = "\0" in path or os.path.exists(volume / path)  # noqa: PTH110  # Path.exists raises for loops
        verb = "prepare subPath" if there else "create subPath directory"
        raise ConfigurationError(f"failed to {verb} {about}") from e


def beneath(volume: Path, path: str, *, writable: bool, squashed: bool, owners: Owners) -> Path:
    """Return a path inside a volume as `prepare_sub_path` does.

    Symbolic links are followed as long as they stay inside.

    Raises EscapeError for a link that leads out.
    """
    top = Path(os.path.realpath(volume, strict=True))
    rights = stat.S_IMODE(top.stat().st_mode)
    current = top
    for part in PurePosixPath(path).parts:
        if squashed and not current.stat().st_mode & stat.S_IXOTH:
            raise _ClosedError
        entry = current / part
        if not os.path.lexists(entry):
            if not writable or (squashed and not current.stat().st_mode & stat.S_IWOTH):
                raise _RefusedError
            _make(entry, rights, squashed=squashed, owners=owners)
        current = Path(os.path.realpath(entry, strict=True))
        if not current.is_relative_to(top):
            raise EscapeError(path)
    if not stat.S_ISDIR(current.stat().st_mode) and not stat.S_ISREG(current.stat().st_mode):
        raise EscapeError(path)
    return current


def _make(directory: Path, rights: int, *, squashed: bool, owners: Owners) -> None:
    directory.mkdir()
    inherits = directory.parent.stat().st_mode & stat.S_ISGID
    owner = NOBODY if squashed else 0
    owners.give(directory, uid=owner, gid=-1 if inherits else owner)
    directory.chmod(rights)
