"""What LimitRanges fill in before a pod is counted, and whether it keeps to their bounds.

Follows the LimitRanger admission of Kubernetes 1.36: first every range fills in what containers do not name, then every
range is held against the result. https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from genkan_profiles.language.sentences import Sentence, say, together
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.records import THOUSANDTHS, Amounts, LimitRangeRecord, LimitRow
from genkan_spawner.cluster.requests import parse_amounts, pod_requests
from genkan_spawner.cluster.snapshot import Snapshot, Source

from .demand import Demand, limits_as_requests
from .findings import Check, Finding, State
from .wording import amount_of, noun, number_of, quantity

_CONTAINERS = ("containers", "initContainers")
_COMPLETE = say("Tell an administrator: the hardware has to be completed.")
_ONE_SERVER = say("One server")


class Bound(StrEnum):
    """What a LimitRange can ask of an amount."""

    MOST = "maximum"
    LEAST = "minimum"


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The amounts of a pod as a whole, or of one of its containers."""

    unit: Sentence
    """As it is called in sentences."""
    requests: Amounts
    limits: Amounts


def completed(demand: Demand, snapshot: Snapshot) -> Demand:
    """Return a demand with the requests and limits that the LimitRanges of its namespace add to its containers."""
    ranges = snapshot.limit_ranges.get(demand.namespace, ())
    if demand.sizes is None or not ranges:
        return demand
    sizes = with_defaults(demand.sizes, ranges)
    return demand if sizes == demand.sizes else demand.sized(sizes)


def with_defaults(spec: JsonObject, ranges: Iterable[LimitRangeRecord]) -> JsonObject:
    """Return a pod's spec with what its containers do not name.

    A request that is missing is the container's own limit first, and a default after that. Of several ranges the first
    one fills in; of the rows of one range the last.
    """
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}
    for found in ranges:
        rows = [row for row in found.rows if not row.whole]
        limits = _merged(row.default for row in rows) | limits
        requests = _merged(row.default_request for row in rows) | requests
    filled = {
        key: [_filled(container, limits=limits, requests=requests) for container in spec[key]]
        for key in _CONTAINERS
        if spec.get(key)
    }
    return {**spec, **filled}


def check_limits(demand: Demand, snapshot: Snapshot) -> tuple[Finding, ...]:
    """Return a finding for each bound that a completed demand does not keep to, none if it keeps to all of them."""
    if demand.sizes is None:
        return ()
    if not snapshot.knows(Source.LIMIT_RANGES, namespace=demand.namespace):
        sentence = say("How much one server may have cannot be seen at the moment; the start will show it.")
        return (Finding(Check.QUOTA, State.UNKNOWN, sentence),)
    found: dict[str, Finding] = {}
    for limit_range in snapshot.limit_ranges.get(demand.namespace, ()):
        for row in limit_range.rows:
            for sizes in _sizes(demand.sizes, whole=row.whole):
                found |= {finding.message: finding for finding in _objections(row, sizes)}
    return tuple(found.values())


def out_of_bounds(
    bound: Bound,
    resource: str,
    *,
    limit: int,
    asked: int | None,
    unit: Sentence = _ONE_SERVER,
    takes: bool = False,
) -> Finding:
    """Return the finding for an amount beyond a bound, in thousandths.

    `asked` is None where it is not named at all; `takes` says that it is the limit which is not.
    """
    most = bound is Bound.MOST
    values = {"unit": unit, "limit": amount_of(resource, limit)}
    if asked is None:
        does = say("may take") if takes else say("needs")
        sentence = together([_unnamed(does=does, most=most, **values), _COMPLETE])
    elif most:
        sentence = say(
            "{unit} may have at most {limit} here, and this asks for {asked}. "
            "Choose smaller hardware, or ask an administrator.",
            asked=number_of(resource, asked),
            **values,
        )
    else:
        sentence = say(
            "{unit} must have at least {limit} here, and this asks for {asked}. "
            "Choose larger hardware, or ask an administrator.",
            asked=number_of(resource, asked),
            **values,
        )
    return _finding(resource, sentence, asked=asked, limit=limit, over=most)


