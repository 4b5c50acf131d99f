"""What the machines of a cluster have for servers: what is allocatable, less what each machine's own programs take."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from genkan_profiles import QuantityError
from genkan_profiles.quantities import parse_quantity
from genkan_spawner.api import JsonObject

COMPUTE = ("cpu", "memory")
_CONTROL_PLANE = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
_NO_DEVICES = ("hugepages-", "attachable-volumes-", "kubernetes.io/")
_ENDED = {"Succeeded", "Failed"}


def is_for_servers(node: JsonObject) -> bool:
    """Return whether a machine is one for servers: those of the control plane are not."""
    taints = {taint["key"] for taint in node["spec"].get("taints", [])}
    return not taints & _CONTROL_PLANE


def capacity(nodes: Iterable[JsonObject], pods: Iterable[JsonObject]) -> Mapping[str, Decimal]:
    """Return what these machines have of each resource together, CPU and memory first, then devices by name.

    What DaemonSets and the kubelet's own pods ask for is on each machine and never for servers.
    """
    names = {node["metadata"]["name"]: node for node in nodes}
    total: Counter[str] = Counter()
    for node in names.values():
        total.update({name: amount for name, amount in _amounts(node["status"].get("allocatable")) if _counts(name)})
    for pod in pods:
        if pod["spec"].get("nodeName") in names and pod["status"].get("phase") not in _ENDED and _is_of_machine(pod):
            total.subtract({name: amount for name, amount in _requests(pod).items() if name in total})
    devices = sorted(name for name in total if name not in COMPUTE)
    return {name: max(Decimal(total[name]), Decimal(0)) for name in (*COMPUTE, *devices) if name in total}


def _counts(resource: str) -> bool:
    return resource in COMPUTE or ("/" in resource and not resource.startswith(_NO_DEVICES))


def _is_of_machine(pod: JsonObject) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") in {"DaemonSet", "Node"} for owner in owners)


def _requests(pod: JsonObject) -> Counter[str]:
    total: Counter[str] = Counter()
    for container in pod["spec"].get("containers", []):
        total.update(dict(_amounts((container.get("resources") or {}).get("requests"))))
    return total


def _amounts(quantities: Mapping[str, Any] | None) -> Iterable[tuple[str, Any]]:
    for name, text in (quantities or {}).items():
        try:
            yield name, parse_quantity(str(text))
        except QuantityError:
            continue
