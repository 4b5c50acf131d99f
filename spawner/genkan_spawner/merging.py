"""How a profile's overrides meet what a site has configured.

KubeSpawner merges a dictionary into a dictionary and lets everything else replace what was there. Here volumes, mounts
and tolerations of a site stay whether it gave them as a list or as a dictionary, and its required node affinity holds
beside the profile's.
"""

import copy
import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from traitlets import HasTraits

_AFFINITY = "node_affinity_required"
_GROUPS = "supplemental_gids"


def _mount_path(row: Mapping[str, Any]) -> str:
    return str(row.get("mountPath") or row.get("mount_path"))


def _name(row: Mapping[str, Any]) -> str:
    return str(row["name"])


_KEYS: Mapping[str, Callable[[Mapping[str, Any]], str] | None] = {
    "volumes": _name,
    "volume_mounts": _mount_path,
    "tolerations": None,
}
"""What the rows of these traits are known by; None stands for their place in the list."""


async def resolved(override: Mapping[str, Any], spawner: HasTraits) -> dict[str, Any]:
    """Return a copy of the override with the results of its functions, which get the spawner and may be coroutines."""
    values = {}
    for name, value in override.items():
        found = value(spawner) if callable(value) else copy.deepcopy(value)
        values[name] = await found if inspect.isawaitable(found) else found
    return values


def prepare(spawner: HasTraits, override: dict[str, Any]) -> None:
    """Bring traits and override into a form that KubeSpawner merges without losing what the site configured."""
    for name, key in _KEYS.items():
        given = override.get(name)
        if isinstance(given, dict):
            kept = _keyed(getattr(spawner, name), key)
            # A mount of the site at the same path would be merged with ours, and two Kubernetes refuses.
            setattr(spawner, name, {known: row for known, row in kept.items() if known not in given})
    if _GROUPS in override:
        setattr(spawner, _GROUPS, _groups_of_both(getattr(spawner, _GROUPS), override.pop(_GROUPS)))
    if _AFFINITY in override:
        override[_AFFINITY] = required_of_both(getattr(spawner, _AFFINITY), override[_AFFINITY])


def required_of_both(site: Any, profile: Any) -> list[dict[str, Any]]:
    """Return the node selector terms that hold where a term of each side holds; a side without any asks for nothing.

    Of several terms Kubernetes wants one, of the expressions in a term all:
    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity
    """
    ours, theirs = _terms(profile), _terms(site)
    if not ours or not theirs:
        return ours or theirs
    return [_joined(first, second) for first, second in itertools.product(theirs, ours)]


def _groups_of_both(site: Any, profile: list[int]) -> Any:
    """Return the groups of both, which a site may have given as a function of the spawner."""
    if not callable(site):
        return sorted({*(site or ()), *profile})

    async def groups(spawner: HasTraits) -> list[int]:
        found: Any = site(spawner)
        if inspect.isawaitable(found):
            found = await found
        return sorted({*(found or ()), *profile})

    return groups


def _joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    fields = {name: [*first.get(name, []), *second.get(name, [])] for name in ("matchExpressions", "matchFields")}
    return {name: rows for name, rows in fields.items() if rows}


def _terms(value: Any) -> list[dict[str, Any]]:
    """Return node selector terms, of either form of the trait and of either spelling, in Kubernetes' spelling."""
    spelling: Mapping[str, str] = {"match_expressions": "matchExpressions", "match_fields": "matchFields"}
    rows: list[dict[str, Any]] = [value[key] for key in sorted(value)] if isinstance(value, dict) else value
    return [{spelling.get(name, name): part for name, part in row.items()} for row in rows]


def _keyed(rows: Any, key: Callable[[Mapping[str, Any]], str] | None) -> dict[str, Any]:
    if key is None:
        return dict(rows) if isinstance(rows, dict) else {f"{place:02}": row for place, row in enumerate(rows)}
    return {key(row): row for row in (rows.values() if isinstance(rows, dict) else rows)}
