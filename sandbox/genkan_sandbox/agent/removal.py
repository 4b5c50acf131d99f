"""The last word about a pod: its object is removed, or marked as failed when its processes are lost."""

import asyncio
import logging

from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.processes import KILLED
from genkan_sandbox.agent.records import PodRecord
from genkan_sandbox.agent.reports import StatusReport
from genkan_sandbox.agent.status import ContainerView, PodView, Terminated, now, status_patch
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ConflictError, KubernetesError, NotFoundError
from genkan_spawner.kinds import PODS

log = logging.getLogger(__name__)

_PAUSE_FIRST, _PAUSE_MOST = 0.2, 5.0


async def remove_pod(api: KubernetesApi, record: PodRecord) -> None:
    """Remove a pod's object after its processes have ended; a namesake is not touched."""
    pause = _PAUSE_FIRST
    while True:
        try:
            await api.delete(PODS, record.name, namespace=record.namespace, grace_seconds=0, uid=record.uid)
        except (NotFoundError, ConflictError):
            return
        except KubernetesError as e:
            log.info("Pod %s could not be removed: %s", record.name, e.message)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSE_MOST)
        else:
            return


def lost_patch(record: PodRecord, *, host_address: str) -> JsonObject:
    """Return the status of a pod whose processes ended with an earlier node agent."""
    end = Terminated(
        exit_code=KILLED,
        reason="ContainerStatusUnknown",
        started=None,
        finished=now(),
        message="The container's process ended with an earlier node agent.",
    )
    views = [
        ContainerView(name=one.name, image=one.image, identity="", state=end, devices=one.held)
        for one in record.containers
        if not one.init
    ]
    view = PodView(
        uid=record.uid,
        phase="Failed",
        started=now(),
        address=record.address,
        host_address=host_address,
        containers=views,
        reason="NodeAgentRestarted",
        message="The node agent was restarted, and the pod's processes ended with the one before.",
    )
    return status_patch(view, moment=now())


class LostPod:
    """A pod whose processes ended with an earlier agent: marked as failed, and removed when that is asked for."""

    def __init__(self, machine: Machine, record: PodRecord) -> None:
        self._machine = machine
        self._record = record
        self._report = StatusReport(machine.api, record, faults=machine.faults)
        self._over = asyncio.Event()
        self._deleted = record.grace is not None

    def update(self, record: PodRecord) -> None:
        """Take in a newer state of the object."""
        if record.grace is not None:
            self._deleted = True
            self._over.set()

    def vanish(self) -> None:
        """Stop: the object is gone."""
        self._deleted = False
        self._over.set()

    def leave(self, *, seconds: float) -> None:  # noqa: ARG002  # nothing runs that could take time
        """Stop: the agent ends."""
        self.vanish()

    async def run(self) -> None:
        """Write the status, and remove the object when it is to be deleted."""
        try:
            await asyncio.to_thread(self._machine.volumes.remove, self._record.uid)
        except OSError as e:
            # The pod must be deletable all the same; the next list of all pods has its directory removed.
            log.warning("The directory of pod %s could not be removed: %s", self._record.name, e)
        if self._deleted:
            return await remove_pod(self._machine.api, self._record)
        writer = asyncio.create_task(self._report.run())
        try:
            self._report.publish_patch(lost_patch(self._record, host_address=self._machine.endpoint.address))
            await self._over.wait()
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        if self._deleted:
            await remove_pod(self._machine.api, self._record)
        return None
