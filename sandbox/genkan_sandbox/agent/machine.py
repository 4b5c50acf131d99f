"""What all pods of a sandbox share on this machine."""

from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.agent.addresses import AddressPool
from genkan_sandbox.agent.devices import DeviceLedger
from genkan_sandbox.agent.events import EventRecorder
from genkan_sandbox.agent.faults import FaultBoard
from genkan_sandbox.agent.host import HostView
from genkan_sandbox.agent.images import ImageStore
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.records import Endpoint, NodeRecord
from genkan_sandbox.agent.sandboxing import Isolation
from genkan_sandbox.agent.volumes import VolumeStore
from genkan_spawner.api import KubernetesApi


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts that a pod's task works with."""

    api: KubernetesApi
    sandbox: str
    """The sandbox's id, which all its processes carry."""
    state: Path
    host: HostView
    isolation: Isolation
    endpoint: Endpoint
    """Where all nodes answer the API server."""
    addresses: AddressPool
    events: EventRecorder
    faults: FaultBoard
    images: ImageStore
    volumes: VolumeStore
    ledgers: dict[str, DeviceLedger]
    """By node."""
    owners: Owners
    open_files: int | None = None
    """The soft limit of open files of containers; None is the agent's own."""

    def ledger(self, node: NodeRecord) -> DeviceLedger:
        """Return who holds a node's devices, made where the node is new."""
        if node.name not in self.ledgers:
            ledger = self.ledgers[node.name] = DeviceLedger(node.name)
            ledger.offer(node.offers)
        return self.ledgers[node.name]

    def log_file(self, *, namespace: str, pod: str, uid: str, container: str) -> Path:
        """Return where a container's output goes."""
        return self.state / "logs" / "pods" / f"{namespace}_{pod}_{uid}" / f"{container}.log"
