"""What the agent keeps of nodes and pods: small frozen records, so that thousands of simulated pods stay cheap."""

from dataclasses import dataclass
from sys import intern
from typing import Any

from genkan_profiles.exceptions import QuantityError
from genkan_profiles.quantities import parse_quantity, quantity_bytes
from genkan_sandbox.annotations import GPU_MEMORY, GPU_UTILISATION, MANAGED, SIMULATE
from genkan_spawner.api import JsonObject

START_SECONDS = "sandbox.genkan.dev/start-seconds"
"""Annotation of a simulated pod: how long it takes until it is Running."""

PORT_NAME = "notebook-port"
"""KubeSpawner's name of the port that a single-user server listens on."""

DEFAULT_GRACE = 30
"""Seconds between the request to end and the kill, where a pod names none."""

MOST_DEVICES = 10_000
"""Units of one resource that are named; a node that offers more has a typing error."""

Devices = tuple[tuple[str, tuple[str, ...]], ...]
"""Resource and the names of its devices, for one container."""


@dataclass(frozen=True, slots=True)
class DeviceOffer:
    """One extended resource of a node."""

    resource: str
    count: int
    replicas: int = 1
    """How many units one physical device is shared into, by the label that GPU Feature Discovery sets."""
    product: str = ""
    memory: int = 0
    """Of one device, in MiB; both by labels of GPU Feature Discovery, empty and 0 without them."""


@dataclass(frozen=True, slots=True)
class GpuLoad:
    """What a pod's GPUs do, as its annotations say."""

    utilisation: float = 0.0
    """Percent."""
    memory: int = 0
    """Bytes of each GPU."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a node answers the API server."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node as the agent needs it."""

    name: str
    uid: str
    managed: bool
    ready: bool
    endpoint: Endpoint | None
    """By its status; None until the agent has taken the node on."""
    hostname: str
    """The label by which volumes of this node alone find it."""
    cpu: str
    memory: str
    offers: tuple[DeviceOffer, ...]


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """One container of a pod: what it asks of devices and what it holds by its status."""

    name: str
    image: str
    init: bool = False
    sidecar: bool = False
    """Whether it is started before the others and runs beside them, as an init container that is always restarted."""
    demands: tuple[tuple[str, int], ...] = ()
    held: Devices = ()


@dataclass(frozen=True, slots=True)
class PodRecord:
    """One pod that a node was chosen for."""

    namespace: str
    name: str
    uid: str
    node: str
    phase: str
    ready: bool
    begun: bool
    """Whether a container of it has been started, by its status."""
    simulated: bool
    start_seconds: float | None
    grace: int | None
    """Seconds to end in; None unless it is being deleted."""
    port: int | None
    address: str | None
    containers: tuple[ContainerRecord, ...]
    load: GpuLoad = GpuLoad()

    @property
    def ended(self) -> bool:
        """Whether its containers have ended for good."""
        return self.phase in {"Succeeded", "Failed"}


def project_node(raw: JsonObject) -> NodeRecord:
    """Keep of a node what the agent needs."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    labels = metadata.get("labels") or {}
    allocatable = status.get("allocatable") or {}
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or []}
    pressures = [value for name, value in conditions.items() if name.endswith("Pressure")]
    return NodeRecord(
        name=intern(metadata["name"]),
        uid=metadata["uid"],
        managed=(metadata.get("annotations") or {}).get(MANAGED) == "true",
        ready=conditions.get("Ready") == "True" and all(value == "False" for value in pressures),
        endpoint=_endpoint(status),
        hostname=labels.get("kubernetes.io/hostname", metadata["name"]),
        cpu=allocatable.get("cpu", "0"),
        memory=allocatable.get("memory", "0"),
        offers=tuple(
            _offer(intern(resource), _count(amount), labels)
            for resource, amount in sorted(allocatable.items())
            if "/" in resource
        ),
    )


def project_pod(raw: JsonObject) -> PodRecord:
    """Keep of a pod what is needed until its own task reads the rest."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    annotations = metadata.get("annotations") or {}
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or []}
    return PodRecord(
        namespace=intern(metadata["namespace"]),
        name=metadata["name"],
        uid=metadata["uid"],
        node=intern(spec.get("nodeName") or ""),
        phase=intern(status.get("phase") or "Pending"),
        ready=conditions.get("Ready") == "True",
        begun=_begun(status),
        simulated=annotations.get(SIMULATE) == "true",
        start_seconds=_number(annotations.get(START_SECONDS)),
        grace=_grace(metadata),
        port=_port(spec),
        address=status.get("podIP"),
        containers=_containers(spec, status),
        load=_load(annotations),
    )


