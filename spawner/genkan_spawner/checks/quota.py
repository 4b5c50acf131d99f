"""Whether the quotas of a namespace leave enough for a pod.

Follows the ResourceQuota admission of Kubernetes 1.36 (`CheckRequest` and the evaluator of pods). The demand has to be
completed by what LimitRanges fill in already.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from genkan_profiles.language.sentences import Sentence, enumerated, say, say_number
from genkan_spawner.cluster.records import THOUSANDTHS, PodRecord, QuotaRecord, ScopeRule
from genkan_spawner.cluster.snapshot import Snapshot, Source

from .demand import PODS, Demand
from .findings import Check, Finding, State
from .priority import Standing, standing
from .wording import amount_of, how_many, is_device, noun, number_of, quantity

_OBJECTS = "count/pods"
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES = "hugepages-"


def check_quota(demand: Demand, snapshot: Snapshot) -> tuple[Finding, ...]:
    """Return a finding for each resource of each quota that is exceeded, or one that says how it stands.

    The latter carries the numbers of the resource that comes closest to its limit; devices go before others.
    """
    if not snapshot.knows(Source.QUOTAS, namespace=demand.namespace):
        sentence = say("What is left of your team's share cannot be seen at the moment; the start will show it.")
        return (Finding(Check.QUOTA, State.UNKNOWN, sentence),)
    own = standing(demand, snapshot)
    matching = [quota for quota in snapshot.quotas.get(demand.namespace, ()) if applies(quota, demand, own)]
    usage = quota_usage(demand)
    exceeded = [finding for quota in matching for finding in _objections(quota, demand, usage, snapshot)]
    if exceeded:
        return tuple(exceeded)
    return (_standing_of(matching, usage, snapshot),)


def applies(quota: QuotaRecord, demand: Demand, own: Standing) -> bool:
    """Return whether a quota counts this pod: all of its scopes have to match."""
    return any(_counts_pods(name) for name in quota.hard) and all(_in_scope(rule, demand, own) for rule in quota.scopes)


def quota_usage(demand: Demand) -> Mapping[str, int]:
    """Return what quotas count of a pod, in thousandths by their names of resources."""
    usage = {PODS: THOUSANDTHS, _OBJECTS: THOUSANDTHS}
    for resource, amount in demand.requests.items():
        usage[f"requests.{resource}"] = amount
        if resource in _COMPUTE or resource.startswith(_HUGE_PAGES):
            usage[resource] = amount
    for resource, amount in demand.limits.items():
        if resource in _COMPUTE:
            usage[f"limits.{resource}"] = amount
    return MappingProxyType(usage)


def _counts_pods(resource: str) -> bool:
    """Return whether a quota's resource is one of pods, and not of claims, services or the like."""
    name = resource.removeprefix("requests.").removeprefix("limits.")
    if name in _COMPUTE or resource in {PODS, _OBJECTS} or name.startswith(_HUGE_PAGES):
        return True
    return resource.startswith("requests.") and "/" in name


def _in_scope(rule: ScopeRule, demand: Demand, own: Standing) -> bool:  # noqa: PLR0911  # one per scope
    match rule.scope:
        case "BestEffort":
            return demand.best_effort
        case "NotBestEffort":
            return not demand.best_effort
        case "Terminating":
            return demand.terminating
        case "NotTerminating":
            return not demand.terminating
        case "CrossNamespacePodAffinity":
            return demand.crosses_namespaces
        case "PriorityClass":
            return _class_matches(rule, own.priority_class)
        case _:
            return False


def _class_matches(rule: ScopeRule, name: str) -> bool:
    match rule.operator:
        case "Exists":
            return bool(name)
        case "DoesNotExist":
            return not name
        case "In":
            return bool(name) and name in rule.values
        case "NotIn":
            return name not in rule.values
        case _:
            return False


def _objections(quota: QuotaRecord, demand: Demand, usage: Mapping[str, int], snapshot: Snapshot) -> Iterator[Finding]:
    unspecified = [name for name in sorted(quota.hard) if name in demand.unspecified]
    if unspecified:
        known = demand.sizes is None or snapshot.knows(Source.LIMIT_RANGES, namespace=demand.namespace)
        yield _must_specify(quota, unspecified, known=known)
        return
    for resource, used, requested in _rows(quota, usage, snapshot):
        if used + requested > quota.hard[resource]:
            yield exceeded(quota, resource, used=used, requested=requested)


def _rows(quota: QuotaRecord, usage: Mapping[str, int], snapshot: Snapshot) -> Iterator[tuple[str, int, int]]:
    """Return resource, used and requested of what a quota limits and the pod asks for, devices first."""
    for resource in sorted(quota.hard, key=lambda name: (not is_device(name), name)):
        if requested := usage.get(resource, 0):
            yield resource, counted(quota, resource, snapshot), requested


