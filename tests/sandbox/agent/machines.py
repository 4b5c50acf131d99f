"""A machine for pods in a temporary directory, on a fake cluster."""

import os
from pathlib import Path

from genkan_sandbox.agent.addresses import AddressPool
from genkan_sandbox.agent.events import EventRecorder
from genkan_sandbox.agent.faults import FaultBoard
from genkan_sandbox.agent.host import HostView
from genkan_sandbox.agent.images import ImageStore
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.persistent import PersistentVolumes
from genkan_sandbox.agent.records import Endpoint
from genkan_sandbox.agent.sandboxing import Isolation
from genkan_sandbox.agent.volumes import VolumeStore
from genkan_spawner.kinds import EVENTS

from ...support.fake_cluster import FakeCluster


def machine(
    cluster: FakeCluster,
    state: Path,
    *,
    isolation: Isolation = Isolation.NONE,
    network: str = "127.254",
    endpoint: Endpoint | None = None,
) -> Machine:
    faults = FaultBoard()
    events = EventRecorder(cluster, silent=faults.silent)
    return Machine(
        api=cluster,
        sandbox=f"test-{os.getpid()}-{state.name}",
        state=state,
        host=HostView.read(),
        isolation=isolation,
        endpoint=endpoint or Endpoint(f"{network}.0.1", 10250),
        addresses=AddressPool(network),
        events=events,
        faults=faults,
        images=ImageStore(faults=faults, events=events),
        volumes=VolumeStore(
            cluster, state, persistent=PersistentVolumes(cluster, state, faults=faults, owners=Owners())
        ),
        ledgers={},
        owners=Owners(),
    )


def told(cluster: FakeCluster) -> list[tuple[str, str]]:
    """Reasons and messages of the events that were posted, in order."""
    return [(event["reason"], event["message"]) for event in cluster.all(EVENTS)]
