"""Why the API server refused an object, read from its text: the answer has no machine-readable parts beside it.

The texts are those of the admission plug-ins of Kubernetes 1.32 to 1.36.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from .exceptions import KubernetesError


class Denial(StrEnum):
    """The kinds of refusal that are told apart."""

    QUOTA_EXCEEDED = "quota exceeded"
    QUOTA_NOT_MET = "quota asks for a limit"
    PRIORITY_CLASS = "priority class"
    LIMIT_RANGE = "limit range"
    POD_SECURITY = "pod security"
    NAMESPACE = "namespace"
    SERVICE_ACCOUNT = "service account"
    INVALID = "invalid"
    WEBHOOK = "webhook"
    RIGHTS = "rights"
    BUSY = "busy"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class QuotaExcess:
    """One resource of which a quota has not enough left; amounts as Kubernetes wrote them."""

    quota: str
    resource: str
    requested: str
    used: str
    limit: str


_EXCEEDED = re.compile(
    r"exceeded quota: (?P<quota>\S+), "
    r"requested: (?P<requested>[^ ]+), used: (?P<used>[^ ]+), limited: (?P<limited>[^ ]+)"
)
_SHAPES: tuple[tuple[re.Pattern[str], Denial], ...] = (
    (re.compile(r"exceeded quota: "), Denial.QUOTA_EXCEEDED),
    (re.compile(r"failed quota: .* must specify"), Denial.QUOTA_NOT_MET),
    (re.compile(r"no PriorityClass with name "), Denial.PRIORITY_CLASS),
    (re.compile(r"violates PodSecurity "), Denial.POD_SECURITY),
    (re.compile(r"(maximum|minimum) \S+ usage per |max limit to request ratio per "), Denial.LIMIT_RANGE),
    (re.compile(r"error looking up service account "), Denial.SERVICE_ACCOUNT),
    (
        re.compile(r"namespaces? \"?\S+ (not found|is being terminated)|because it is being terminated"),
        Denial.NAMESPACE,
    ),
    (re.compile(r"admission webhook "), Denial.WEBHOOK),
    (re.compile(r"User \".*\" cannot "), Denial.RIGHTS),
    (re.compile(r" is invalid: "), Denial.INVALID),
    (
        re.compile(
            r"status unknown for quota|Operation cannot be fulfilled on resourcequotas|not yet ready to handle request"
        ),
        Denial.BUSY,
    ),
)


def denial_of(error: KubernetesError) -> Denial:
    """Return what kind of refusal an answer is."""
    found = next((denial for shape, denial in _SHAPES if shape.search(error.message)), None)
    if found is not None:
        return found
    return Denial.BUSY if error.passing else Denial.OTHER


def may_pass(error: KubernetesError) -> bool:
    """Return whether the same request may well succeed a little later, although admission refused it."""
    return error.passing or denial_of(error) is Denial.BUSY


def excesses_of(error: KubernetesError) -> tuple[QuotaExcess, ...]:
    """Return what is short, of every quota that the text names; empty if it is another refusal."""
    found = []
    for match in _EXCEEDED.finditer(error.message):
        requested, used, limited = (_amounts(match[name]) for name in ("requested", "used", "limited"))
        found += [
            QuotaExcess(match["quota"], resource, amount, used.get(resource, "0"), limited.get(resource, "0"))
            for resource, amount in requested.items()
        ]
    return tuple(found)


def priority_class_of(error: KubernetesError) -> str:
    """Return the name of the PriorityClass that does not exist."""
    match = re.search(r"no PriorityClass with name (\S+) was found", error.message)
    return match[1] if match else ""


def _amounts(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.rstrip(",").split(","))
    return {resource: amount for resource, sign, amount in pairs if sign}
