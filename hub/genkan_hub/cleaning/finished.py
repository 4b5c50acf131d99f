"""Pods that ended some time ago: found, and taken away one by one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ConflictError, KubernetesError, NotFoundError
from genkan_spawner.kinds import PODS

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class FinishedPod:
    """One pod that has ended."""

    namespace: str
    name: str
    uid: str
    since: datetime

    @classmethod
    def of(cls, pod: JsonObject) -> "FinishedPod | None":
        """Return the pod if it has ended and nobody looks after it: what a Job or another controller made is theirs."""
        metadata, status = pod["metadata"], pod["status"]
        kept = metadata.get("ownerReferences") or metadata.get("deletionTimestamp")
        if status.get("phase") not in _ENDED or kept:
            return None
        return cls(metadata["namespace"], metadata["name"], metadata["uid"], max(_times(pod)))


def _times(pod: JsonObject) -> Iterator[datetime]:
    """Yield what is known of when it ended; a pod that was evicted may never have run."""
    yield _time(pod["metadata"]["creationTimestamp"])
    if started := pod["status"].get("startTime"):
        yield _time(started)
    for status in pod["status"].get("containerStatuses") or ():
        if ended := _finished(status):
            yield _time(ended)


def _finished(status: Any) -> str | None:
    ended: str | None = ((status.get("state") or {}).get("terminated") or {}).get("finishedAt")
    return ended


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def finished_pods(api: KubernetesApi, namespaces: Iterable[str], *, ago: float) -> list[FinishedPod]:
    """Return the pods of these namespaces that ended so many seconds ago or more, the oldest first.

    Raises KubernetesError where a namespace cannot be read.
    """
    until = datetime.now(tz=UTC) - timedelta(seconds=ago)
    found = [
        finished
        for namespace in dict.fromkeys(namespaces)
        for phase in _ENDED
        for pod in await api.list(PODS, namespace=namespace, field_selector=f"status.phase={phase}")
        if (finished := FinishedPod.of(pod)) is not None and finished.since <= until
    ]
    return sorted(found, key=lambda pod: pod.since)


async def remove(api: KubernetesApi, pod: FinishedPod) -> str:
    """Take a pod away, and no namesake that came later; return why that was not possible, or nothing."""
    try:
        await api.delete(PODS, pod.name, namespace=pod.namespace, uid=pod.uid)
    except (NotFoundError, ConflictError):
        return ""
    except KubernetesError as e:
        return e.message
    return ""
