"""A home in the place of whatever else a site mounts where homes are."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from genkan_profiles import HOME
from genkan_spawner.api import JsonObject

HOME_VOLUME = "genkan-home"
"""Name of the volume in the pod, which no site gives by chance."""

Rows: TypeAlias = dict[str, JsonObject]


def with_home(
    volumes: Any, mounts: Any, *, claim: str, path: str | None, others: Iterable[Mapping[str, Any]]
) -> tuple[Rows, Rows]:
    """Return the volumes and mounts of a server with its home, both keyed; what only served the home before goes.

    Both come as lists or mappings of KubeSpawner's. `others` are the pod's other containers, whose volumes stay.
    """
    kept = [row for row in _rows(mounts) if _mount_path(row) != HOME]
    replaced = {row["name"] for row in _rows(mounts) if _mount_path(row) == HOME}
    used = {row["name"] for row in [*kept, *_mounts_of(others)]}
    mount = {"name": HOME_VOLUME, "mountPath": HOME}
    if path is not None:
        mount["subPath"] = path
    pod_volumes = [row for row in _rows(volumes) if row["name"] not in replaced - used]
    pod_volumes.append({"name": HOME_VOLUME, "persistentVolumeClaim": {"claimName": claim}})
    return {row["name"]: row for row in pod_volumes}, {_mount_path(row): row for row in [*kept, mount]}


def points_in_home(mounts: Rows) -> list[str]:
    """Return where in the home something else is mounted, from the home on; templates of a site are passed over."""
    inside = (path.removeprefix(f"{HOME}/") for path in mounts if path.startswith(f"{HOME}/"))
    return sorted(path for path in inside if "{" not in path and ".." not in path.split("/"))


def _mounts_of(containers: Iterable[Mapping[str, Any]]) -> Iterator[JsonObject]:
    for container in containers:
        yield from container.get("volumeMounts") or container.get("volume_mounts") or ()


def _rows(found: Any) -> list[JsonObject]:
    return list(found.values() if isinstance(found, Mapping) else found or ())


def _mount_path(row: Mapping[str, Any]) -> str:
    path = str(row.get("mountPath") or row.get("mount_path"))
    return path.rstrip("/") or "/"
