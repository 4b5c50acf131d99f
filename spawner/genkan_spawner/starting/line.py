"""The line of those who wait for the same kind of machine."""

from dataclasses import dataclass

from genkan_spawner.checks.wording import is_device, noun
from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.cluster.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server stands among those that wait for what it waits for."""

    position: int
    """From 1, in the order in which the scheduler takes them: by priority, then by age."""
    length: int
    resource: str

    @property
    def sentence(self) -> str:
        """The place in words."""
        what = noun(self.resource)
        if self.length == 1:
            return f"No machine has room yet; you are the only one who waits for {what}."
        return f"No machine has room yet; you are number {self.position} of {self.length} who wait for {what}."


def place_in_line(snapshot: Snapshot, namespace: str, name: str) -> Place | None:
    """Return the place of a pod that waits; None if it does not, as far as is known."""
    own = next((pod for pod in snapshot.pending if (pod.namespace, pod.name) == (namespace, name)), None)
    if own is None:
        return None
    resource = next((resource for resource in own.requests if is_device(resource)), "cpu")
    line = sorted((pod for pod in snapshot.pending if not pod.gated and resource in pod.requests), key=_turn)
    return Place(line.index(own) + 1, len(line), resource) if own in line else None


def _turn(pod: PodRecord) -> tuple[int, float, str]:
    return -pod.priority, pod.created.timestamp(), pod.uid
