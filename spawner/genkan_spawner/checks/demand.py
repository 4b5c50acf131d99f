"""What a pod asks of the cluster, read from the manifest that would be created."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from genkan_profiles.exceptions import QuantityError
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.records import THOUSANDTHS, Amounts
from genkan_spawner.cluster.requests import parse_amount, pod_requests

from .claims import ClaimUse, NewClaim, read_claims, read_ephemeral
from .exceptions import ManifestError
from .parts import Part
from .placement import Placement, read_placement
from .wording import is_device

PODS = "pods"
"""The resource that stands for a place on a node; each pod takes one."""

DEFAULT_SCHEDULER = "default-scheduler"
"""Which places pods that name none."""

_COMPUTE = ("cpu", "memory")
_POD_LEVEL = (*_COMPUTE, "hugepages-")


OWNER = "hub.jupyter.org/username"
"""The label that KubeSpawner puts on each server."""


class Rule(StrEnum):
    """What a manifest can ask for that no check foresees: it depends on more than nodes and amounts."""

    NEIGHBOURS = "neighbours"
    """Required affinity or anti-affinity to other pods."""
    SPREAD = "spread"
    """A topology spread that must hold."""
    CLAIMS = "claims"
    """Devices by ResourceClaim."""
    PORTS = "ports"
    """Ports of the machine: what a record keeps of other pods does not tell theirs."""


class PreemptionPolicy(StrEnum):
    """Whether a pod may push others out."""

    LOWER_PRIORITY = "PreemptLowerPriority"
    NEVER = "Never"


@dataclass(frozen=True, slots=True)
class Demand:
    """Amounts and wishes of one pod."""

    name: str
    namespace: str
    requests: Amounts
    """What the scheduler counts, without the pod's own place."""
    limits: Amounts = field(default_factory=lambda: MappingProxyType({}))
    """What quotas of `limits.*` count."""
    unspecified: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Containers that say nothing of a resource, by its name in quotas: one that limits it refuses them."""
    placement: Placement = field(default_factory=Placement)
    priority_class: str = ""
    """Empty where the manifest names none."""
    priority: int | None = None
    """The manifest's own number; the class decides where it is known."""
    preemption: PreemptionPolicy | None = None
    """None where the manifest leaves it to the class."""
    scheduler: str = DEFAULT_SCHEDULER
    """Any scheduler is taken to filter nodes as kube-scheduler does; they differ in what they prefer."""
    best_effort: bool = False
    """Whether no container asks for or is limited in CPU or memory."""
    terminating: bool = False
    """Whether the pod has a deadline, as quotas' scope Terminating means it."""
    crosses_namespaces: bool = False
    """Whether it has affinity to pods of other namespaces."""
    gated: bool = False
    """Whether something else, such as a queue of jobs, has to release it first."""
    unforeseen: tuple[Rule, ...] = ()
    claims: tuple[ClaimUse, ...] = ()
    """What it mounts."""
    ephemeral: tuple[NewClaim, ...] = ()
    """What Kubernetes makes for it alone."""
    owner: str = ""
    """The label by which a hub tells whose server it is."""
    sizes: JsonObject | None = field(default=None, compare=False, repr=False)
    """The spec with nothing but names and amounts: what a LimitRange completes and bounds. None once it has."""

    @property
    def never_preempts(self) -> bool:
        """Whether the manifest itself says that it pushes nobody out."""
        return self.preemption is PreemptionPolicy.NEVER

    def sized(self, sizes: JsonObject) -> Self:
        """Return this demand with other amounts."""
        return replace(self, sizes=sizes, **_amounts(Part.of(sizes, "spec")))


