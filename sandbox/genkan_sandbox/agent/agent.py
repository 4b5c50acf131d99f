"""The agent's loops: what the API server says goes to the parts that act on it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from genkan_sandbox.agent import faults, isolation
from genkan_sandbox.agent.leftovers import kill_container_processes
from genkan_sandbox.agent.lifecycle import PodRun
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.nodes import NodeKeeper
from genkan_sandbox.agent.provisioner import Provisioner
from genkan_sandbox.agent.records import DeviceOffer, NodeRecord, PodRecord, project_node, project_pod
from genkan_sandbox.agent.removal import LostPod
from genkan_sandbox.agent.simulation import SimulatedPods
from genkan_sandbox.agent.status import ContainerView
from genkan_spawner.kinds import CONFIG_MAPS, NODES, PODS
from genkan_spawner.watching import Changed, ChangeType, Listed, Watch

log = logging.getLogger(__name__)

STOP_SECONDS = 2.5
"""How long processes have to end when the agent does."""

_AFTER_STOP_SECONDS = 0.7
_RESTART_SECONDS = 1.0


class _Run(Protocol):
    """What the agent asks of a pod's task."""

    def update(self, record: PodRecord) -> None: ...
    def vanish(self) -> None: ...
    def leave(self, *, seconds: float) -> None: ...
    async def run(self) -> None: ...


