"""Kubernetes events about one pod, reduced to what users and early ends need.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from genkan_spawner.api import JsonObject

from .pod_state import moment


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that Kubernetes reported about a pod."""

    uid: str
    pod_uid: str
    reason: str
    message: str
    warning: bool
    first: datetime | None
    last: datetime | None
    count: int

    @classmethod
    def of(cls, event: JsonObject) -> Self:
        """Read an event of the API, in its old form with timestamps or its new one with a series."""
        series = event.get("series") or {}
        last = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
        return cls(
            uid=event["metadata"]["uid"],
            pod_uid=(event.get("involvedObject") or {}).get("uid") or "",
            reason=event.get("reason") or "",
            message=event.get("message") or "",
            warning=event.get("type") == "Warning",
            first=moment(event.get("firstTimestamp") or event.get("eventTime")),
            last=moment(last),
            count=int(series.get("count") or event.get("count") or 1),
        )
