"""The line of those who wait for the same kind of machine."""

from dataclasses import dataclass

from genkan_profiles.language.sentences import Sentence, say
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
    def sentence(self) -> Sentence:
        """The place in words."""
        what = noun(self.resource)
        if self.length == 1:
            return say("No machine has room yet; you are the only one who waits for {what}.", what=what)
        return say(
            "No machine has room yet; you are number {position} of {length} who wait for {what}.",
            position=self.position,
            length=self.length,
            what=what,
        )


def place_in_line(snapshot: Snapshot, namespace: str, name: str) -> Place | None:
    """Return the place of a pod that waits; None if it does not, as far as is known."""
    own = next((pod for pod in snapshot.pending if (pod.namespace, pod.name) == (namespace, name)), None)
    if own is None:
        return None
    resource = _short_of(own)
    line = sorted((pod for pod in snapshot.pending if _waits_for(pod, resource)), key=_turn)
    return Place(line.index(own) + 1, len(line), resource) if own in line else None


def _short_of(pod: PodRecord) -> str:
    """Return what a pod waits for: what the scheduler has named last, devices before others."""
    lacking = pod.last_word.lacking if pod.last_word is not None else frozenset[str]()
    devices = sorted((one for one in pod.requests if is_device(one)), key=lambda one: one not in lacking)
    if devices and (devices[0] in lacking or not lacking):
        return devices[0]
    return next((one for one in sorted(lacking) if one in pod.requests), devices[0] if devices else "cpu")


def _waits_for(pod: PodRecord, resource: str) -> bool:
    """Return whether a pod stands in line for a resource: it asks for it, and the scheduler has named nothing else."""
    if pod.gated or pod.terminating or resource not in pod.requests:
        return False
    return pod.last_word is None or pod.last_word.waits_for(resource)


def _turn(pod: PodRecord) -> tuple[int, float, str]:
    return -pod.priority, pod.created.timestamp(), pod.uid
