"""The priority with which a pod would be scheduled, and who gives way to whom."""

from dataclasses import dataclass

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.cluster.records import PriorityClassRecord
from genkan_spawner.cluster.snapshot import Snapshot, Source

from .demand import Demand, PreemptionPolicy
from .findings import Check, Finding, State

_SYSTEM = "system-"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the admission of Kubernetes makes of a pod's priority."""

    value: int
    priority_class: str
    """Empty where neither the pod nor the cluster's default names one."""
    never_preempts: bool
    exists: bool = True
    """Whether the class is there."""


def standing(demand: Demand, snapshot: Snapshot) -> Standing:
    """Look the pod's class up; without a name the cluster's default class applies."""
    if demand.priority_class:
        found = snapshot.priority_classes.get(demand.priority_class)
        if found is None:
            return Standing(demand.priority or 0, demand.priority_class, demand.never_preempts, exists=False)
        return Standing(found.value, found.name, found.never_preempts)
    default = _default(snapshot)
    if default is None:
        return Standing(demand.priority or 0, "", demand.never_preempts)
    return Standing(default.value, default.name, default.never_preempts)


def check_priority(demand: Demand, snapshot: Snapshot) -> Finding:
    """Say whether the class exists, and whether others could push the server out later."""
    if not snapshot.knows(Source.PRIORITY_CLASSES):
        if not demand.priority_class:
            return Finding(Check.PRIORITY, State.READY)
        return Finding(
            Check.PRIORITY,
            State.UNKNOWN,
            say("Whether this priority exists cannot be checked at the moment; the start will show it."),
        )
    found = standing(demand, snapshot)
    if not found.exists:
        sentence = missing_priority(demand.priority_class)
        return Finding(Check.PRIORITY, State.REFUSED, sentence, ever=False)
    if _contradicts(demand, found):
        sentence = say(
            "The priority in numbers, or whether it may interrupt others, is not what this priority stands for. "
            "Leave both out, or tell an administrator."
        )
        return Finding(Check.PRIORITY, State.REFUSED, sentence, ever=False)
    if _may_be_interrupted(found, snapshot):
        return Finding(Check.PRIORITY, State.READY, say("Work of higher priority may interrupt this server."))
    return Finding(Check.PRIORITY, State.READY)


def missing_priority(name: str) -> Sentence:
    """Say that there is no such class."""
    return say(
        "The priority {name} does not exist in this cluster. Choose another priority, and tell an administrator.",
        name=name,
    )


def _contradicts(demand: Demand, found: Standing) -> bool:
    """Return whether a manifest gives another value or policy than its class; admission refuses that.

    Without any class the value is 0 and the policy to preempt.
    """
    value, never = (found.value, found.never_preempts) if found.priority_class else (0, False)
    policy = PreemptionPolicy.NEVER if never else PreemptionPolicy.LOWER_PRIORITY
    return demand.priority not in {None, value} or demand.preemption not in {None, policy}


def _default(snapshot: Snapshot) -> PriorityClassRecord | None:
    """Return the default class; of several, the API server takes the one of the lowest value."""
    defaults = [row for row in snapshot.priority_classes.values() if row.is_default]
    return min(defaults, key=lambda row: row.value, default=None)


def _may_be_interrupted(found: Standing, snapshot: Snapshot) -> bool:
    return any(
        row.value > found.value and not row.never_preempts and not row.name.startswith(_SYSTEM)
        for row in snapshot.priority_classes.values()
    )
