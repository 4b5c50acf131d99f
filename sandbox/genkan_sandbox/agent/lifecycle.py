"""One pod that runs processes, from its binding to a node to its removal."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import IntEnum

from genkan_sandbox.agent.backoff import MOUNT_FIRST, MOUNT_MOST, Backoff
from genkan_sandbox.agent.containers import ContainerRun
from genkan_sandbox.agent.devices import InsufficientDevicesError
from genkan_sandbox.agent.events import Happening, Reason
from genkan_sandbox.agent.fields import Place
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.mounts import MountedVolume
from genkan_sandbox.agent.persistent import MountError
from genkan_sandbox.agent.phases import RestartPolicy, phase
from genkan_sandbox.agent.preparation import PodContext
from genkan_sandbox.agent.records import DEFAULT_GRACE, Devices, NodeRecord, PodRecord
from genkan_sandbox.agent.removal import remove_pod
from genkan_sandbox.agent.reports import StatusReport
from genkan_sandbox.agent.status import ContainerView, PodView, now, rejection_patch
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import PODS

log = logging.getLogger(__name__)

_LAST_STATUS_SECONDS = 2.0
_READ_PAUSE = 1.0
_DEVICE_SECONDS, _DEVICE_PAUSE = 2.0, 0.1


class _Order(IntEnum):
    """What is to become of a pod; a later one outranks an earlier one."""

    RUN = 0
    DELETE = 1
    LEAVE = 2
    """End the processes and write nothing: the agent itself ends."""
    VANISH = 3
    """End the processes at once: the object is gone."""


class PodRun:
    """The task of one pod; `run` returns when nothing of the pod is left here."""

    def __init__(self, machine: Machine, record: PodRecord, node: NodeRecord) -> None:
        self.record = record
        self._machine = machine
        self._node = node
        self._started = now()
        self._report = StatusReport(machine.api, record, faults=machine.faults)
        self._containers: tuple[ContainerRun, ...] = ()
        self._context: PodContext | None = None
        self._address: str | None = None
        self._policy = RestartPolicy.ALWAYS
        self._order = _Order.RUN
        self._ordered = asyncio.Event()
        self._killed = asyncio.Event()
        self._kill_timer: asyncio.TimerHandle | None = None
        self._over = False

    def update(self, record: PodRecord) -> None:
        """Take in a newer state of the object: its deletion, or a status that another has changed."""
        lost_ready = record.phase == "Running" and self.record.ready and not record.ready
        self.record = record
        if record.grace is not None:
            self._give(_Order.DELETE, seconds=record.grace)
        elif lost_ready and self._view().phase == "Running":
            self._publish()

    def vanish(self) -> None:
        """Kill the pod at once: its object is gone."""
        self._give(_Order.VANISH, seconds=0)

    def leave(self, *, seconds: float) -> None:
        """End the pod's processes as the agent ends; its object stays."""
        self._give(_Order.LEAVE, seconds=seconds)

    def view(self, container: str) -> ContainerView | None:
        """Return one container as it is now; None before the node has admitted the pod."""
        return next((one.view for one in self._containers if one.record.name == container), None)

    async def run(self) -> None:
        """Run the pod until its object is removed or the agent ends."""
        writer = asyncio.create_task(self._report.run())
        work = asyncio.create_task(self._work())
        order = asyncio.create_task(self._ordered.wait())
        try:
            await asyncio.wait([work, order], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await self._settle(work)
                await order
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._end()
        finally:
            self._killed.set()
            for task in (writer, work, order):
                task.cancel()
            await asyncio.gather(writer, work, order, return_exceptions=True)
            await self._release()

    def _give(self, order: _Order, *, seconds: float) -> None:
        self._order = max(self._order, order)
        self._ordered.set()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        if self._kill_timer is None or end < self._kill_timer.when():
            if self._kill_timer is not None:
                self._kill_timer.cancel()
            self._kill_timer = loop.call_later(seconds, self._killed.set)
        if seconds <= 0:
            self._killed.set()

    async def _work(self) -> None:
        """Bring the pod up and follow it until its containers have ended for good."""
        raw = await self._read()
        try:
            devices = await self._allocate()
        except InsufficientDevicesError as e:
            self._tell(e.reason, str(e), warning=True)
            patch = rejection_patch(self.record.uid, reason=e.reason, message=str(e), moment=now())
            self._report.publish_patch(patch)
            return
        self._address = self._machine.addresses.hold(self.record.uid)
        self._policy = RestartPolicy(raw["spec"].get("restartPolicy") or "Always")
        self._containers = self._made(raw)
        self._publish()
        place = Place(self._node, self._address, self._machine.endpoint.address)
        mounted = await self._mount(raw, place)
        context = self._context = PodContext(self.record, raw, place, mounted, devices)
        async with asyncio.TaskGroup() as group:
            await self._run_containers(context, group)
        await self._end_sidecars()

    async def _run_containers(self, context: PodContext, group: asyncio.TaskGroup) -> None:
        """Run the init containers one after another and then all others; sidecars stay beside them."""
        sidecars: list[asyncio.Task[int]] = []
        for container in self._of(init=True):
            if container.record.sidecar:
                sidecars.append(group.create_task(container.run(context, policy=RestartPolicy.ALWAYS)))
                await container.running.wait()
            elif await container.run(context, policy=self._policy.for_init) != 0:
                break
        else:
            mains = [group.create_task(one.run(context, policy=self._policy)) for one in self._of(init=False)]
            await asyncio.wait(mains)
        for sidecar in sidecars:
            sidecar.cancel()
        self._publish()

    async def _end_sidecars(self) -> None:
        killed = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(DEFAULT_GRACE, killed.set)
        await asyncio.gather(*(one.end(self._context, killed=killed) for one in self._of(init=True)))
        timer.cancel()

    async def _allocate(self) -> dict[str, Devices]:
        """Take the pod's devices, and wait a little where their last pod is still being killed."""
        ledger, end = self._machine.ledger(self._node), time.monotonic() + _DEVICE_SECONDS
        while True:
            try:
                return ledger.allocate(self.record.uid, self.record.containers)
            except InsufficientDevicesError as e:
                if e.impossible or time.monotonic() > end:
                    raise
            await asyncio.sleep(_DEVICE_PAUSE)

    async def _read(self) -> JsonObject:
        """Read the whole object, of which only a record is kept until now."""
        while True:
            try:
                raw = await self._machine.api.get(PODS, self.record.name, namespace=self.record.namespace)
            except NotFoundError:
                await asyncio.Event().wait()
            except KubernetesError as e:
                log.info("Pod %s could not be read: %s", self.record.name, e.message)
                await asyncio.sleep(_READ_PAUSE)
            else:
                if raw["metadata"]["uid"] == self.record.uid:
                    return raw
                # A namesake took its place; the watch will say that this one is gone.
                await asyncio.Event().wait()

    def _made(self, raw: JsonObject) -> tuple[ContainerRun, ...]:
        spec = raw["spec"]
        raws = [*(spec.get("initContainers") or []), *spec["containers"]]
        reason = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        return tuple(
            ContainerRun(self._machine, record, container, first_reason=reason, changed=self._publish)
            for record, container in zip(self.record.containers, raws, strict=True)
        )

    async def _mount(self, raw: JsonObject, place: Place) -> Mapping[str, MountedVolume]:
        """Mount the pod's volumes, again and again until all of them are there."""
        faults, backoff = self._machine.faults, Backoff(MOUNT_FIRST, MOUNT_MOST)
        while True:
            try:
                self._meet_mount_faults(raw)
                return await self._machine.volumes.mount_all(raw, place=place)
            except MountError as e:
                self._tell(Reason.FAILED_MOUNT, str(e), warning=True)
            await faults.changed(seconds=backoff.delay())

    def _meet_mount_faults(self, raw: JsonObject) -> None:
        for volume in raw["spec"].get("volumes") or []:
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            fault = self._machine.faults.mount_fault(self.record, volume["name"], claim)
            if fault is not None:
                raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {fault.message}')

    async def _settle(self, work: asyncio.Task[None]) -> None:
        """Give back what an ended pod held, and report an agent's own failure as the pod's."""
        failure = work.exception()
        if failure is not None:
            log.error("The task of pod %s failed.", self.record.name, exc_info=failure)
            self._killed.set()
            await self._end_containers()
            view = replace(self._view(), phase="Failed", reason="NodeAgentError", message="The node agent failed.")
            self._report.publish(view)
        self._over = True
        await self._release()

    async def _end(self) -> None:
        await self._end_containers()
        if self._order is _Order.DELETE:
            if self._containers and not self._over:
                self._publish()
                await self._report.written(seconds=_LAST_STATUS_SECONDS)
            # The scheduler gives the devices to another pod as soon as the object is gone.
            await self._release()
            removal = asyncio.create_task(self._remove())
            killed = asyncio.create_task(self._until(_Order.LEAVE))
            await asyncio.wait([removal, killed], return_when=asyncio.FIRST_COMPLETED)
            for task in (removal, killed):
                task.cancel()
            await asyncio.gather(removal, killed, return_exceptions=True)

    async def _remove(self) -> None:
        while self._machine.faults.silent(self.record.node):
            await self._machine.faults.changed()
        await remove_pod(self._machine.api, self.record)

    async def _until(self, order: _Order) -> None:
        while self._order < order:
            self._ordered.clear()
            await self._ordered.wait()

    async def _end_containers(self) -> None:
        await asyncio.gather(*(one.end(self._context, killed=self._killed) for one in self._containers))

    async def _release(self) -> None:
        self._machine.ledger(self._node).release(self.record.uid)
        self._machine.addresses.release(self.record.uid)
        if self._order is not _Order.LEAVE:
            await asyncio.to_thread(self._machine.volumes.remove, self.record.uid)

    def _of(self, *, init: bool) -> Sequence[ContainerRun]:
        return [container for container in self._containers if container.record.init == init]

    def _view(self) -> PodView:
        containers = [container.view for container in self._of(init=False)]
        init_containers = [container.view for container in self._of(init=True)]
        policy = RestartPolicy.NEVER if self._order is not _Order.RUN else self._policy
        return PodView(
            uid=self.record.uid,
            phase=phase(policy, containers, init_containers),
            started=self._started,
            address=self._address,
            host_address=self._machine.endpoint.address,
            containers=containers,
            init_containers=init_containers,
            ready_to_start=self._context is not None,
        )

    def _publish(self) -> None:
        if not self._over:
            self._report.publish(self._view())

    def _tell(self, reason: str, message: str, *, warning: bool = False) -> None:
        self._machine.events.record(Happening(self.record, reason, message, warning=warning))