def _endpoint(status: JsonObject) -> Endpoint | None:
    addresses = {address["type"]: address["address"] for address in status.get("addresses") or []}
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    address = addresses.get("InternalIP")
    return Endpoint(intern(address), port) if address and port else None


def _containers(spec: JsonObject, status: JsonObject) -> tuple[ContainerRecord, ...]:
    held = {
        container["name"]: _held(container)
        for field in ("initContainerStatuses", "containerStatuses")
        for container in status.get(field) or []
    }
    return tuple(
        ContainerRecord(
            name=intern(container["name"]),
            image=intern(container.get("image") or ""),
            init=field == "initContainers",
            sidecar=field == "initContainers" and container.get("restartPolicy") == "Always",
            demands=_demands(container),
            held=held.get(container["name"], ()),
        )
        for field in ("initContainers", "containers")
        for container in spec.get(field) or []
    )


def _demands(container: JsonObject) -> tuple[tuple[str, int], ...]:
    resources = container.get("resources") or {}
    asked = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
    counted = ((intern(name), _count(amount)) for name, amount in sorted(asked.items()) if "/" in name)
    return tuple((name, count) for name, count in counted if count > 0)


def _held(container: JsonObject) -> Devices:
    return tuple(
        (intern(entry["name"]), tuple(device["resourceID"] for device in entry.get("resources") or []))
        for entry in container.get("allocatedResourcesStatus") or []
    )


def _begun(status: JsonObject) -> bool:
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    states = [container.get(field) or {} for container in containers for field in ("state", "lastState")]
    return any("running" in state or "terminated" in state for state in states)


def _grace(metadata: JsonObject) -> int | None:
    if "deletionTimestamp" not in metadata:
        return None
    return int(metadata.get("deletionGracePeriodSeconds", DEFAULT_GRACE))


def _port(spec: JsonObject) -> int | None:
    ports = [port for container in spec.get("containers") or [] for port in container.get("ports") or []]
    ports.sort(key=lambda port: port.get("name") != PORT_NAME)
    return int(ports[0]["containerPort"]) if ports else None


def _number(text: str | None) -> float | None:
    """Read a number of an annotation; one that is none counts as none, as it must not stop the pod."""
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < float("inf") else None


def _count(amount: Any) -> int:
    return min(int(parse_quantity(str(amount))), MOST_DEVICES)


def _offer(resource: str, count: int, labels: dict[str, str]) -> DeviceOffer:
    base = resource.removesuffix(".shared")
    memory = labels.get(f"{base}.memory", "")
    return DeviceOffer(
        resource,
        count,
        _replicas(labels, resource),
        product=intern(labels.get(f"{base}.product", "")),
        memory=int(memory) if memory.isascii() and memory.isdigit() else 0,
    )


def _load(annotations: dict[str, str]) -> GpuLoad:
    """Read what a pod's GPUs do; what cannot be counts as nothing, as it must not stop the pod."""
    utilisation = _number(annotations.get(GPU_UTILISATION)) or 0.0
    try:
        memory = quantity_bytes(annotations.get(GPU_MEMORY, "0"))
    except QuantityError:
        memory = 0
    return GpuLoad(min(utilisation, 100.0), max(memory, 0))


def _replicas(labels: dict[str, str], resource: str) -> int:
    """Read `nvidia.com/gpu.replicas` for `nvidia.com/gpu` and `nvidia.com/gpu.shared`."""
    text = labels.get(f"{resource.removesuffix('.shared')}.replicas", "1")
    return max(int(text), 1) if text.isascii() and text.isdigit() else 1
