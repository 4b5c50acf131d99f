"""What LimitRanges fill in before quotas count a pod, for manifests that no API server has seen.

https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from collections.abc import Iterable
from typing import Any

from genkan_spawner.api import JsonObject

from .parts import Part


def with_defaults(manifest: JsonObject, limit_ranges: Iterable[JsonObject]) -> JsonObject:
    """Return a manifest with the requests and limits that the LimitRanges of its namespace add to its containers.

    A request that is missing is the container's own limit first, and a default after that. Raises ManifestError.
    """
    limits: dict[str, Any] = {}
    requests: dict[str, Any] = {}
    for found in limit_ranges:
        for row in found["spec"].get("limits") or []:
            if row.get("type") == "Container":
                limits = (row.get("default") or {}) | limits
                requests = (row.get("defaultRequest") or {}) | requests
    spec = Part.of(manifest, "").part("spec")
    if not limits and not requests:
        return manifest
    filled = {
        key: [_filled(container, limits=limits, requests=requests) for container in spec.parts(key)]
        for key in ("containers", "initContainers")
        if key in spec.value
    }
    return {**manifest, "spec": {**spec.value, **filled}}


def _filled(container: Part, *, limits: JsonObject, requests: JsonObject) -> JsonObject:
    resources = container.part("resources")
    own_limits, own_requests = resources.part("limits").value, resources.part("requests").value
    named = {
        **resources.value,
        "limits": {**limits, **own_limits},
        "requests": {**requests, **own_limits, **own_requests},
    }
    return {**container.value, "resources": named}