def _unnamed(*, does: Sentence, most: bool, unit: Sentence, limit: Sentence) -> Sentence:
    if most:
        return say(
            "{unit} may have at most {limit} here, and this hardware does not say how much it {does}.",
            unit=unit,
            limit=limit,
            does=does,
        )
    return say(
        "{unit} must have at least {limit} here, and this hardware does not say how much it {does}.",
        unit=unit,
        limit=limit,
        does=does,
    )


def _objections(row: LimitRow, sizes: _Sizes) -> Iterator[Finding]:
    for resource, least in row.least.items():
        asked = sizes.requests.get(resource)
        if asked is None or min(asked, sizes.limits.get(resource, asked)) < least:
            amount = None if asked is None else min(asked, sizes.limits.get(resource, asked))
            yield out_of_bounds(Bound.LEAST, resource, limit=least, asked=amount, unit=sizes.unit)
    for resource, most in row.most.items():
        limit = sizes.limits.get(resource)
        if limit is None or max(limit, sizes.requests.get(resource, 0)) > most:
            amount = None if limit is None else max(limit, sizes.requests.get(resource, 0))
            yield out_of_bounds(Bound.MOST, resource, limit=most, asked=amount, unit=sizes.unit, takes=True)
    for resource, ratio in row.ratio.items():
        request, limit = sizes.requests.get(resource, 0), sizes.limits.get(resource, 0)
        if not request or not limit or limit * THOUSANDTHS > request * ratio:
            yield _uneven(resource, ratio=ratio, request=request, limit=limit, unit=sizes.unit)


def _uneven(resource: str, *, ratio: int, request: int, limit: int, unit: Sentence) -> Finding:
    values = {"unit": unit, "times": number_of("times", ratio), "what": noun(resource)}
    if not request or not limit:
        sentence = say(
            "{unit} may use at most {times} times the {what} that it is promised here, "
            "and this hardware does not name both amounts.",
            **values,
        )
        return _finding(resource, together([sentence, _COMPLETE]), asked=None, limit=None)
    sentence = say(
        "{unit} may use at most {times} times the {what} that it is promised here, "
        "and this may use {limit} where {request} is promised. Choose other hardware, and tell an administrator.",
        limit=number_of(resource, limit),
        request=number_of(resource, request),
        **values,
    )
    return _finding(resource, sentence, asked=limit, limit=request * ratio // THOUSANDTHS)


def _finding(resource: str, sentence: Sentence, *, asked: int | None, limit: int | None, over: bool = True) -> Finding:
    return Finding(
        Check.QUOTA,
        State.REFUSED,
        sentence,
        resource=resource,
        requested=None if asked is None else quantity(resource, asked),
        limit=None if limit is None else quantity(resource, limit),
        over_by=None if asked is None or limit is None or not over else quantity(resource, asked - limit),
        ever=False,
    )


def _sizes(spec: JsonObject, *, whole: bool) -> Iterator[_Sizes]:
    if whole:
        # Unlike the scheduler and quotas, this admission leaves the overhead out.
        bare = {key: value for key, value in spec.items() if key != "overhead"}
        yield _Sizes(_ONE_SERVER, pod_requests(bare), pod_requests(limits_as_requests(bare)))
        return
    containers = [container for key in _CONTAINERS for container in spec.get(key) or ()]
    unit = _ONE_SERVER if len(containers) == 1 else say("Each part of a server")
    for container in containers:
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        yield _Sizes(unit, parse_amounts({**limits, **requests}, up=True), parse_amounts(limits, up=True))


def _merged(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for mapping in mappings for name, value in mapping.items()}


def _filled(container: JsonObject, *, limits: Mapping[str, str], requests: Mapping[str, str]) -> JsonObject:
    resources: dict[str, Any] = container.get("resources") or {}
    own_limits, own_requests = resources.get("limits") or {}, resources.get("requests") or {}
    named = {
        **resources,
        "limits": {**limits, **own_limits},
        "requests": {**requests, **own_limits, **own_requests},
    }
    return {**container, "resources": named}
