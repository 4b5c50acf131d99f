"""Pods that the hub has just created, until the watch shows them: two users must not both be promised the last GPU."""

from dataclasses import dataclass, replace

from .liveness import Clock
from .records import PodRecord
from .table import Key

ASSUMED_SECONDS = 60.0
"""How long a pod is believed in that nothing is heard of; a creation that the API server took shows within a second."""


@dataclass(frozen=True, slots=True)
class _Assumption:
    pod: PodRecord
    since: float
    namesake: str | None
    """The uid of a pod of the same name that was there before."""
    created: bool = False
    """Whether the API server has taken it: quotas count it from then on."""


class AssumedPods:
    """What only the hub knows of so far, by the place of the pod."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._assumptions: dict[Key, _Assumption] = {}

    def assume(self, pod: PodRecord, *, namesake: str | None) -> None:
        """Believe in a pod; `namesake` is the uid of the pod that had its name until now."""
        if namesake != pod.uid:
            self._assumptions[pod.namespace, pod.name] = _Assumption(pod, self._clock(), namesake)

    def confirm(self, uid: str) -> None:
        """Note that a pod was created."""
        for key, found in self._assumptions.items():
            if found.pod.uid == uid:
                self._assumptions[key] = replace(found, created=True)

    def forget(self, uid: str) -> None:
        """Drop a pod that did not come to be."""
        for key in [key for key, found in self._assumptions.items() if found.pod.uid == uid]:
            del self._assumptions[key]

    def seen(self, key: Key, *, uid: str) -> None:
        """Drop what the watch has shown; news of a namesake from before do not count."""
        if (found := self._assumptions.get(key)) is not None and found.namesake != uid:
            del self._assumptions[key]

    def uncounted(self) -> tuple[PodRecord, ...]:
        """Return those that no quota counts yet, since they are still to be created."""
        self.pods()
        return tuple(found.pod for found in self._assumptions.values() if not found.created)

    def pods(self) -> tuple[PodRecord, ...]:
        """Return those still to be believed in, in the order in which they were assumed."""
        now = self._clock()
        for key in [key for key, found in self._assumptions.items() if now - found.since > ASSUMED_SECONDS]:
            del self._assumptions[key]
        return tuple(found.pod for found in self._assumptions.values())
