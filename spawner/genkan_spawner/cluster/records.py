"""What is kept of each Kubernetes object: frozen, small, and nothing that is secret.

Amounts are whole thousandths of a resource's base unit (a core, a byte, a device, a pod), so that sums are exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Amounts: TypeAlias = Mapping[str, int]
"""Thousandths by the resource's name: `{"cpu": 1500, "memory": 2**31 * 1000, "nvidia.com/gpu": 1000}`."""

THOUSANDTHS = 1000
"""Of one core, byte or device in an amount."""


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


@dataclass(frozen=True, slots=True)
class Taint:
    """A mark of a node that keeps pods away."""

    key: str
    value: str
    effect: TaintEffect


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One machine, as the scheduler sees it."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    unschedulable: bool
    """Cordoned."""
    ready: bool
    """Whether the condition `Ready` is true."""
    allocatable: Amounts


@dataclass(frozen=True, slots=True)
class LastWord:
    """Why the scheduler did not place a pod when it last looked at it."""

    lacking: frozenset[str]
    """The resources that it found too little of on some node; `pods` are places."""
    held: bool
    """Whether something keeps it from some node that is neither room nor a rule for nodes: where its volume is, say."""

    @property
    def helpless(self) -> bool:
        """Whether more room would not help."""
        return self.held and not self.lacking

    def waits_for(self, resource: str) -> bool:
        """Return whether it may be this that the pod waits for."""
        return resource in self.lacking or (not self.lacking and not self.held)


@dataclass(frozen=True, slots=True)
class PodRecord:
    """One pod that holds or wants resources; finished ones are not kept."""

    uid: str
    namespace: str
    name: str
    node: str | None
    """Where it is bound; None while it waits."""
    requests: Amounts
    """What the scheduler counts: the larger of all containers together and the init containers, plus overhead."""
    priority: int
    priority_class: str
    created: datetime
    terminating: bool = False
    gated: bool = False
    """Held back by a scheduling gate: the scheduler does not look at it."""
    never_preempts: bool = False
    """Whether its preemption policy is Never."""
    nominated_node: str | None = None
    """Where room is being made for it."""
    last_word: LastWord | None = None
    """None where the scheduler has not refused it, as far as is known."""
    looked_at: bool = False
    """Whether a scheduler has said anything of it, in words that are known or not."""
    labels: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    """The names of the claims that it mounts, in its namespace."""
    demand: "object | None" = None
    """For a pod that waits: its genkan_spawner.checks.demand.Demand, with which its place can be foreseen."""


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """One expression of a quota's scopeSelector; a plain scope is one with the operator Exists.

    https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes
    """

    scope: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuotaRecord:
    """One ResourceQuota with what is in use."""

    namespace: str
    name: str
    hard: Amounts
    used: Amounts
    scopes: tuple[ScopeRule, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitRow:
    """What one entry of a LimitRange fills in and allows, for each container or for pods as a whole."""

    whole: bool
    """Whether it is about pods as a whole, which are only held against bounds."""
    default: Mapping[str, str] = field(default_factory=dict)
    """Limits that are filled in, as Kubernetes writes quantities."""
    default_request: Mapping[str, str] = field(default_factory=dict)
    least: Amounts = field(default_factory=dict)
    most: Amounts = field(default_factory=dict)
    ratio: Amounts = field(default_factory=dict)
    """How many times its request a limit may be, in thousandths."""


@dataclass(frozen=True, slots=True)
class LimitRangeRecord:
    """One LimitRange; what it says of claims is left out."""

    namespace: str
    name: str
    rows: tuple[LimitRow, ...]


@dataclass(frozen=True, slots=True)
class PriorityClassRecord:
    """One PriorityClass."""

    name: str
    value: int
    never_preempts: bool = False
    is_default: bool = False
