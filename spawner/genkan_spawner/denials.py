"""Kubernetes' refusals as sentences for users."""

import re
from http import HTTPStatus

from genkan_profiles.exceptions import QuantityError

from .admission import Denial, QuotaExcess, denial_of, excesses_of, priority_class_of
from .checks.findings import Finding, Verdict
from .checks.limit_ranges import Bound, out_of_bounds
from .checks.quota import exceeded
from .checks.storage_quota import claim_excess, is_of_claims
from .cluster.records import QuotaRecord
from .cluster.requests import parse_amount
from .exceptions import KubernetesError
from .reasons import Reason
from .refusals import Refusal

_ASK_ADMINISTRATORS = "Tell an administrator: the hub's log has the details."

_SENTENCES: dict[Denial, tuple[Reason, str]] = {
    Denial.QUOTA_EXCEEDED: (
        Reason.QUOTA,
        "Your team's share does not suffice for this. Stop a server of your team or choose smaller hardware.",
    ),
    Denial.QUOTA_NOT_MET: (
        Reason.QUOTA,
        f"Your team's share counts something that this hardware does not name. {_ASK_ADMINISTRATORS}",
    ),
    Denial.LIMIT_RANGE: (
        Reason.QUOTA,
        f"This hardware is outside of what one server may have here. {_ASK_ADMINISTRATORS}",
    ),
    Denial.POD_SECURITY: (
        Reason.UNAVAILABLE,
        f"The security rules of your team's namespace do not admit this server. {_ASK_ADMINISTRATORS}",
    ),
    Denial.NAMESPACE: (
        Reason.UNAVAILABLE,
        f"The place where your team's servers run does not exist. {_ASK_ADMINISTRATORS}",
    ),
    Denial.SERVICE_ACCOUNT: (
        Reason.UNAVAILABLE,
        f"The account that servers run with does not exist. {_ASK_ADMINISTRATORS}",
    ),
    Denial.INVALID: (
        Reason.UNAVAILABLE,
        f"The cluster does not accept this server as it is described. {_ASK_ADMINISTRATORS}",
    ),
    Denial.WEBHOOK: (Reason.UNAVAILABLE, f"A rule of the cluster does not admit this server. {_ASK_ADMINISTRATORS}"),
    Denial.RIGHTS: (Reason.UNAVAILABLE, f"The hub may not start servers there. {_ASK_ADMINISTRATORS}"),
    Denial.BUSY: (Reason.UNAVAILABLE, "The cluster does not answer at the moment. Try again in a minute."),
    Denial.OTHER: (Reason.UNAVAILABLE, f"The cluster refuses this server. {_ASK_ADMINISTRATORS}"),
}
_RANGE = re.compile(
    r"(?P<bound>maximum|minimum) (?P<resource>\S+) usage per (Container|Pod) is (?P<limit>[^, ]+?)"
    r"(, but (request|limit) is (?P<asked>[^, \]]+)|\.  No (?P<missing>request|limit) is specified)"
)


def refusal_of(error: KubernetesError) -> Refusal:
    """Return what a user is told of an answer that is no success; Kubernetes' own text is for the log alone."""
    denial = denial_of(error)
    match denial:
        case Denial.QUOTA_EXCEEDED if findings := _findings(error):
            return Refusal.of_verdict(Verdict.of(findings), log_message=error.message)
        case Denial.PRIORITY_CLASS:
            sentence = (
                f"The priority {priority_class_of(error)} does not exist in this cluster. "
                "Choose another priority, and tell an administrator."
            )
            return _refusal(Reason.PRIORITY, sentence, error)
        case Denial.LIMIT_RANGE if findings := _out_of_bounds(error):
            return Refusal.of_verdict(Verdict.of(findings), log_message=error.message)
        case _:
            reason, sentence = _SENTENCES[denial]
            return _refusal(reason, sentence, error)


def _findings(error: KubernetesError) -> list[Finding]:
    """Return what is short; empty where the text, or an amount in it, cannot be read."""
    try:
        return [_finding(row) for row in excesses_of(error)]
    except QuantityError:
        return []


def _finding(excess: QuotaExcess) -> Finding:
    """Return what the check of quotas would have found, had it seen what admission saw."""
    requested, used, limit = (parse_amount(text, up=True) for text in (excess.requested, excess.used, excess.limit))
    quota = QuotaRecord(namespace="", name=excess.quota, hard={excess.resource: limit}, used={excess.resource: used})
    shortage = claim_excess if is_of_claims(excess.resource) else exceeded
    return shortage(quota, excess.resource, used=used, requested=requested)


def _refusal(reason: Reason, sentence: str, error: KubernetesError) -> Refusal:
    busy = reason is Reason.UNAVAILABLE
    status = HTTPStatus.SERVICE_UNAVAILABLE if busy else HTTPStatus.CONFLICT
    return Refusal(sentence, reason=reason, status_code=status, log_message=error.message)


def _out_of_bounds(error: KubernetesError) -> list[Finding]:
    """Return what the check of limit ranges would have found; empty where the text cannot be read."""
    try:
        return [_beyond(match) for match in _RANGE.finditer(error.message)]
    except QuantityError:
        return []


def _beyond(match: re.Match[str]) -> Finding:
    limit = parse_amount(match["limit"], up=True)
    asked = parse_amount(match["asked"], up=True) if match["asked"] else None
    return out_of_bounds(
        Bound(match["bound"]), match["resource"], limit=limit, asked=asked, takes=match["missing"] == "limit"
    )
