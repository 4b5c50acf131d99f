"""Writing one pod's status until the API server has it, however long that takes."""

import asyncio
import logging

from genkan_sandbox.agent.faults import FaultBoard
from genkan_sandbox.agent.records import PodRecord
from genkan_sandbox.agent.status import PodView, condition_times, now, status_patch
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import PODS

log = logging.getLogger(__name__)

_PAUSE_FIRST, _PAUSE_MOST = 0.2, 5.0


class StatusReport:
    """The status of one pod as the API server is to know it; only the latest counts."""

    def __init__(self, api: KubernetesApi, record: PodRecord, *, faults: FaultBoard) -> None:
        self._api = api
        self._record = record
        self._faults = faults
        self._wanted: JsonObject | None = None
        self._times: dict[str, tuple[str, str]] = {}
        self._news = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()

    def publish(self, view: PodView) -> None:
        """Have a status written soon."""
        patch = status_patch(view, moment=now(), previous=self._times)
        self._times = condition_times(patch)
        self.publish_patch(patch)

    def publish_patch(self, patch: JsonObject) -> None:
        """Have a status written soon that was built elsewhere."""
        self._wanted = patch
        self._written.clear()
        self._news.set()

    async def written(self, *, seconds: float | None = None) -> None:
        """Return when the API server has the latest status, or after so many seconds."""
        try:
            await asyncio.wait_for(self._written.wait(), seconds)
        except TimeoutError:
            log.debug("The last status of pod %s was not written in time.", self._record.name)

    async def run(self) -> None:
        """Write statuses until the pod is gone; a node that is made silent writes none meanwhile."""
        pause = _PAUSE_FIRST
        while True:
            await self._news.wait()
            while self._faults.silent(self._record.node):
                await self._faults.changed()
            self._news.clear()
            patch = self._wanted
            if patch is None:
                continue
            try:
                await self._api.patch(
                    PODS, self._record.name, patch, namespace=self._record.namespace, subresource="status"
                )
            except NotFoundError:
                self._written.set()
                return
            except KubernetesError as e:
                log.info("The status of pod %s could not be written: %s", self._record.name, e.message)
                self._news.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _PAUSE_MOST)
                continue
            pause = _PAUSE_FIRST
            if patch is self._wanted:
                self._written.set()
