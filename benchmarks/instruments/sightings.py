"""When the pods of users appear and run, as a watch of our own sees them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import PODS
from genkan_spawner.watching import Changed, ChangeType, Listed, Watch

USER = "hub.jupyter.org/username"
TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105  # the variable's name


@dataclass(slots=True)
class Sighting:
    """One user's pod; moments are on the monotonic clock."""

    created: float
    running: float | None = None
    phase: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class _Pod:
    user: str
    phase: str
    ready: bool
    tokens: tuple[str, ...]


class Sightings:
    """The latest pod of each user in one namespace."""

    def __init__(self) -> None:
        self.pods: dict[str, Sighting] = {}
        self.tokens: set[str] = set()
        """Those that pods were given, to be looked for where they must not be."""

        self._listed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def following(cls, api: KubernetesApi, *, namespace: str) -> AsyncIterator["Sightings"]:
        """Follow a namespace for as long as the block runs; what is there before counts as seen now."""
        sightings = cls()
        following = asyncio.create_task(sightings._follow(api, namespace))
        try:
            await sightings._listed.wait()
            yield sightings
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    def left(self) -> list[Sighting]:
        """Return the pods that are there now."""
        return [sighting for sighting in self.pods.values() if not sighting.gone]

    async def _follow(self, api: KubernetesApi, namespace: str) -> None:
        async for event in Watch(api, PODS, project=_project, namespace=namespace).events():
            match event:
                case Listed(items=items):
                    for pod in items:
                        self._see(pod)
                    self._listed.set()
                case Changed(type=ChangeType.DELETED, item=pod):
                    if pod.user in self.pods:
                        self.pods[pod.user].gone = True
                case Changed(item=pod):
                    self._see(pod)

    def _see(self, pod: _Pod) -> None:
        if not pod.user:
            return
        seen = self.pods.get(pod.user)
        if seen is None or seen.gone:
            seen = self.pods[pod.user] = Sighting(created=time.monotonic())
        seen.phase = pod.phase
        if pod.ready and seen.running is None:
            seen.running = time.monotonic()
        self.tokens.update(pod.tokens)


def _project(pod: JsonObject) -> _Pod:
    status = pod.get("status") or {}
    conditions = {row["type"]: row["status"] for row in status.get("conditions") or []}
    variables = [row for container in pod["spec"]["containers"] for row in container.get("env") or []]
    return _Pod(
        user=(pod["metadata"].get("annotations") or {}).get(USER, ""),
        phase=status.get("phase", ""),
        ready=conditions.get("Ready") == "True",
        tokens=tuple(row["value"] for row in variables if row["name"] == TOKEN and "value" in row),
    )
