"""Raw objects of the API to records, keeping what checks and pages need and nothing else.

A cluster has thousands of pods that are alike, so their strings and mappings are shared. An amount that cannot be read
is left out and told of once: one odd object of a tenant must not end the view of all others.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Any, TypeVar

from genkan_profiles.exceptions import QuantityError
from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand, demand_of
from genkan_spawner.checks.exceptions import ManifestError

from .last_word import last_word
from .records import (
    LimitRangeRecord,
    LimitRow,
    NodeRecord,
    PodRecord,
    PriorityClassRecord,
    QuotaRecord,
    ScopeRule,
    Taint,
    TaintEffect,
)
from .requests import Unreadable, parse_amounts, pod_requests
from .telling import tell_once

V = TypeVar("V", str, int)

FINISHED = ("Succeeded", "Failed")
"""Phases in which a pod holds nothing any more."""

POD_LABELS = ("hub.jupyter.org/", "app.kubernetes.io/", "genkan.dev/")
"""Prefixes of the labels of pods that are kept, beside `component` and `app`."""

_PLAIN_LABELS = ("component", "app")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def node_record(raw: JsonObject) -> NodeRecord:
    """Keep what the scheduler looks at; all labels stay, for selectors may name any."""
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    allocatable = parse_amounts(status.get("allocatable"), up=False, unreadable=_telling("node", metadata))
    conditions = status.get("conditions") or []
    return NodeRecord(
        name=intern(metadata["name"]),
        labels=_shared(metadata.get("labels") or {}),
        taints=tuple(_taint(found) for found in spec.get("taints") or [] if found.get("effect") in set(TaintEffect)),
        unschedulable=bool(spec.get("unschedulable")),
        ready=any(found.get("type") == "Ready" and found.get("status") == "True" for found in conditions),
        allocatable=_shared(allocatable),
    )


def pod_record(raw: JsonObject) -> PodRecord | None:
    """Keep what a pod holds or wants; None for one that is finished."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    if status.get("phase") in FINISHED:
        return None
    node = spec.get("nodeName") or None
    requests = pod_requests(spec, status=status, unreadable=_telling("pod", metadata))
    return PodRecord(
        uid=metadata["uid"],
        namespace=intern(metadata["namespace"]),
        name=metadata["name"],
        node=node and intern(node),
        requests=_shared(requests),
        priority=int(spec.get("priority") or 0),
        priority_class=intern(spec.get("priorityClassName") or ""),
        created=_time(metadata.get("creationTimestamp")),
        terminating="deletionTimestamp" in metadata,
        gated=bool(spec.get("schedulingGates")),
        never_preempts=spec.get("preemptionPolicy") == "Never",
        nominated_node=status.get("nominatedNodeName") or None,
        last_word=last_word(status) if node is None else None,
        looked_at=any(found.get("type") == "PodScheduled" for found in status.get("conditions") or ()),
        claims=tuple(intern(name) for name in mounted_claims(spec)),
        labels=_shared({k: v for k, v in (metadata.get("labels") or {}).items() if _kept(k)}),
        demand=_demand(raw) if node is None else None,
    )


def quota_record(raw: JsonObject) -> QuotaRecord:
    """Keep what is in force: admission goes by the status, in which a new or changed quota appears a little later."""
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    telling = _telling("quota", metadata)
    plain = [ScopeRule(scope, "Exists") for scope in spec.get("scopes") or []]
    expressions = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    selected = [ScopeRule(e["scopeName"], e["operator"], tuple(e.get("values") or ())) for e in expressions]
    return QuotaRecord(
        namespace=intern(metadata["namespace"]),
        name=metadata["name"],
        hard=MappingProxyType(parse_amounts(status.get("hard"), up=False, unreadable=telling)),
        used=MappingProxyType(parse_amounts(status.get("used"), up=True, unreadable=telling)),
        scopes=tuple(plain + selected),
    )


def limit_range_record(raw: JsonObject) -> LimitRangeRecord:
    """Keep what is filled in and what is allowed, of containers and pods; claims are held against it by admission."""
    metadata, rows = raw["metadata"], (raw.get("spec") or {}).get("limits") or []
    telling = _telling("limit range", metadata)
    return LimitRangeRecord(
        namespace=intern(metadata["namespace"]),
        name=metadata["name"],
        rows=tuple(_limit_row(row, telling) for row in rows if row.get("type") in {"Container", "Pod"}),
    )


def priority_class_record(raw: JsonObject) -> PriorityClassRecord:
    """Keep what a class does to its pods."""
    return PriorityClassRecord(
        name=raw["metadata"]["name"],
        value=int(raw.get("value") or 0),
        never_preempts=raw.get("preemptionPolicy") == "Never",
        is_default=bool(raw.get("globalDefault")),
    )


def _limit_row(raw: JsonObject, telling: Unreadable) -> LimitRow:
    def amounts(key: str) -> Mapping[str, int]:
        return MappingProxyType(parse_amounts(raw.get(key), up=True, unreadable=telling))

    def texts(key: str) -> Mapping[str, str]:
        return MappingProxyType({name: str(raw[key][name]) for name in amounts(key)})

    return LimitRow(
        whole=raw["type"] == "Pod",
        default=texts("default"),
        default_request=texts("defaultRequest"),
        least=amounts("min"),
        most=amounts("max"),
        ratio=amounts("maxLimitRequestRatio"),
    )


def _taint(raw: JsonObject) -> Taint:
    return Taint(intern(raw["key"]), intern(raw.get("value") or ""), TaintEffect(raw["effect"]))


def mounted_claims(spec: JsonObject) -> Iterator[str]:
    """Yield the names of the claims that a pod mounts."""
    for volume in spec.get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield claim["claimName"]


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else _LONG_AGO


def _kept(label: str) -> bool:
    return label in _PLAIN_LABELS or label.startswith(POD_LABELS)


def _demand(raw: JsonObject) -> Demand | None:
    """Return how a waiting pod may be placed; None where its manifest cannot be read."""
    try:
        return demand_of(raw, final=True)
    except ManifestError as e:
        tell_once(f"It cannot be foreseen where pod {_place(raw['metadata'])} goes: {e}")
        return None


def _shared(mapping: Mapping[str, V]) -> Mapping[str, V]:
    found: Mapping[str, V] = _mapping(tuple(mapping.items()))
    return found


@lru_cache(maxsize=4096)
def _mapping(items: tuple[tuple[str, Any], ...]) -> Mapping[str, Any]:
    return MappingProxyType({intern(name): value for name, value in items})


def _telling(kind: str, metadata: JsonObject) -> Unreadable:
    def tell(resource: str, error: QuantityError) -> None:
        tell_once(f"The amount of {resource} of {kind} {_place(metadata)} cannot be read and is left out: {error}")

    return tell


def _place(metadata: JsonObject) -> str:
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])
