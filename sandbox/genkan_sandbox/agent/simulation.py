"""Pods that turn Running without a process, thousands of them: one record and one status write per pod."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from genkan_sandbox.agent.devices import InsufficientDevicesError
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.records import Devices, NodeRecord, PodRecord
from genkan_sandbox.agent.responder import Responder
from genkan_sandbox.agent.status import ContainerView, PodView, Running, now, rejection_patch, status_patch
from genkan_sandbox.exceptions import AddressError
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import ConflictError, KubernetesError, NotFoundError
from genkan_spawner.kinds import PODS

log = logging.getLogger(__name__)

WRITERS = 16
"""Requests under way at once; more would only queue up in the API server."""

OUT_OF_ADDRESSES = "OutOfAddresses"
"""Why a pod is rejected for which the sandbox has no address left."""

_RETRY_SECONDS = 1.0


class _Stage(Enum):
    STARTING = auto()
    RUNNING = auto()
    REJECTED = auto()
    REMOVED = auto()


@dataclass(slots=True)
class _Simulated:
    record: PodRecord
    node: NodeRecord
    stage: _Stage
    address: str = ""
    started: datetime | None = None
    devices: Mapping[str, Devices] | None = None
    rejection: JsonObject | None = None


class SimulatedPods:
    """All simulated pods; `run` writes their statuses for ever."""

    def __init__(self, machine: Machine) -> None:
        """Begin with no pods."""
        self._machine = machine
        self._responder = Responder()
        self._pods: dict[str, _Simulated] = {}
        self._due: asyncio.Queue[str] = asyncio.Queue()

    def __contains__(self, uid: str) -> bool:
        return uid in self._pods

    def __len__(self) -> int:
        return len(self._pods)

    def take(self, record: PodRecord, node: NodeRecord) -> None:
        """Take a pod on: a new one, or one that ran before the agent was started again."""
        pod = self._pods[record.uid] = _Simulated(record, node, _Stage.STARTING)
        ledger = self._machine.ledger(node)
        if record.ended or record.grace is not None:
            self.update(record)
            return
        try:
            pod.address = self._machine.addresses.hold(record.uid, address=record.address)
        except AddressError as e:
            self._reject(pod, reason=OUT_OF_ADDRESSES, message=str(e))
            return
        if record.phase == "Running":
            pod.devices = ledger.restore(record.uid, record.containers)
            pod.stage = _Stage.RUNNING
            self._due.put_nowait(record.uid)
            return
        try:
            pod.devices = ledger.allocate(record.uid, record.containers)
        except InsufficientDevicesError as e:
            self._reject(pod, reason=e.reason, message=str(e))
            return
        if record.start_seconds:
            asyncio.get_running_loop().call_later(record.start_seconds, self._due.put_nowait, record.uid)
        else:
            self._due.put_nowait(record.uid)

    def update(self, record: PodRecord) -> None:
        """Take in a newer state of a pod's object."""
        pod = self._pods[record.uid]
        lost_ready = pod.record.ready and not record.ready
        pod.record = record
        if record.grace is not None:
            if pod.stage is not _Stage.REMOVED:
                pod.stage = _Stage.REMOVED
                self._release(pod)
                self._due.put_nowait(record.uid)
        elif record.ended:
            self._release(pod)
        elif lost_ready and pod.stage is _Stage.RUNNING:
            self._due.put_nowait(record.uid)

    def vanish(self, uid: str) -> None:
        """Forget a pod whose object is gone."""
        pod = self._pods.pop(uid, None)
        if pod is not None:
            self._release(pod)

    async def run(self) -> None:
        """Write what is due, several pods at once, for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(self._write_for_ever())

    async def close(self) -> None:
        """Stop answering for all pods."""
        await self._responder.close()

    def _reject(self, pod: _Simulated, *, reason: str, message: str) -> None:
        pod.stage = _Stage.REJECTED
        pod.rejection = rejection_patch(pod.record.uid, reason=reason, message=message, moment=now())
        self._release(pod)
        self._due.put_nowait(pod.record.uid)

    def _release(self, pod: _Simulated) -> None:
        if pod.address:
            self._responder.silence(pod.address)
        self._machine.addresses.release(pod.record.uid)
        self._machine.ledger(pod.node).release(pod.record.uid)

    async def _write_for_ever(self) -> None:
        while True:
            uid = await self._due.get()
            pod = self._pods.get(uid)
            if pod is None:
                continue
            if self._machine.faults.silent(pod.record.node):
                self._later(uid)
                continue
            try:
                await self._write(pod)
            except (NotFoundError, ConflictError):
                log.debug("Pod %s is gone.", pod.record.name)
            except KubernetesError as e:
                log.debug("Simulated pod %s: %s", pod.record.name, e.message)
                self._later(uid)

    def _later(self, uid: str) -> None:
        asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._due.put_nowait, uid)

    async def _write(self, pod: _Simulated) -> None:
        api, record = self._machine.api, pod.record
        match pod.stage:
            case _Stage.REMOVED:
                await api.delete(PODS, record.name, namespace=record.namespace, grace_seconds=0, uid=record.uid)
                return
            case _Stage.REJECTED:
                patch = pod.rejection
            case _Stage.STARTING | _Stage.RUNNING:
                pod.stage = _Stage.RUNNING
                pod.started = pod.started or now()
                if record.port is not None:
                    await self._responder.listen(pod.address, record.port)
                    if pod.stage is not _Stage.RUNNING:
                        self._responder.silence(pod.address)
                if record.phase == "Running" and record.ready:
                    return
                patch = self._running(pod, pod.started)
        if patch is not None:
            await api.patch(PODS, record.name, patch, namespace=record.namespace, subresource="status")

    def _running(self, pod: _Simulated, started: datetime) -> JsonObject:
        containers = [
            ContainerView(
                name=one.name,
                image=one.image,
                identity=f"simulated-{pod.record.uid}",
                state=Running(started),
                devices=(pod.devices or {}).get(one.name, ()),
            )
            for one in pod.record.containers
            if not one.init
        ]
        view = PodView(
            uid=pod.record.uid,
            phase="Running",
            started=started,
            address=pod.address,
            host_address=self._machine.endpoint.address,
            containers=containers,
        )
        return status_patch(view, moment=now())
