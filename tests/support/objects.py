"""Raw objects of Kubernetes as an API server gives them, with what a test does not care about left plain."""

from collections.abc import Mapping
from typing import Any

from genkan_spawner.api import JsonObject

CREATED = "2026-11-01T10:00:00Z"


def node(
    name: str = "gpu-0",
    *,
    allocatable: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    ready: str = "True",
    **spec: Any,
) -> JsonObject:
    offered = {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "4"}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": "1", "labels": dict(labels or {})},
        "spec": spec,
        "status": {
            "allocatable": dict(allocatable if allocatable is not None else offered),
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def pod(
    name: str = "job",
    *,
    namespace: str = "team",
    uid: str = "",
    node: str | None = None,
    requests: Mapping[str, Any] | None = None,
    phase: str = "",
    metadata: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> JsonObject:
    """Return a pod of one container; `spec`, `metadata` and `status` are laid over."""
    wanted = {"cpu": "1", "memory": "1Gi"} if requests is None else dict(requests)
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"uid-{name}",
            "resourceVersion": "1",
            "creationTimestamp": CREATED,
            **(metadata or {}),
        },
        "spec": {
            "containers": [{"name": "main", "resources": {"requests": wanted}}],
            **({"nodeName": node} if node else {}),
            **spec,
        },
        "status": {"phase": phase or ("Running" if node else "Pending"), **(status or {})},
    }


def quota(
    name: str = "gpus",
    *,
    namespace: str = "team",
    hard: Mapping[str, Any] | None = None,
    used: Mapping[str, Any] | None = None,
    **spec: Any,
) -> JsonObject:
    limits = dict(hard if hard is not None else {"requests.nvidia.com/gpu": "4"})
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "1"},
        "spec": {"hard": limits, **spec},
        "status": {"hard": limits, "used": dict(used if used is not None else dict.fromkeys(limits, "0"))},
    }


def limit_range(
    name: str = "sizes", *, namespace: str = "team", applies_to: str = "Container", **row: Any
) -> JsonObject:
    """Return a LimitRange of one row; its keys are the API's: `max`, `defaultRequest`."""
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "1"},
        "spec": {"limits": [{"type": applies_to, **row}]},
    }


def priority_class(name: str = "normal", *, value: int = 1000, **fields: Any) -> JsonObject:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": "1"}, "value": value, **fields}


def container(
    requests: Mapping[str, Any] | None = None,
    *,
    limits: Mapping[str, Any] | None = None,
    name: str = "main",
    **more: Any,
) -> JsonObject:
    """Return a container with what it asks for."""
    resources = {key: dict(value) for key, value in (("requests", requests), ("limits", limits)) if value is not None}
    return {"name": name, "resources": resources, **more}


def sidecar(requests: Mapping[str, Any], **more: Any) -> JsonObject:
    """Return an init container that goes on running."""
    return container(requests, restartPolicy="Always", **more)
