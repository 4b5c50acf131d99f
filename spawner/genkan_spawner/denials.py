"""Kubernetes' refusals as sentences for users."""

import re
from http import HTTPStatus

from genkan_profiles.exceptions import QuantityError
from genkan_profiles.language.sentences import Sentence, say, together

from .admission import Denial, QuotaExcess, denial_of, excesses_of, priority_class_of
from .checks.findings import Finding, Verdict
from .checks.limit_ranges import Bound, out_of_bounds
from .checks.priority import missing_priority
from .checks.quota import exceeded
from .checks.storage_quota import claim_excess, is_of_claims
from .cluster.records import QuotaRecord
from .cluster.requests import parse_amount
from .exceptions import KubernetesError
from .reasons import Reason
from .refusals import Refusal

_ASK = say("Tell an administrator: the hub's log has the details.")

_SENTENCES: dict[Denial, tuple[Reason, Sentence]] = {
    Denial.QUOTA_EXCEEDED: (
        Reason.QUOTA,
        say("Your team's share does not suffice for this. Stop a server of your team or choose smaller hardware."),
    ),
    Denial.QUOTA_NOT_MET: (
        Reason.QUOTA,
        together([say("Your team's share counts something that this hardware does not name."), _ASK]),
    ),
    Denial.LIMIT_RANGE: (
        Reason.QUOTA,
        together([say("This hardware is outside of what one server may have here."), _ASK]),
    ),
    Denial.POD_SECURITY: (
        Reason.UNAVAILABLE,
        together([say("The security rules of your team's namespace do not admit this server."), _ASK]),
    ),
    Denial.NAMESPACE: (
        Reason.UNAVAILABLE,
        together([say("The place where your team's servers run does not exist."), _ASK]),
    ),
    Denial.SERVICE_ACCOUNT: (
        Reason.UNAVAILABLE,
        together([say("The account that servers run with does not exist."), _ASK]),
    ),
    Denial.INVALID: (
        Reason.UNAVAILABLE,
        together([say("The cluster does not accept this server as it is described."), _ASK]),
    ),
    Denial.WEBHOOK: (
        Reason.UNAVAILABLE,
        together([say("A rule of the cluster does not admit this server."), _ASK]),
    ),
    Denial.RIGHTS: (Reason.UNAVAILABLE, together([say("The hub may not start servers there."), _ASK])),
    Denial.BUSY: (Reason.UNAVAILABLE, say("The cluster does not answer at the moment. Try again in a minute.")),
    Denial.OTHER: (Reason.UNAVAILABLE, together([say("The cluster refuses this server."), _ASK])),
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
            return _refusal(Reason.PRIORITY, missing_priority(priority_class_of(error)), error)
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


def _refusal(reason: Reason, sentence: Sentence, error: KubernetesError) -> Refusal:
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