class Agent:
    """All nodes of a sandbox; `run` returns when `stop` was called and all processes have ended."""

    def __init__(self, machine: Machine, *, simulate: bool = False) -> None:
        """Begin with no nodes and no pods; `simulate` makes all pods simulated ones."""
        self._machine = machine
        self._simulate = simulate
        self._simulated = SimulatedPods(machine)
        self._nodes = NodeKeeper(
            machine.api, endpoint=machine.endpoint, faults=machine.faults, changed=self._node_changed
        )
        self._provisioner = Provisioner(machine.api, machine.state, faults=machine.faults, owners=machine.owners)
        self._offers: dict[str, tuple[DeviceOffer, ...]] = {}
        self._runs: dict[str, _Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._known: dict[str, PodRecord] = {}
        """The latest news of each pod."""
        self._parked: dict[str, PodRecord] = {}
        """Pods of nodes that are not managed, or not yet known."""
        self._deferred: dict[str, tuple[PodRecord, bool]] = {}
        """News of pods on silent nodes, and whether they are gone."""
        self._stopping = asyncio.Event()

    def pod(self, namespace: str, name: str) -> PodRecord | None:
        """Return a pod of these nodes; of namesakes, one of which is about to go, the latest."""
        named = [pod for pod in self._known.values() if (pod.namespace, pod.name) == (namespace, name)]
        return named[-1] if named and self._nodes.managed(named[-1].node) else None

    @property
    def nodes(self) -> list[NodeRecord]:
        """All nodes of which anything can be heard."""
        return [node for node in self._nodes.all_managed() if not self._machine.faults.silent(node.name)]

    def known(self, uid: str) -> PodRecord | None:
        """Return a pod by its uid."""
        return self._known.get(uid)

    def view(self, pod: PodRecord, container: str) -> ContainerView | None:
        """Return a container as it is now; None where nothing of it runs or ran under this agent."""
        run = self._runs.get(pod.uid)
        return run.view(container) if isinstance(run, PodRun) else None

    def stop(self) -> None:
        """End the agent and all processes soon."""
        self._stopping.set()

    async def run(self, *, reason: str = "") -> None:
        """Keep nodes and pods until `stop`; `reason` says why containers are not kept apart, if they are not."""
        machine = self._machine
        await asyncio.to_thread(kill_container_processes, machine.sandbox)
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "nodes": self._watch_nodes,
            "pods": self._watch_pods,
            "faults": self._watch_faults,
            "deferred news": self._replay,
            "leases": self._nodes.renew_leases,
            "node conditions": self._nodes.repair,
            "silent nodes": self._nodes.heed_faults,
            "claims": self._provisioner.run_claims,
            "volumes": self._provisioner.run_volumes,
            "attachments": machine.volumes.persistent.attacher.run,
            "exports": machine.volumes.persistent.exports.run,
            "events": machine.events.run,
            "simulated pods": self._simulated.run,
        }
        tasks = [asyncio.create_task(_for_ever(name, loop)) for name, loop in loops.items()]
        facts = isolation.publish_isolation(machine.api, machine.isolation, reason, separate=machine.owners.separate)
        tasks.append(asyncio.create_task(facts))
        try:
            await self._stopping.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end_pods()

    async def _end_pods(self) -> None:
        for run in self._runs.values():
            run.leave(seconds=STOP_SECONDS)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=STOP_SECONDS + _AFTER_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._simulated.close()

    async def _watch_nodes(self) -> None:
        async for event in Watch(self._machine.api, NODES, project=project_node).events():
            self._nodes.take(event)

    async def _watch_faults(self) -> None:
        watch = Watch(
            self._machine.api,
            CONFIG_MAPS,
            project=lambda raw: dict(raw.get("data") or {}),
            namespace=faults.NAMESPACE,
            field_selector=f"metadata.name={faults.CONFIG_MAP}",
        )
        async for event in watch.events():
            match event:
                case Listed(items=items):
                    self._machine.faults.post(items[0] if items else {})
                case Changed(type=change, item=data):
                    self._machine.faults.post({} if change is ChangeType.DELETED else data)

    async def _watch_pods(self) -> None:
        await self._nodes.known.wait()
        watch = Watch(self._machine.api, PODS, project=project_pod, field_selector="spec.nodeName!=")
        async for event in watch.events():
            match event:
                case Listed(items=items):
                    await self._replace(items)
                case Changed(type=ChangeType.DELETED, item=record):
                    self._gone(record)
                case Changed(item=record):
                    self._take(record)

    async def _replace(self, records: Iterable[PodRecord]) -> None:
        """Take in a list of all pods; those known before that are not in it are gone."""
        present = {record.uid: record for record in records}
        for uid in self._known.keys() - present.keys():
            self._gone(self._known[uid])
        for record in present.values():
            self._take(record)
        await asyncio.to_thread(self._machine.volumes.remove_others, frozenset(present))

    def _take(self, record: PodRecord) -> None:
        self._known[record.uid] = record
        # What was kept for later is older than this.
        self._parked.pop(record.uid, None)
        self._deferred.pop(record.uid, None)
        if self._machine.faults.silent(record.node):
            self._deferred[record.uid] = (record, False)
        elif record.uid in self._simulated:
            self._simulated.update(record)
        elif run := self._runs.get(record.uid):
            run.update(record)
        elif node := self._nodes.managed(record.node):
            self._begin(record, node)
        else:
            self._parked[record.uid] = record

    def _gone(self, record: PodRecord) -> None:
        self._parked.pop(record.uid, None)
        if self._machine.faults.silent(record.node):
            self._deferred[record.uid] = (record, True)
        else:
            self._end(record.uid)

    def _end(self, uid: str) -> None:
        self._known.pop(uid, None)
        self._parked.pop(uid, None)
        self._deferred.pop(uid, None)
        self._simulated.vanish(uid)
        run = self._runs.pop(uid, None)
        if run is not None:
            run.vanish()

    def _begin(self, record: PodRecord, node: NodeRecord) -> None:
        if record.simulated or self._simulate:
            self._simulated.take(record, node)
            return
        if record.ended and record.grace is None:
            return
        if record.begun or record.phase != "Pending" or record.grace is not None:
            self._follow(record, LostPod(self._machine, record))
        else:
            self._follow(record, PodRun(self._machine, record, node))

    def _follow(self, record: PodRecord, run: _Run) -> None:
        self._runs[record.uid] = run
        task = self._tasks[record.uid] = asyncio.create_task(run.run(), name=f"pod {record.namespace}/{record.name}")
        task.add_done_callback(lambda task: self._done(record, task))

    def _done(self, record: PodRecord, task: asyncio.Task[None]) -> None:
        self._tasks.pop(record.uid, None)
        if task.cancelled() or (failure := task.exception()) is None:
            return
        log.error("The task of pod %s/%s failed.", record.namespace, record.name, exc_info=failure)
        run = self._runs.pop(record.uid, None)
        if not isinstance(run, PodRun):
            # The next news of the pod, its deletion for one, begins it anew.
            return
        record = self._known.get(record.uid, record)
        if self._nodes.managed(record.node):
            self._follow(record, LostPod(self._machine, record))
        else:
            self._parked[record.uid] = record

    def _node_changed(self, node: NodeRecord) -> None:
        if self._offers.get(node.name) != node.offers:
            self._offers[node.name] = node.offers
            self._machine.ledger(node).offer(node.offers)
        for record in [record for record in self._parked.values() if record.node == node.name]:
            self._take(record)

    async def _replay(self) -> None:
        """Take in what was said about pods of nodes that are silent no more."""
        while True:
            await self._machine.faults.changed()
            for uid, (record, gone) in list(self._deferred.items()):
                if not self._machine.faults.silent(record.node):
                    del self._deferred[uid]
                    if gone:
                        self._end(uid)
                    else:
                        self._take(record)


async def _for_ever(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop again whenever it fails: one part's defect must not end all nodes."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("The agent's loop for %s failed and is started again.", name)
        await asyncio.sleep(_RESTART_SECONDS)
