"""Whether the quotas of a namespace leave room for one claim more.

Follows the evaluator of claims in the ResourceQuota admission of Kubernetes 1.36.
"""

from collections.abc import Iterator, Mapping

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.cluster.records import THOUSANDTHS, QuotaRecord
from genkan_spawner.cluster.snapshot import Snapshot, Source

from .claims import ClaimUse, NewClaim
from .findings import Check, Finding, State
from .wording import number_of, quantity

_BYTES = "requests.storage"
_COUNT = "persistentvolumeclaims"
_OF_CLASS = ".storageclass.storage.k8s.io/"


def check_claim_quota(
    use: ClaimUse, claim: NewClaim, *, namespace: str, storage_class: str | None, snapshot: Snapshot
) -> Iterator[Finding]:
    """Yield a finding for each resource of each quota of which a claim takes more than is left."""
    if not snapshot.knows(Source.QUOTAS, namespace=namespace):
        return
    usage = claim_usage(claim, storage_class)
    for quota in snapshot.quotas.get(namespace, ()):
        if quota.scopes:
            # Scopes are for pods, but for one of volume attributes, which homes do not have.
            continue
        for resource, requested in usage.items():
            used, limit = quota.used.get(resource, 0), quota.hard.get(resource)
            if limit is not None and used + requested > limit:
                yield claim_excess(quota, resource, used=used, requested=requested, words=use.words)


def claim_usage(claim: NewClaim, storage_class: str | None) -> Mapping[str, int]:
    """Return what quotas count of a claim, in thousandths by their names of resources."""
    usage = {_BYTES: claim.size, _COUNT: THOUSANDTHS, f"count/{_COUNT}": THOUSANDTHS}
    if storage_class:
        usage[f"{storage_class}{_OF_CLASS}{_BYTES}"] = claim.size
        usage[f"{storage_class}{_OF_CLASS}{_COUNT}"] = THOUSANDTHS
    return usage


def is_of_claims(resource: str) -> bool:
    """Return whether a quota's resource is one of claims."""
    return resource.rpartition("/")[2] in {_BYTES, _COUNT}


_HOME = say("Your home")


def claim_excess(quota: QuotaRecord, resource: str, *, used: int, requested: int, words: Sentence = _HOME) -> Finding:
    """Return the finding for a resource of which a quota has not enough left; amounts in thousandths."""
    limit = quota.hard[resource]
    unit = resource.rpartition("/")[2]
    kind = resource.partition(_OF_CLASS)[0] if _OF_CLASS in resource else ""
    if unit == _BYTES:
        sentence = say(
            "{claim} needs {requested} of {storage}, and your team has {left} left of its share of {limit}. "
            "Ask an administrator for more.",
            claim=words,
            requested=number_of(unit, requested),
            storage=say("storage of the kind {kind}", kind=kind) if kind else say("storage"),
            left=number_of(unit, max(limit - used, 0)),
            limit=number_of(unit, limit),
        )
    else:
        sentence = say(
            "{claim} cannot be made: your team may have {limit} {disks}, and has {used}. "
            "Ask an administrator for more.",
            claim=words,
            limit=number_of(unit, limit),
            disks=say("disks of the kind {kind}", kind=kind) if kind else say("disks"),
            used=number_of(unit, used),
        )
    return Finding(
        Check.STORAGE,
        State.REFUSED,
        sentence,
        resource=resource,
        requested=quantity(unit, requested),
        used=quantity(unit, used),
        limit=quantity(unit, limit),
        over_by=quantity(unit, used + requested - limit),
        quota=quota.name,
        ever=False,
    )
