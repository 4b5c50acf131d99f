"""From a container's volume mounts to directories bound into its root, and no way out of a volume."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath

from genkan_sandbox.agent.environment import ConfigurationError, expand
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.subpaths import prepare_sub_path
from genkan_spawner.api import JsonObject

_NEVER = ("/", "/proc", "/sys", "/dev")
"""Where no volume can be mounted as a whole; the container's own system is there."""


@dataclass(frozen=True, slots=True)
class MountedVolume:
    """A volume of a pod as the node has it."""

    path: Path
    read_only: bool = False
    """Whatever a mount says."""
    takes_group: bool = False
    """Whether the pod's fsGroup is applied to it."""
    squashed: bool = False
    """Whether the node's administrator is nobody on it."""
    claim: str | None = None
    """The claim that it is behind."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory of the machine that a container sees at a path of its own."""

    source: Path
    target: str
    read_only: bool = False
    volume: str | None = None
    """The name of the volume that it is of, in the pod."""
    full: bool = False
    """Whether there is a full file system in its place."""


def binds(
    container: JsonObject, volumes: Mapping[str, MountedVolume], *, variables: Mapping[str, str], owners: Owners
) -> tuple[Bind, ...]:
    """Return a container's mounts, outer ones before those inside them; missing subdirectories are made.

    Raises ConfigurationError in the kubelet's words for a mount that cannot be.
    """
    found: list[Bind] = []
    for mount in container.get("volumeMounts") or []:
        name, of = mount["name"], container["name"]
        if name not in volumes:
            raise ConfigurationError(f'cannot find volume "{name}" to mount into container "{of}"')
        volume = volumes[name]
        path = mount.get("subPath") or expand(mount.get("subPathExpr") or "", variables)
        source = volume.path
        if path:
            writable = not volume.read_only
            about = f'for volumeMount "{name}" of container "{of}"'
            source = prepare_sub_path(
                volume.path, path, about=about, writable=writable, squashed=volume.squashed, owners=owners
            )
        read_only = bool(mount.get("readOnly")) or volume.read_only
        found.append(Bind(source, _target(mount), read_only=read_only, volume=name))
    return tuple(sorted(found, key=lambda bind: PurePosixPath(bind.target).parts))


def _target(mount: JsonObject) -> str:
    target = normpath("/" + str(mount["mountPath"]).lstrip("/"))
    if target in _NEVER or target.startswith("/proc/"):
        name = mount["name"]
        raise ConfigurationError(f'cannot mount volume "{name}" at {target}: the container\'s own system is there')
    return target


def make_directory(path: Path, rights: int = 0o777) -> None:
    """Make a directory for the data of whatever user a container has, as the kubelet makes an emptyDir."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(rights)
