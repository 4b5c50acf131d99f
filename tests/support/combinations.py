"""Every combination that a catalogue offers, what a pod of it must have, and a cluster that holds all of them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from genkan_profiles import Hardware, Image, Offers, Priority, Team
from genkan_profiles.quantities import parse_quantity
from genkan_spawner.api import JsonObject

THREADS = {
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
}
"""Variables that hold libraries to the limit of the container."""

_PRODUCT = "nvidia.com/gpu.product"
_SHARED_MEMORY = "/dev/shm"  # noqa: S108  # in the container
_SPARE = 2
"""Each machine of the roomy site has this many times the room that its servers need."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One choice of everything."""

    hardware: Hardware
    image: Image
    priority: Priority
    team: Team

    @property
    def choice(self) -> dict[str, str]:
        """The choice as the REST API takes it."""
        return {
            "profile": self.hardware.slug,
            "image": self.image.slug,
            "priority": self.priority.slug,
            "team": self.team.key,
        }


def combinations(offers: Offers) -> list[Combination]:
    """Return all that can be chosen, for users who are in a team."""
    return [
        Combination(row.hardware, image, priority, team)
        for row in offers.hardware
        for image, priority, team in itertools.product(row.images, offers.priorities, offers.teams)
    ]


def covering(offered: Sequence[Combination]) -> list[Combination]:
    """Return one combination for each hardware, with images, priorities and teams in turns."""
    by_hardware: dict[str, list[Combination]] = {}
    for row in offered:
        by_hardware.setdefault(row.hardware.slug, []).append(row)
    # Seven shares no factor with the numbers of priorities and teams, so that their pairs vary too.
    return [rows[(7 * number) % len(rows)] for number, rows in enumerate(by_hardware.values())]


def roomy_site(offered: Sequence[Combination], *, user: str, groups: Sequence[str]) -> str:
    """Return a site file with a machine for all servers of each hardware, for one user in some groups."""
    needs: dict[str, tuple[Hardware, int]] = {}
    for row in offered:
        _, count = needs.get(row.hardware.slug, (row.hardware, 0))
        needs[row.hardware.slug] = (row.hardware, count + 1)
    classes = dict.fromkeys(row.priority.priority_class for row in reversed(offered))
    namespaces = ["genkan", *sorted({row.team.namespace for row in offered})]
    return yaml.safe_dump(
        {
            "description": "A machine for all servers of each hardware.",
            "catalogue": "sample",
            "pools": [_pool(hardware, _SPARE * count) for hardware, count in needs.values()],
            "namespaces": [{"name": name, "pod_security": "restricted"} for name in namespaces],
            "priority_classes": [{"name": name, "value": value} for value, name in enumerate(classes)],
            "users": [{"name": user, "groups": [*groups]}],
        }
    )


def _pool(hardware: Hardware, servers: int) -> JsonObject:
    pool: JsonObject = {
        "name": hardware.slug,
        "count": 1,
        "pods": 500,
        "cpu": str(servers * parse_quantity(hardware.cpu)),
        "memory": str(servers * parse_quantity(hardware.memory)),
    }
    gpu = hardware.gpu
    if gpu is not None:
        device: JsonObject = {"resource": gpu.resource, "count": servers * gpu.count, "product": gpu.product[-1]}
        if gpu.is_mig:
            device |= {"cards": servers, "memory": "9728Mi"}
        pool["devices"] = [device]
        # Else servers without GPUs would fill this machine, and those it is meant for would push them out.
        pool["taints"] = [{"key": "nvidia.com/gpu", "effect": "PreferNoSchedule"}]
    return pool


def expected(row: Combination) -> dict[str, Any]:
    """Say what the pod of a combination must have, in the terms of `seen`."""
    hardware, gpu = row.hardware, row.hardware.gpu
    limit = parse_quantity(hardware.cpu_limit or hardware.cpu)
    devices = {} if gpu is None else {gpu.resource: Decimal(gpu.count)}
    memory = parse_quantity(hardware.memory)
    products = list(gpu.product) if gpu else []
    shared_memory = parse_quantity(hardware.shared_memory) if hardware.shared_memory else memory / 2
    return {
        "namespace": row.team.namespace,
        "priority class": row.priority.priority_class,
        "image": row.image.image,
        "requests": {"cpu": parse_quantity(hardware.cpu), "memory": memory, **devices},
        "limits": {"cpu": limit, "memory": memory, **devices},
        "visible devices": "void" if gpu is None else None,
        "threads": dict.fromkeys(THREADS, str(int(limit))),
        "shared memory": ("Memory", shared_memory) if gpu else None,
        "scratch": (None, parse_quantity("100Gi")) if gpu else None,
        "node selector": dict(hardware.node_selector),
        "tolerations": [{"key": t.key, "operator": t.operator.value} for t in hardware.tolerations],
        "products": [{"key": _PRODUCT, "operator": "In", "values": products}] if products else [],
        "command": None,
        "program": "jupyterhub-singleuser",
    }


def seen(pod: JsonObject) -> dict[str, Any]:
    """Read the same from a pod as Kubernetes has it."""
    spec = pod["spec"]
    (container,) = spec["containers"]
    variables = {row["name"]: row.get("value") for row in container["env"]}
    return {
        "namespace": pod["metadata"]["namespace"],
        "priority class": spec["priorityClassName"],
        "image": container["image"],
        "requests": {name: parse_quantity(text) for name, text in container["resources"]["requests"].items()},
        "limits": {name: parse_quantity(text) for name, text in container["resources"]["limits"].items()},
        "visible devices": variables.get("NVIDIA_VISIBLE_DEVICES"),
        "threads": {name: value for name, value in variables.items() if name.endswith("_THREADS")},
        "shared memory": _room(pod, _SHARED_MEMORY),
        "scratch": _room(pod, "/scratch"),
        "node selector": spec.get("nodeSelector", {}),
        "tolerations": [row for row in spec["tolerations"] if not row["key"].startswith("node.kubernetes.io/")],
        "products": _required(spec.get("affinity", {})),
        "command": container.get("command"),
        "program": container["args"][0],
    }


def _room(pod: JsonObject, path: str) -> tuple[str | None, Decimal] | None:
    """Return medium and size of the empty directory that is mounted at a path."""
    (container,) = pod["spec"]["containers"]
    for mount in container["volumeMounts"]:
        if mount["mountPath"] == path:
            volume = next(row for row in pod["spec"]["volumes"] if row["name"] == mount["name"])["emptyDir"]
            return volume.get("medium"), parse_quantity(volume["sizeLimit"])
    return None


def _required(affinity: JsonObject) -> list[JsonObject]:
    """Return what a node must be labelled with; several terms would be alternatives."""
    required = affinity.get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return []
    (term,) = required["nodeSelectorTerms"]
    expressions: list[JsonObject] = term["matchExpressions"]
    return expressions
