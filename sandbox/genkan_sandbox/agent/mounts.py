"""From a container's volume mounts to directories bound into its root, and no way out of a volume."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath

from genkan_sandbox.agent.environment import ConfigurationError, expand
from genkan_spawner.api import JsonObject

_NEVER = ("/", "/proc", "/sys", "/dev")
"""Where no volume can be mounted as a whole; the container's own system is there."""

_DIRECTORY_MODE = 0o770


class EscapeError(Exception):
    """A path leads out of its volume."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory of the machine that a container sees at a path of its own."""

    source: Path
    target: str
    read_only: bool = False


def binds(
    container: JsonObject, volumes: Mapping[str, Path], *, read_only: frozenset[str], variables: Mapping[str, str]
) -> tuple[Bind, ...]:
    """Return a container's mounts, outer ones before those inside them.

    `read_only` names the volumes that can only be read, whatever a mount says. Missing subdirectories are made, as by
    the kubelet.

    Raises ConfigurationError in the kubelet's words for a mount that cannot be.
    """
    found: list[Bind] = []
    for mount in container.get("volumeMounts") or []:
        name = mount["name"]
        if name not in volumes:
            raise ConfigurationError(f'cannot find volume "{name}" to mount into container "{container["name"]}"')
        sub_path = mount.get("subPath") or expand(mount.get("subPathExpr") or "", variables)
        source = _inside(volumes[name], sub_path, volume_name=name, container=container["name"])
        only_read = bool(mount.get("readOnly")) or name in read_only
        found.append(Bind(source, _target(mount), read_only=only_read))
    return tuple(sorted(found, key=lambda bind: PurePosixPath(bind.target).parts))


def _target(mount: JsonObject) -> str:
    target = normpath("/" + str(mount["mountPath"]).lstrip("/"))
    if target in _NEVER or target.startswith("/proc/"):
        name = mount["name"]
        raise ConfigurationError(f'cannot mount volume "{name}" at {target}: the container\'s own system is there')
    return target


def _inside(volume: Path, sub_path: str, *, volume_name: str, container: str) -> Path:
    if not sub_path:
        return volume
    try:
        return beneath(volume, sub_path)
    except (EscapeError, OSError) as e:
        # The details could tell a user about the machine's files.
        raise ConfigurationError(
            f'failed to prepare subPath for volumeMount "{volume_name}" of container "{container}"'
        ) from e


def make_directory(path: Path) -> None:
    """Make a directory for a container's data, as open to its owner and group as the kubelet makes it."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(_DIRECTORY_MODE)


def beneath(root: Path, sub_path: str) -> Path:
    """Return a path inside a volume, with directories made where there are none.

    Symbolic links are followed as long as they stay inside.

    Raises
    ------
    EscapeError
        for an absolute path, a step upwards or a link that leads out.
    """
    parts = PurePosixPath(sub_path).parts
    if sub_path.startswith("/") or ".." in parts or "\0" in sub_path:
        raise EscapeError(sub_path)
    top = Path(os.path.realpath(root, strict=True))
    current = top
    for part in parts:
        current /= part
        if not os.path.lexists(current):
            make_directory(current)
        current = Path(os.path.realpath(current, strict=True))
        if not current.is_relative_to(top):
            raise EscapeError(sub_path)
    if not stat.S_ISDIR(current.stat().st_mode) and not stat.S_ISREG(current.stat().st_mode):
        raise EscapeError(sub_path)
    return current
