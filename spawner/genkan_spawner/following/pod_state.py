"""A server's pod as its watch shows it, reduced to what a start and an end depend on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from genkan_spawner.api import JsonObject


def moment(text: object) -> datetime | None:
    """Read a timestamp of the API; None where there is none."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions in a pod's status.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
    """

    holds: bool
    reason: str
    message: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Termination:
    """How a container ended."""

    reason: str
    """The kubelet's word, such as OOMKilled or Error."""
    exit_code: int
    at: datetime | None
    message: str = ""
    """What it said at its end, where it says anything or the kubelet takes the end of its log for it."""


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container, init containers included."""

    name: str
    init: bool
    """Whether it runs before the server's own container."""
    running: bool
    ready: bool
    restarts: int
    waiting_reason: str = ""
    waiting_message: str = ""
    terminated: Termination | None = None
    last_terminated: Termination | None = None
    since: datetime | None = None
    """When it began to run, if it runs."""


@dataclass(frozen=True, slots=True)
class PodState:
    """A moment in the life of one pod; nothing of its environment, which holds the server's token."""

    uid: str
    namespace: str
    name: str
    created: datetime | None
    node: str | None
    ip: str | None
    phase: str
    reason: str
    message: str
    deleted: datetime | None
    """When it was asked to go; its containers may still be ending."""
    conditions: dict[str, Condition]
    containers: tuple[ContainerState, ...]
    nominated: bool = False
    """Whether the scheduler has chosen a machine for it and waits there for others to go, for as long as they take.

    https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#user-exposed-information
    """

    @classmethod
    def of(cls, pod: JsonObject) -> Self:
        """Read a pod of the API; what is missing or of another shape counts as not there yet."""
        metadata, status = pod.get("metadata") or {}, pod.get("status") or {}
        return cls(
            uid=metadata.get("uid") or "",
            namespace=metadata.get("namespace") or "",
            name=metadata.get("name") or "",
            created=moment(metadata.get("creationTimestamp")),
            node=(pod.get("spec") or {}).get("nodeName"),
            ip=status.get("podIP"),
            phase=status.get("phase") or "Pending",
            reason=status.get("reason") or "",
            message=status.get("message") or "",
            deleted=moment(metadata.get("deletionTimestamp")),
            conditions={row["type"]: _condition(row) for row in status.get("conditions") or () if "type" in row},
            containers=tuple(_containers(status)),
            nominated=bool(status.get("nominatedNodeName")),
        )

    @property
    def running(self) -> bool:
        """Whether its server can be asked: what KubeSpawner waits for."""
        servers = [container for container in self.containers if not container.init]
        return (
            self.phase == "Running"
            and self.deleted is None
            and bool(self.ip)
            and bool(servers)
            and all(container.ready for container in servers)
        )

    @property
    def placed(self) -> bool:
        """Whether a machine was found for it."""
        return self.node is not None

    @property
    def unschedulable(self) -> Condition | None:
        """The scheduler's finding that there is no place for it now, if that is so."""
        found = self.conditions.get("PodScheduled")
        return found if found is not None and not found.holds and found.reason == "Unschedulable" else None

    @property
    def disruption(self) -> Condition | None:
        """Why the cluster itself ends the pod, if it does."""
        found = self.conditions.get("DisruptionTarget")
        return found if found is not None and found.holds else None


def _condition(row: JsonObject) -> Condition:
    return Condition(
        holds=row.get("status") == "True",
        reason=row.get("reason") or "",
        message=row.get("message") or "",
        since=moment(row.get("lastTransitionTime")),
    )


def _containers(status: JsonObject) -> Iterator[ContainerState]:
    for group in ("initContainerStatuses", "containerStatuses"):
        for row in status.get(group) or ():
            state = row.get("state") or {}
            waiting = state.get("waiting") or {}
            yield ContainerState(
                name=row.get("name") or "",
                init=group == "initContainerStatuses",
                running="running" in state,
                ready=bool(row.get("ready")),
                restarts=int(row.get("restartCount") or 0),
                waiting_reason=waiting.get("reason") or "",
                waiting_message=waiting.get("message") or "",
                terminated=_termination(state.get("terminated")),
                last_terminated=_termination((row.get("lastState") or {}).get("terminated")),
                since=moment((state.get("running") or {}).get("startedAt")),
            )


def _termination(found: JsonObject | None) -> Termination | None:
    if not found:
        return None
    exit_code = found.get("exitCode")
    return Termination(
        reason=found.get("reason") or "",
        exit_code=exit_code if isinstance(exit_code, int) else 1,
        at=moment(found.get("finishedAt")),
        message=found.get("message") or "",
    )