def demand_of(manifest: JsonObject, *, namespace: str = "default", final: bool = False) -> Demand:
    """Read a pod manifest; `namespace` stands in where it names none.

    `final` tells that it is as the API server stores it: nothing will be filled in any more. Raises ManifestError with
    the place and what is allowed there.
    """
    root = Part.of(manifest, "")
    if root.text("kind", "Pod") != "Pod":
        raise ManifestError(f"kind: This must be Pod, not {root.text('kind')!r}.")
    metadata, spec = root.part("metadata"), root.part("spec")
    _check_amounts(spec)
    sizes = _sizes(spec)
    return Demand(
        name=metadata.text("name") or metadata.text("generateName"),
        namespace=metadata.text("namespace") or namespace,
        **_amounts(Part.of(sizes, "spec")),
        placement=read_placement(spec),
        priority_class=spec.text("priorityClassName"),
        priority=spec.number("priority"),
        preemption=spec.word("preemptionPolicy", PreemptionPolicy) if spec.text("preemptionPolicy") else None,
        scheduler=spec.text("schedulerName") or DEFAULT_SCHEDULER,
        terminating=spec.number("activeDeadlineSeconds") is not None,
        crosses_namespaces=any(_other_namespaces(term) for term in _neighbour_terms(spec)),
        gated=bool(spec.items("schedulingGates")),
        unforeseen=tuple(_unforeseen(spec)),
        claims=tuple(read_claims(spec)),
        ephemeral=tuple(read_ephemeral(spec, pod=metadata.text("name"))),
        owner=str(metadata.part("labels").value.get(OWNER) or ""),
        sizes=None if final else sizes,
    )


def _sizes(spec: Part) -> JsonObject:
    """Leave out of a spec all but what amounts are computed from; its environment holds a token."""
    kept = ("name", "resources", "restartPolicy")
    rows = {
        key: [{name: part.value[name] for name in kept if name in part.value} for part in spec.parts(key)]
        for key in ("containers", "initContainers")
    }
    return {**rows, **{key: spec.value[key] for key in ("resources", "overhead") if key in spec.value}}


def _amounts(spec: Part) -> dict[str, Any]:
    limits = pod_requests(limits_as_requests(spec.value))
    return {
        "requests": MappingProxyType(_counted(pod_requests(spec.value))),
        "limits": MappingProxyType(_counted(limits)),
        "unspecified": MappingProxyType(_unspecified(spec)),
        "best_effort": _is_best_effort(spec),
    }


def _counted(amounts: Amounts) -> dict[str, int]:
    return {name: amount for name, amount in amounts.items() if amount and name != PODS}


def _check_amounts(spec: Part) -> None:
    """See that every amount can be read, so that a mistake is told with its place."""
    containers = list(spec.parts("containers"))
    if not containers:
        raise ManifestError("spec.containers: This must have at least one entry.")
    resources = [part.part("resources") for part in (*containers, *spec.parts("initContainers"), spec)]
    for part in [*(one.part(key) for one in resources for key in ("requests", "limits")), spec.part("overhead")]:
        for name, quantity in part.value.items():
            place = f"{part.place}.{name}"
            if isinstance(quantity, bool) or not isinstance(quantity, str | int | float):
                raise ManifestError(f"{place}: This must be a quantity, such as 500m, 4 or 16Gi.")
            try:
                amount = parse_amount(str(quantity), up=True)
            except QuantityError as e:
                raise ManifestError(f"{place}: {e}") from e
            if amount < 0:
                raise ManifestError(f"{place}: This must not be negative, as {quantity} is.")
            if is_device(name) and amount % THOUSANDTHS:
                raise ManifestError(f"{place}: This must be a whole number, not {quantity}.")
    for one in resources:
        _check_order(one)


def _check_order(resources: Part) -> None:
    """See that no request is above its limit; of devices they have to be the same, and both have to be there.

    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#consuming-extended-resources
    """
    limits = resources.part("limits").value
    for name, requested in resources.part("requests").value.items():
        if name not in limits:
            if is_device(name):
                raise ManifestError(f"{resources.place}.limits.{name}: This must be there, {requested} as asked for.")
            continue
        request, limit = parse_amount(str(requested), up=True), parse_amount(str(limits[name]), up=True)
        if request > limit or (is_device(name) and request != limit):
            rule = "the limit" if is_device(name) else "at most the limit"
            raise ManifestError(f"{resources.place}.requests.{name}: This must be {rule}, {limits[name]}.")


