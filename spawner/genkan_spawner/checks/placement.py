"""Where a pod may go: the part of its manifest that the scheduler holds against each node.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from genkan_spawner.cluster.records import NodeRecord

from .exceptions import ManifestError
from .parts import Part
from .taints import Toleration, read_tolerations

_NAME_FIELD = "metadata.name"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = 2**63


class Operator(StrEnum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comparison; a label that is missing fulfils NotIn and DoesNotExist only.

    The API server takes a bound of Gt and Lt that is no number; no label fulfils it.
    """

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Compare, as k8s.io/apimachinery/pkg/labels does."""
        found = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return found in self.values
            case Operator.NOT_IN:
                return found not in self.values
            case Operator.EXISTS:
                return found is not None
            case Operator.DOES_NOT_EXIST:
                return found is None
            case Operator.GT | Operator.LT:
                number, bound = _integer(found), _integer(self.values[0])
                if number is None or bound is None:
                    return False
                return number > bound if self.operator is Operator.GT else number < bound


@dataclass(frozen=True, slots=True)
class Term:
    """Requirements that have to hold together; a term without any is fulfilled by no node."""

    labels: tuple[Requirement, ...] = ()
    names: tuple[Requirement, ...] = ()
    """About the node's name."""

    def holds(self, node: NodeRecord) -> bool:
        """Return whether a node fulfils all of them."""
        if not self.labels and not self.names:
            return False
        name = {_NAME_FIELD: node.name}
        return all(row.holds(node.labels) for row in self.labels) and all(row.holds(name) for row in self.names)


@dataclass(frozen=True, slots=True)
class Placement:
    """All of a pod's wishes that a node must fulfil; equal ones choose the same nodes."""

    node_selector: tuple[tuple[str, str], ...] = ()
    terms: tuple[Term, ...] | None = None
    """Of the required node affinity: one of them has to hold; None where there is no such affinity."""
    tolerations: tuple[Toleration, ...] = ()
    node_name: str = ""
    """Where the pod is put by hand, past the scheduler."""

    def chooses(self, node: NodeRecord) -> bool:
        """Return whether name and labels are as wanted."""
        if self.node_name and self.node_name != node.name:
            return False
        labels = node.labels
        for key, value in self.node_selector:
            if labels.get(key) != value:
                return False
        return self.terms is None or any(term.holds(node) for term in self.terms)


def read_placement(spec: Part) -> Placement:
    """Read a pod's spec.

    Raises ManifestError.
    """
    affinity = spec.part("affinity").part("nodeAffinity")
    required = affinity.value.get("requiredDuringSchedulingIgnoredDuringExecution")
    terms = None
    if required is not None:
        selector = affinity.part("requiredDuringSchedulingIgnoredDuringExecution")
        terms = tuple(_term(part) for part in selector.parts("nodeSelectorTerms"))
        if not terms:
            raise ManifestError(f"{selector.place}.nodeSelectorTerms: This must have at least one entry.")
    return Placement(
        node_selector=spec.labels("nodeSelector"),
        terms=terms,
        tolerations=read_tolerations(spec),
        node_name=spec.text("nodeName"),
    )


def _term(part: Part) -> Term:
    names = tuple(_requirement(row) for row in part.parts("matchFields"))
    for index, row in enumerate(names):
        if row.key != _NAME_FIELD or row.operator not in {Operator.IN, Operator.NOT_IN} or len(row.values) != 1:
            raise ManifestError(
                f"{part.place}.matchFields[{index}]: Fields can only be {_NAME_FIELD}, with the operator In or NotIn "
                "and one value."
            )
    return Term(labels=tuple(_requirement(row) for row in part.parts("matchExpressions")), names=names)


def _requirement(part: Part) -> Requirement:
    key, operator, values = part.text("key"), part.word("operator", Operator), part.texts("values")
    if not key:
        raise ManifestError(f"{part.place}.key: This must name a label.")
    match operator:
        case Operator.IN | Operator.NOT_IN if not values:
            raise ManifestError(f"{part.place}.values: With {operator} this must have at least one entry.")
        case Operator.EXISTS | Operator.DOES_NOT_EXIST if values:
            raise ManifestError(f"{part.place}.values: With {operator} this must be empty.")
        case Operator.GT | Operator.LT if len(values) != 1:
            raise ManifestError(f"{part.place}.values: With {operator} this must be one whole number, in quotes.")
        case _:
            return Requirement(key, operator, values)


def _integer(text: str | None) -> int | None:
    """Read as Go's ParseInt does: no spaces, no underscores, 64 bits."""
    if text is None or _INTEGER.fullmatch(text) is None:
        return None
    number = int(text)
    return number if -_INT64 <= number < _INT64 else None
