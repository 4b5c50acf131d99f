"""One container of a pod: image, creation, start, exit, restart."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from uuid import uuid4

from genkan_sandbox.agent.backoff import FORGIVEN_AFTER, RESTART_FIRST, RESTART_MOST, Backoff
from genkan_sandbox.agent.environment import ConfigurationError
from genkan_sandbox.agent.events import Happening, Reason
from genkan_sandbox.agent.leftovers import kill_container_processes
from genkan_sandbox.agent.logs import put_aside
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.phases import RestartPolicy
from genkan_sandbox.agent.preparation import PodContext, prepare
from genkan_sandbox.agent.processes import KILLED, ContainerProcess, StartError
from genkan_sandbox.agent.records import ContainerRecord
from genkan_sandbox.agent.sandboxing import Isolation
from genkan_sandbox.agent.status import (
    COMPLETED,
    ERROR,
    OUT_OF_MEMORY,
    ContainerState,
    ContainerView,
    Running,
    Terminated,
    Waiting,
    now,
)
from genkan_sandbox.agent.termination import termination_file, termination_message
from genkan_spawner.api import JsonObject

log = logging.getLogger(__name__)

CANNOT_START = 128
"""Exit code of a container whose command could not be executed."""

_RUNTIME = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: "
)
_CONFIGURATION_PAUSE = 2.0


class ContainerRun:
    """A container from its first pull to its last exit.

    `run` is the ordinary course and may be cancelled at any time; a process that runs then goes on until `end`.
    """

    def __init__(
        self,
        machine: Machine,
        record: ContainerRecord,
        raw: JsonObject,
        *,
        first_reason: str,
        changed: Callable[[], None],
    ) -> None:
        """Prepare a container; `changed` is called after each change of its state."""
        self.record = record
        self._machine = machine
        self._raw = raw
        self._changed = changed
        self._state: ContainerState = Waiting(first_reason)
        self._last: Terminated | None = None
        self._restarts = 0
        self._identity = ""
        self._devices = record.held
        self._process: ContainerProcess | None = None
        self._out_of_memory = False
        self._backoff = Backoff(RESTART_FIRST, RESTART_MOST)
        self.running = asyncio.Event()

    @property
    def view(self) -> ContainerView:
        """The container as it is now."""
        return ContainerView(
            name=self.record.name,
            image=self.record.image,
            identity=self._identity,
            state=self._state,
            last=self._last,
            restarts=self._restarts,
            devices=self._devices,
            sidecar=self.record.sidecar,
        )

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and not self._process.exit.done()

    async def run(self, pod: PodContext, *, policy: RestartPolicy) -> int:
        """Run the container until it has ended for good; return its last exit code."""
        self._devices = pod.devices.get(self.record.name, ())
        first = True
        while True:
            begin = time.monotonic()
            end = await self._once(pod)
            self._set(end)
            if not policy.restarts(end.exit_code):
                return end.exit_code
            self._last = end
            if time.monotonic() - begin > FORGIVEN_AFTER:
                self._backoff.reset()
                first = True
            if not first:
                await self._back_off(pod)
            first = False
            self._restarts += 1

    async def end(self, pod: PodContext | None, *, killed: asyncio.Event) -> None:
        """End the process: ask it to, and kill it as soon as `killed` is set."""
        process = self._process
        if process is None:
            return
        if not process.exit.done():
            self._tell(pod, Reason.KILLING, f"Stopping container {self.record.name}")
            if not killed.is_set():
                process.terminate()
            await _either(process.exit, killed.wait())
            if not process.exit.done():
                process.kill()
        if isinstance(self._state, Running):
            self._set(await self._ended(pod, process, self._state.started))

    async def _once(self, pod: PodContext) -> Terminated:
        """Start the container once and wait for its end."""
        always = self._raw.get("imagePullPolicy") == "Always"
        await self._machine.images.ensure(pod.record, self.record, always=always, waiting=self._set)
        try:
            process = await self._started(pod)
        except StartError as e:
            message = f"{_RUNTIME}{e}: unknown"
            self._tell(pod, Reason.FAILED, f"Error: {message}", warning=True)
            return Terminated(CANNOT_START, "StartError", None, now(), message, self._identity)
        begin = now()
        self._process = process
        self._set(Running(begin))
        self.running.set()
        self._tell(pod, Reason.STARTED, "Container started")
        await self._watch_memory(pod, process)
        return await self._ended(pod, process, begin)

    async def _started(self, pod: PodContext) -> ContainerProcess:
        """Create the container, again and again while its pod refers to what is not there."""
        while True:
            try:
                launch = await prepare(self._machine, pod, self._raw)
                break
            except ConfigurationError as e:
                self._tell(pod, Reason.FAILED, f"Error: {e}", warning=True)
                self._set(Waiting("CreateContainerConfigError", str(e)))
                await asyncio.sleep(_CONFIGURATION_PAUSE)
        # Together, so that whoever looks in between finds a container's own log.
        self._identity = uuid4().hex
        put_aside(launch.log)
        self._tell(pod, Reason.CREATED, "Container created")
        return await ContainerProcess.start(launch)

    async def _watch_memory(self, pod: PodContext, process: ContainerProcess) -> None:
        """Wait for the process's exit, and kill it for memory when a fault says so."""
        faults, begin = self._machine.faults, time.monotonic()
        while not process.exit.done():
            fault = faults.memory_fault(pod.record, self.record.name)
            left = None if fault is None else fault.seconds - (time.monotonic() - begin)
            if left is not None and left <= 0:
                self._out_of_memory = True
                process.kill()
                await asyncio.wait([process.exit])
                return
            await _either(process.exit, faults.changed(seconds=left))

    async def _ended(self, pod: PodContext | None, process: ContainerProcess, begin: datetime) -> Terminated:
        code = await asyncio.shield(process.exit)
        if self._machine.isolation is Isolation.NONE and pod is not None:
            mark = f"{pod.record.uid}/{self.record.name}"
            await asyncio.to_thread(kill_container_processes, self._machine.sandbox, container=mark)
        reason = COMPLETED if code == 0 else ERROR
        if self._out_of_memory and code == KILLED:
            reason = OUT_OF_MEMORY
        self._out_of_memory = False
        self._process = None
        return Terminated(code, reason, begin, now(), self._last_words(pod, code), self._identity)

    def _last_words(self, pod: PodContext | None, code: int) -> str:
        if pod is None:
            return ""
        file = termination_file(self._machine.volumes.directory(pod.record.uid), self.record.name)
        log = self._machine.log_file(
            namespace=pod.record.namespace, pod=pod.record.name, uid=pod.record.uid, container=self.record.name
        )
        return termination_message(self._raw, file=file, log=log, exit_code=code)

    async def _back_off(self, pod: PodContext) -> None:
        seconds = self._backoff.delay()
        name = f"{pod.record.name}_{pod.record.namespace}({pod.record.uid})"
        container = self.record.name
        self._tell(
            pod, Reason.BACK_OFF, f"Back-off restarting failed container {container} in pod {name}", warning=True
        )
        message = f"back-off {_duration(seconds)} restarting failed container={container} pod={name}"
        self._set(Waiting("CrashLoopBackOff", message))
        await asyncio.sleep(seconds)

    def _set(self, state: ContainerState) -> None:
        self._state = state
        self._changed()

    def _tell(self, pod: PodContext | None, reason: Reason, message: str, *, warning: bool = False) -> None:
        if pod is not None:
            self._machine.events.record(
                Happening(
                    pod.record,
                    reason,
                    message,
                    container=self.record.name,
                    init=self.record.init,
                    warning=warning,
                )
            )


async def _either(exit_code: asyncio.Task[int], other: Coroutine[None, None, bool]) -> None:
    """Wait for the process's exit or for something else."""
    task = asyncio.create_task(other)
    try:
        await asyncio.wait([exit_code, task], return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()


def _duration(seconds: float) -> str:
    """Write seconds as Go does: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
