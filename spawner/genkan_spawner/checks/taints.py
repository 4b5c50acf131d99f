"""Marks that keep pods away from nodes, and what a pod tolerates.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from genkan_spawner.cluster.records import NodeRecord, Taint, TaintEffect

from .exceptions import ManifestError
from .parts import Part

CORDONED = Taint("node.kubernetes.io/unschedulable", "", TaintEffect.NO_SCHEDULE)
"""What a cordon means to the scheduler, before a controller has put the taint on the node too."""

NOT_READY = Taint("node.kubernetes.io/not-ready", "", TaintEffect.NO_SCHEDULE)
"""What a node that is not ready carries as soon as a controller has seen it."""

_UNREACHABLE = "node.kubernetes.io/unreachable"


class TolerationOperator(StrEnum):
    """How a toleration compares values; Lt and Gt are behind a feature gate that is off, and tolerate nothing."""

    EQUAL = "Equal"
    EXISTS = "Exists"
    LT = "Lt"
    GT = "Gt"


@dataclass(frozen=True, slots=True)
class Toleration:
    """Taints that do not keep a pod away; an empty key or effect stands for all."""

    key: str = ""
    operator: TolerationOperator = TolerationOperator.EQUAL
    value: str = ""
    effect: TaintEffect | None = None

    def tolerates(self, taint: Taint) -> bool:
        """Compare as ToleratesTaint of k8s.io/api/core/v1 does."""
        if self.effect not in {None, taint.effect} or self.key not in {"", taint.key}:
            return False
        match self.operator:
            case TolerationOperator.EXISTS:
                return True
            case TolerationOperator.EQUAL:
                return self.value == taint.value
            case TolerationOperator.LT | TolerationOperator.GT:
                return False


_ADDED = tuple(
    Toleration(key, TolerationOperator.EXISTS, effect=TaintEffect.NO_EXECUTE) for key in (NOT_READY.key, _UNREACHABLE)
)


def hard_taints(node: NodeRecord) -> tuple[Taint, ...]:
    """Return the taints that keep pods away, with those that follow from the node's state."""
    found = [taint for taint in node.taints if taint.effect is not TaintEffect.PREFER_NO_SCHEDULE]
    if node.unschedulable and not _has(found, CORDONED.key):
        found.append(CORDONED)
    if not node.ready and not _has(found, NOT_READY.key) and not _has(found, _UNREACHABLE):
        found.append(NOT_READY)
    return tuple(found)


def untolerated(taints: Iterable[Taint], tolerations: tuple[Toleration, ...]) -> Taint | None:
    """Return the first taint that none of the tolerations covers."""
    for taint in taints:
        if not any(row.tolerates(taint) for row in tolerations):
            return taint
    return None


def passing(taint: Taint) -> bool:
    """Return whether a taint says something of the node's present state, and not what the node is for."""
    return taint.key.startswith(("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"))


def read_tolerations(spec: Part) -> tuple[Toleration, ...]:
    """Read a pod's spec, with what the admission DefaultTolerationSeconds adds to every pod.

    Raises ManifestError.
    """
    given = tuple(_toleration(part) for part in spec.parts("tolerations"))
    return given + tuple(row for row in _ADDED if row not in given)


def _toleration(part: Part) -> Toleration:
    operator = part.word("operator", TolerationOperator, TolerationOperator.EQUAL)
    found = Toleration(
        key=part.text("key"),
        operator=operator,
        value=part.text("value"),
        effect=part.word("effect", TaintEffect) if part.value.get("effect") else None,
    )
    if not found.key and operator is not TolerationOperator.EXISTS:
        raise ManifestError(f"{part.place}.operator: Without a key this must be Exists.")
    if found.value and operator is TolerationOperator.EXISTS:
        raise ManifestError(f"{part.place}.value: With Exists this must be empty.")
    return found


def _has(taints: Iterable[Taint], key: str) -> bool:
    return any(taint.key == key and taint.effect is TaintEffect.NO_SCHEDULE for taint in taints)
