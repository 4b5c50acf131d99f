"""Events about pods, in the kubelet's words.

They are posted one after another by a task of their own. An event that cannot be posted is dropped: it must never hold
up a pod.
"""

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from genkan_sandbox.agent.records import PodRecord
from genkan_sandbox.agent.status import now, timestamp
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import EVENTS

log = logging.getLogger(__name__)

_MOST_WAITING = 2000
_MOST_REMEMBERED = 1000
_PAUSE = 0.01


class Reason(StrEnum):
    """Reasons that the kubelet gives.

    kubernetes pkg/kubelet/events/event.go
    """

    BACK_OFF = "BackOff"
    CREATED = "Created"
    FAILED = "Failed"
    FAILED_MOUNT = "FailedMount"
    INSPECT_FAILED = "InspectFailed"
    KILLING = "Killing"
    PULLED = "Pulled"
    PULLING = "Pulling"
    STARTED = "Started"


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to a pod or to one of its containers."""

    pod: PodRecord
    reason: str
    message: str
    container: str = ""
    init: bool = False
    warning: bool = False

    @property
    def field_path(self) -> str | None:
        """The part of the pod that this is about."""
        if not self.container:
            return None
        return f"spec.{'initContainers' if self.init else 'containers'}{{{self.container}}}"


@dataclass(slots=True)
class _Posted:
    name: str
    count: int


class EventRecorder:
    """Takes events without waiting; `run` posts them."""

    def __init__(self, api: KubernetesApi, *, silent: Callable[[str], bool]) -> None:
        """Begin with nothing to post; `silent` says of a node whether its words reach nobody."""
        self._api = api
        self._silent = silent
        self._waiting: asyncio.Queue[Happening] = asyncio.Queue(_MOST_WAITING)
        self._posted: OrderedDict[tuple[str, str | None, str, str], _Posted] = OrderedDict()

    def record(self, happening: Happening) -> None:
        """Note an event for posting; when too many wait, it is dropped."""
        try:
            self._waiting.put_nowait(happening)
        except asyncio.QueueFull:
            log.debug("Dropped an event: %s", happening.message)

    async def run(self) -> None:
        """Post events for ever."""
        while True:
            happening = await self._waiting.get()
            if self._silent(happening.pod.node):
                continue
            try:
                await self._post(happening)
            except KubernetesError as e:
                log.debug("An event could not be posted: %s", e.message)
            await asyncio.sleep(_PAUSE)

    async def _post(self, happening: Happening) -> None:
        key = (happening.pod.uid, happening.field_path, happening.reason, happening.message)
        posted = self._posted.get(key)
        if posted is None:
            await self._create(happening, key)
            return
        posted.count += 1
        self._posted.move_to_end(key)
        patch = {"count": posted.count, "lastTimestamp": timestamp(now())}
        try:
            await self._api.patch(EVENTS, posted.name, patch, namespace=happening.pod.namespace)
        except KubernetesError:
            del self._posted[key]
            raise

    async def _create(self, happening: Happening, key: tuple[str, str | None, str, str]) -> None:
        name = f"{happening.pod.name}.{secrets.token_hex(8)}"
        namespace = happening.pod.namespace
        await self._api.create(
            EVENTS, event_manifest(happening, name=name, moment=timestamp(now())), namespace=namespace
        )
        self._posted[key] = _Posted(name, 1)
        if len(self._posted) > _MOST_REMEMBERED:
            self._posted.popitem(last=False)


def event_manifest(happening: Happening, *, name: str, moment: str) -> JsonObject:
    """Return an Event as the kubelet posts it."""
    pod = happening.pod
    involved: JsonObject = {
        "kind": "Pod",
        "apiVersion": "v1",
        "namespace": pod.namespace,
        "name": pod.name,
        "uid": pod.uid,
    }
    if happening.field_path is not None:
        involved["fieldPath"] = happening.field_path
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": pod.namespace},
        "involvedObject": involved,
        "reason": happening.reason,
        "message": happening.message[:1024],
        "type": "Warning" if happening.warning else "Normal",
        "source": {"component": "kubelet", "host": pod.node},
        "reportingComponent": "kubelet",
        "reportingInstance": pod.node,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
