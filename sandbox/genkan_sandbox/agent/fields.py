"""Fields of a pod as the downward API gives them to containers.

kubernetes pkg/fieldpath/fieldpath.go and pkg/kubelet/kubelet_pods.go
"""

import json
import math
from dataclasses import dataclass
from decimal import Decimal

from genkan_profiles.quantities import parse_quantity
from genkan_sandbox.agent.records import NodeRecord
from genkan_spawner.api import JsonObject


class FieldError(Exception):
    """A reference to a field that a pod does not have, in the kubelet's words."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod runs: what its own object does not say when its containers are made."""

    node: NodeRecord
    pod_address: str
    host_address: str


def field(pod: JsonObject, path: str, *, place: Place) -> str:
    """Read a `fieldRef`.

    Raises FieldError for a path that the downward API does not offer.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    for prefix in ("annotations", "labels"):
        if path == f"metadata.{prefix}":
            return _lines(metadata.get(prefix) or {})
        if path.startswith(f"metadata.{prefix}['") and path.endswith("']"):
            key = path[len(f"metadata.{prefix}['") : -2]
            return str((metadata.get(prefix) or {}).get(key, ""))
    fields = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": place.node.name,
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": place.host_address,
        "status.hostIPs": place.host_address,
        "status.podIP": place.pod_address,
        "status.podIPs": place.pod_address,
    }
    if path not in fields:
        raise FieldError(f"unsupported fieldPath: {path}")
    return str(fields[path])


def resource_field(container: JsonObject, reference: JsonObject, *, place: Place) -> str:
    """Read a `resourceFieldRef` in units of its divisor, rounded up; a missing limit is what the node has.

    Raises FieldError for a resource that the downward API does not offer.
    """
    kind, _, resource = str(reference["resource"]).partition(".")
    if kind not in {"limits", "requests"} or not resource:
        raise FieldError(f"unsupported container resource : {reference['resource']}")
    resources = container.get("resources") or {}
    amount = (resources.get(kind) or {}).get(resource)
    if amount is None and kind == "limits":
        amount = {"cpu": place.node.cpu, "memory": place.node.memory}.get(resource)
    divisor = parse_quantity(str(reference.get("divisor") or "1")) or Decimal(1)
    return str(math.ceil(parse_quantity(str(amount or "0")) / divisor))


def _lines(values: dict[str, str]) -> str:
    return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items()))