def limits_as_requests(spec: JsonObject) -> JsonObject:
    """Return a spec whose requests are the limits, so that the rules for adding up requests add up limits."""

    def turned(part: JsonObject) -> JsonObject:
        limits = (part.get("resources") or {}).get("limits") or {}
        return {**part, "resources": {"requests": limits}}

    containers = [turned(part) for part in spec.get("containers") or []]
    first = [turned(part) for part in spec.get("initContainers") or []]
    bare = {"containers": containers, "initContainers": first, "resources": turned(spec)["resources"]}
    limited = pod_requests(bare)
    overhead = {name: value for name, value in (spec.get("overhead") or {}).items() if limited.get(name)}
    return {**bare, "overhead": overhead}


def _unspecified(spec: Part) -> dict[str, tuple[str, ...]]:
    """Return, for each resource that a quota wants to be given, the containers that do not give it.

    As enforcePodContainerConstraints in pkg/quota/v1/evaluator/core/pods.go; amounts for the pod as a whole make up for
    all of its containers.
    """
    whole = spec.part("resources")
    if any(name.startswith(_POD_LEVEL) for key in ("requests", "limits") for name in whole.part(key).value):
        return {}
    missing: dict[str, list[str]] = {}
    for container in (*spec.parts("containers"), *spec.parts("initContainers")):
        resources = container.part("resources")
        limits, requests = resources.part("limits").value, resources.part("requests").value
        for resource in _COMPUTE:
            name = container.text("name")
            if resource not in limits:
                missing.setdefault(f"limits.{resource}", []).append(name)
                if resource not in requests:
                    missing.setdefault(f"requests.{resource}", []).append(name)
                    missing.setdefault(resource, []).append(name)
    return {resource: tuple(sorted(names)) for resource, names in missing.items()}


def _is_best_effort(spec: Part) -> bool:
    """As ComputePodQOS in pkg/apis/core/v1/helper/qos."""
    whole = spec.value.get("resources") is not None
    parts = [spec] if whole else [*spec.parts("containers"), *spec.parts("initContainers")]
    given = [part.part("resources").part(key).value for part in parts for key in ("requests", "limits")]
    return not any(parse_amount(str(row[name]), up=True) for row in given for name in _COMPUTE if name in row)


def _neighbour_terms(spec: Part) -> Iterator[Part]:
    for kind in ("podAffinity", "podAntiAffinity"):
        part = spec.part("affinity").part(kind)
        yield from part.parts("requiredDuringSchedulingIgnoredDuringExecution")
        for preferred in part.parts("preferredDuringSchedulingIgnoredDuringExecution"):
            yield preferred.part("podAffinityTerm")


def _other_namespaces(term: Part) -> bool:
    return bool(term.items("namespaces")) or term.value.get("namespaceSelector") is not None


def _unforeseen(spec: Part) -> Iterator[Rule]:
    affinity = spec.part("affinity")
    if any(
        affinity.part(kind).items("requiredDuringSchedulingIgnoredDuringExecution")
        for kind in ("podAffinity", "podAntiAffinity")
    ):
        yield Rule.NEIGHBOURS
    spreads = spec.parts("topologySpreadConstraints")
    if any(part.text("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule" for part in spreads):
        yield Rule.SPREAD
    if spec.items("resourceClaims"):
        yield Rule.CLAIMS
    containers = (*spec.parts("containers"), *spec.parts("initContainers"))
    if any(port.value.get("hostPort") for container in containers for port in container.parts("ports")):
        yield Rule.PORTS
