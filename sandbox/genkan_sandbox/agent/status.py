"""Pod statuses as the kubelet writes them, built from what the agent knows.

kubernetes pkg/kubelet/status/generate.go and pkg/kubelet/kubelet_pods.go
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from genkan_sandbox.agent.records import Devices
from genkan_spawner.api import JsonObject

COMPLETED, ERROR = "Completed", "Error"
"""Reasons of containers that ended by themselves."""

OUT_OF_MEMORY = "OOMKilled"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that has not started, or not again."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """A container whose process runs."""

    started: datetime


@dataclass(frozen=True, slots=True)
class Terminated:
    """A container whose process ended."""

    exit_code: int
    reason: str
    started: datetime | None
    finished: datetime
    message: str = ""
    identity: str = ""
    """The id of the container that ended; a restart makes another one."""


ContainerState = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container at one moment."""

    name: str
    image: str
    identity: str
    """The container's id without a scheme; empty before its first start."""
    state: ContainerState
    last: Terminated | None = None
    restarts: int = 0
    devices: Devices = ()
    sidecar: bool = False

    @property
    def initialized(self) -> bool:
        """Whether the containers after this init container may start."""
        if self.sidecar:
            return isinstance(self.state, Running)
        return isinstance(self.state, Terminated) and self.state.exit_code == 0


@dataclass(frozen=True, slots=True)
class PodView:
    """One pod at one moment, as its status is to say."""

    uid: str
    phase: str
    started: datetime
    address: str | None
    host_address: str
    containers: Sequence[ContainerView] = ()
    init_containers: Sequence[ContainerView] = ()
    reason: str = ""
    message: str = ""
    ready_to_start: bool = True


def now() -> datetime:
    """Return the time in the precision that the API keeps."""
    return datetime.now(tz=UTC).replace(microsecond=0)


def timestamp(moment: datetime) -> str:
    """Write a time as the API does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def status_patch(
    view: PodView, *, moment: datetime, previous: Mapping[str, tuple[str, str]] | None = None
) -> JsonObject:
    """Return the patch of a pod's status; the uid in it keeps a namesake safe.

    `previous` holds status and transition time of each condition as last written, so that a time changes with its
    condition only.
    """
    status: JsonObject = {
        "phase": view.phase,
        "conditions": _conditions(view, moment=timestamp(moment), previous=previous or {}),
        "hostIP": view.host_address,
        "hostIPs": [{"ip": view.host_address}],
        "startTime": timestamp(view.started),
        "containerStatuses": [container_status(container) for container in view.containers],
        "reason": view.reason or None,
        "message": view.message or None,
    }
    if view.address:
        status |= {"podIP": view.address, "podIPs": [{"ip": view.address}]}
    if view.init_containers:
        status["initContainerStatuses"] = [container_status(one, init=True) for one in view.init_containers]
    return {"metadata": {"uid": view.uid}, "status": status}


def rejection_patch(uid: str, *, reason: str, message: str, moment: datetime) -> JsonObject:
    """Return the status of a pod that a node does not take, as after the kubelet's admission.

    kubernetes pkg/kubelet/kubelet.go, rejectPod
    """
    return {
        "metadata": {"uid": uid},
        "status": {
            "phase": "Failed",
            "reason": reason,
            "message": f"Pod was rejected: {message}",
            "startTime": timestamp(moment),
        },
    }


def container_status(view: ContainerView, *, init: bool = False) -> JsonObject:
    """Return the status of one container."""
    running = isinstance(view.state, Running)
    ready = running or (init and isinstance(view.state, Terminated) and view.state.exit_code == 0)
    status: JsonObject = {
        "name": view.name,
        "image": view.image,
        "imageID": view.image if view.identity else "",
        "state": _state(view.state),
        "lastState": _state(view.last) if view.last else {},
        "ready": ready,
        "started": running,
        "restartCount": view.restarts,
    }
    if view.identity:
        status["containerID"] = _container_id(view.identity)
    if view.devices:
        status["allocatedResourcesStatus"] = [
            {"name": resource, "resources": [{"resourceID": name, "health": "Healthy"} for name in names]}
            for resource, names in view.devices
        ]
    return status


def _container_id(identity: str) -> str:
    return f"genkan://{identity}"


def _state(state: ContainerState) -> JsonObject:
    match state:
        case Waiting():
            return {"waiting": _without_nothing({"reason": state.reason, "message": state.message})}
        case Running():
            return {"running": {"startedAt": timestamp(state.started)}}
        case Terminated():
            told = {
                "exitCode": state.exit_code,
                "reason": state.reason,
                "message": state.message,
                "startedAt": timestamp(state.started) if state.started else "1970-01-01T00:00:00Z",
                "finishedAt": timestamp(state.finished),
                "containerID": _container_id(state.identity) if state.identity else "",
            }
            return {"terminated": _without_nothing(told)}


@dataclass(frozen=True, slots=True)
class _Condition:
    holds: bool
    reason: str = ""
    message: str = ""


def _conditions(view: PodView, *, moment: str, previous: Mapping[str, tuple[str, str]]) -> list[JsonObject]:
    initialized, ready = _initialized(view), _ready(view)
    conditions = {
        "PodReadyToStartContainers": _Condition(view.ready_to_start and view.phase in {"Pending", "Running"}),
        "Initialized": initialized,
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": _Condition(holds=True),
    }
    found: list[JsonObject] = []
    for name, condition in conditions.items():
        status = "True" if condition.holds else "False"
        before, since = previous.get(name, ("", moment))
        found.append(
            {
                "type": name,
                "status": status,
                "reason": condition.reason or None,
                "message": condition.message or None,
                "lastProbeTime": None,
                "lastTransitionTime": since if before == status else moment,
            }
        )
    return found


def condition_times(patch: JsonObject) -> dict[str, tuple[str, str]]:
    """Return status and transition time of each condition of a written patch, for the next one."""
    conditions = patch["status"].get("conditions", [])
    return {condition["type"]: (condition["status"], condition["lastTransitionTime"]) for condition in conditions}


def _initialized(view: PodView) -> _Condition:
    if view.phase == "Succeeded":
        return _Condition(holds=True, reason="PodCompleted")
    begun = any(not isinstance(container.state, Waiting) or container.last for container in view.containers)
    incomplete = [container.name for container in view.init_containers if not container.initialized]
    if incomplete and not begun:
        names = " ".join(incomplete)
        return _Condition(
            holds=False, reason="ContainersNotInitialized", message=f"containers with incomplete status: [{names}]"
        )
    return _Condition(holds=True)


def _ready(view: PodView) -> _Condition:
    if view.phase == "Succeeded":
        return _Condition(holds=False, reason="PodCompleted")
    if view.phase == "Failed":
        return _Condition(holds=False, reason="PodFailed")
    unready = " ".join(container.name for container in view.containers if not isinstance(container.state, Running))
    if unready:
        message = f"containers with unready status: [{unready}]"
        return _Condition(holds=False, reason="ContainersNotReady", message=message)
    return _Condition(holds=True)


def _without_nothing(values: JsonObject) -> JsonObject:
    return {name: value for name, value in values.items() if value != ""}
