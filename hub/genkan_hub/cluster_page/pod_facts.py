"""What the page shows of a pod beside what the checks look at: whose it is, since when, and which devices it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.wording import is_device
from genkan_spawner.cluster.projection import FINISHED
from genkan_spawner.following.pod_state import moment
from genkan_spawner.marks import SERVER_NAME, USER_NAME
from genkan_spawner.watching import ChangeType

Devices: TypeAlias = Mapping[str, tuple[str, ...]]
"""The names of devices by their resource, as the kubelet's device plug-ins have them."""

MOST_DEVICES = 1024
"""Of one resource that are read from one pod; a status that names more is not true."""

NO_DEVICES: Devices = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PodFacts:
    """Of one pod."""

    user: str | None
    """Whose server it says it is; anybody who may create pods can write this."""
    server: str
    """The name of that server, empty for the default one."""
    started: datetime | None
    """When its machine took it on, and gave it its devices."""
    devices: Devices
    """Those that its containers hold, as far as the kubelet tells.

    https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/#device-plugin-and-unhealthy-devices
    """

    @classmethod
    def of(cls, pod: JsonObject) -> "PodFacts | None":
        """Read a pod of the API; None for one of which there is nothing to show."""
        metadata, status = pod.get("metadata") or {}, pod.get("status") or {}
        if status.get("phase") in FINISHED:
            return None
        annotations = metadata.get("annotations") or {}
        user, devices = annotations.get(USER_NAME), _held(status)
        if user is None and not devices and not _asks_for_devices(pod.get("spec") or {}):
            return None
        return cls(
            user=str(user) if user else None,
            server=str(annotations.get(SERVER_NAME) or ""),
            started=moment(status.get("startTime")),
            devices=devices,
        )


class PodFactsBook:
    """The facts of all pods that are there, by uid; fed by the watch that the view of the cluster has."""

    def __init__(self) -> None:
        self._facts: dict[str, PodFacts] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def get(self, uid: str) -> PodFacts | None:
        """Return what is known of a pod."""
        return self._facts.get(uid)

    def pod_seen(self, change: ChangeType, pod: JsonObject) -> None:
        """Take in a pod as the watch shows it; of one that went unseen there is only the metadata."""
        uid = str((pod.get("metadata") or {}).get("uid") or "")
        facts = None if change is ChangeType.DELETED else _facts(pod)
        if facts is None:
            self._facts.pop(uid, None)
        else:
            self._facts[uid] = facts


def _facts(pod: JsonObject) -> PodFacts | None:
    """Read a pod; one that is not as expected is shown without its facts and not at the cost of all others."""
    try:
        return PodFacts.of(pod)
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def _held(status: JsonObject) -> Devices:
    """Return the devices of all containers; an init container's are those of the containers after it."""
    held: dict[str, dict[str, None]] = {}
    for part in ("containerStatuses", "initContainerStatuses"):
        for container in status.get(part) or ():
            for entry in container.get("allocatedResourcesStatus") or ():
                names = held.setdefault(str(entry["name"]), {})
                names.update(dict.fromkeys(_names(entry)))
    if not held:
        return NO_DEVICES
    return MappingProxyType({resource: tuple(names)[:MOST_DEVICES] for resource, names in sorted(held.items())})


def _names(entry: Mapping[str, Any]) -> list[str]:
    return [str(device["resourceID"]) for device in (entry.get("resources") or ())[:MOST_DEVICES]]


def _asks_for_devices(spec: JsonObject) -> bool:
    return any(
        is_device(resource)
        for container in spec.get("containers") or ()
        for amounts in (container.get("resources") or {}).values()
        for resource in (amounts if isinstance(amounts, dict) else ())
    )