def counted(quota: QuotaRecord, resource: str, snapshot: Snapshot) -> int:
    """Return what a quota counts of a resource, with the pods that are being created."""
    uncounted = [pod for pod in snapshot.uncounted if _is_counted(pod, quota, snapshot)]
    return quota.used.get(resource, 0) + sum(_usage_of(pod).get(resource, 0) for pod in uncounted)


def _is_counted(pod: PodRecord, quota: QuotaRecord, snapshot: Snapshot) -> bool:
    """Return whether a pod that only the hub knows of will be counted by a quota."""
    if pod.namespace != quota.namespace:
        return False
    if not isinstance(pod.demand, Demand):
        return not quota.scopes
    return applies(quota, pod.demand, standing(pod.demand, snapshot))


def _usage_of(pod: PodRecord) -> Mapping[str, int]:
    demand = pod.demand if isinstance(pod.demand, Demand) else Demand(pod.name, pod.namespace, pod.requests)
    return quota_usage(demand)


def exceeded(quota: QuotaRecord, resource: str, *, used: int, requested: int) -> Finding:
    """Return the finding for a resource of which a quota has not enough left; amounts in thousandths."""
    limit = quota.hard[resource]
    ever = requested <= limit
    return Finding(
        Check.QUOTA,
        State.REFUSED,
        _too_little_left(resource, limit=limit, used=used, requested=requested)
        if ever
        else _never_enough(resource, limit=limit, requested=requested),
        resource=resource,
        requested=quantity(resource, requested),
        used=quantity(resource, used),
        limit=quantity(resource, limit),
        over_by=quantity(resource, used + requested - limit),
        ever=ever,
        quota=quota.name,
    )


def _too_little_left(resource: str, *, limit: int, used: int, requested: int) -> Sentence:
    left = limit - used
    if resource in {PODS, _OBJECTS}:
        return say_number(
            "Your team may run {limit} at a time, and {used} is running. "
            "Stop one first, or ask an administrator for a larger share.",
            "Your team may run {limit} at a time, and {used} are running. "
            "Stop one first, or ask an administrator for a larger share.",
            how_many(resource, used),
            limit=amount_of(resource, limit),
            used=number_of(resource, used),
        )
    if left <= 0:
        return say_number(
            "Your team's share of {what} is used up: {used} of {limit} is in use, and this needs {requested}. "
            "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share.",
            "Your team's share of {what} is used up: {used} of {limit} are in use, and this needs {requested}. "
            "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share.",
            how_many(resource, used),
            what=noun(resource),
            used=number_of(resource, used),
            limit=amount_of(resource, limit),
            requested=number_of(resource, requested),
        )
    return say(
        "Your team has {left} left of its share of {limit}, and this needs {requested}. "
        "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share.",
        left=amount_of(resource, left),
        limit=number_of(resource, limit),
        requested=number_of(resource, requested),
    )


def _never_enough(resource: str, *, limit: int, requested: int) -> Sentence:
    if resource in {PODS, _OBJECTS}:
        return say("Your team has no share here: it may run no servers. Choose another team, or ask an administrator.")
    if limit == 0:
        return say(
            "Your team has no share of {what}, and this needs {requested}. "
            "Choose other hardware, or ask an administrator.",
            what=noun(resource),
            requested=amount_of(resource, requested),
        )
    return say(
        "This needs {requested}, and your team's whole share is {limit}. "
        "Choose smaller hardware, or ask an administrator for a larger share.",
        requested=amount_of(resource, requested),
        limit=number_of(resource, limit),
    )


def _must_specify(quota: QuotaRecord, unspecified: Iterable[str], *, known: bool) -> Finding:
    """Return the finding for what is not named; unless it is `known` what will be filled in, nobody can tell."""
    names = list(unspecified)
    kinds = enumerated(dict.fromkeys(noun(name) for name in names))
    if all(name.startswith("limits.") for name in names):
        sentence = say(
            "Your team's share counts {kinds}, but this hardware does not name a limit of it. "
            "Tell an administrator: the hardware has to be completed.",
            kinds=kinds,
        )
    else:
        sentence = say(
            "Your team's share counts {kinds}, but this hardware does not name an amount of it. "
            "Tell an administrator: the hardware has to be completed.",
            kinds=kinds,
        )
    state = State.REFUSED if known else State.UNKNOWN
    return Finding(Check.QUOTA, state, sentence, resource=names[0], ever=False, quota=quota.name)


def _standing_of(quotas: Iterable[QuotaRecord], usage: Mapping[str, int], snapshot: Snapshot) -> Finding:
    """Return the numbers of the resource that comes closest to its limit."""
    rows = [(quota, *row) for quota in quotas for row in _rows(quota, usage, snapshot)]
    if not rows:
        return Finding(Check.QUOTA, State.READY)
    quota, resource, used, requested = min(
        rows, key=lambda row: (not is_device(row[1]), (row[0].hard[row[1]] - row[2]) / row[3])
    )
    return Finding(
        Check.QUOTA,
        State.READY,
        resource=resource,
        requested=quantity(resource, requested),
        used=quantity(resource, used),
        limit=quantity(resource, quota.hard[resource]),
        quota=quota.name,
    )
