"""Pods as the API shows them, with what a row of a test changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from genkan_spawner.api import JsonObject
from genkan_spawner.following.happenings import Happening
from genkan_spawner.following.pod_state import PodState

BEGAN = datetime(2026, 9, 1, 14, 2, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def raw_pod(**status: Any) -> JsonObject:
    metadata = {"uid": "u1", "namespace": "vision", "name": "jupyter-alice", "creationTimestamp": text(BEGAN)}
    deleted = status.pop("deleted", None)
    if deleted:
        metadata["deletionTimestamp"] = text(deleted)
    secret = {"name": "JUPYTERHUB_API_TOKEN", "value": "secret"}
    spec = {"nodeName": status.pop("node", None), "containers": [{"name": "notebook", "env": [secret]}]}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Pending", **status}}


def pod(**status: Any) -> PodState:
    return PodState.of(raw_pod(**status))


def unschedulable(message: str = "0/5 nodes are available: 5 Insufficient nvidia.com/gpu.") -> JsonObject:
    return {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
        "lastTransitionTime": text(BEGAN),
    }


def container(state: JsonObject, **fields: Any) -> JsonObject:
    return {"name": "notebook", "ready": False, "restartCount": 0, "state": state, **fields}


def waiting(reason: str, message: str = "") -> JsonObject:
    return container({"waiting": {"reason": reason, "message": message}})


def terminated(reason: str, exit_code: int) -> JsonObject:
    return {"terminated": {"reason": reason, "exitCode": exit_code, "finishedAt": text(at(5))}}


def running_pod() -> PodState:
    return pod(
        node="a-0",
        phase="Running",
        podIP="127.1.2.3",
        containerStatuses=[container({"running": {}}, ready=True)],
    )


def happening(reason: str, message: str = "") -> Happening:
    return Happening(
        uid="e1", pod_uid="u1", reason=reason, message=message, warning=True, first=BEGAN, last=BEGAN, count=1
    )
