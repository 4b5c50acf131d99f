"""Parts of a cluster: what somebody writes, and what comes to a team by it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from genkan_profiles.names import is_slug
from genkan_profiles.quantities import Notation, format_quantity

from .exceptions import QuotaError

_GIBIBYTE = 2**30
_MOST_DIGITS = 6
_PERCENT = re.compile(rf"(?P<number>[0-9]{{1,{_MOST_DIGITS}}}(\.[0-9]{{1,{_MOST_DIGITS}}})?)\s*%")
_FRACTION = re.compile(rf"[0-9]{{1,{_MOST_DIGITS}}}(/[0-9]{{1,{_MOST_DIGITS}}}|\.[0-9]{{1,{_MOST_DIGITS}}})?")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the cluster that a team may use; all teams without a name have the same one."""

    team: str
    part: Fraction


@dataclass(frozen=True, slots=True)
class PlannedQuota:
    """What a share comes to, in whole cores, gibibytes and devices."""

    share: Share
    hard: Mapping[str, str]
    """As a ResourceQuota has it."""


def parse_part(text: str) -> Fraction:
    """Read `1/3`, `30%` or `0.25`. Raises QuotaError."""
    try:
        if match := _PERCENT.fullmatch(text.strip()):
            part = Fraction(match["number"]) / 100
        elif _FRACTION.fullmatch(text.strip()):
            part = Fraction(text.strip())
        else:
            part = Fraction(0)
    except ZeroDivisionError:
        part = Fraction(0)
    if not 0 < part <= 1:
        raise QuotaError(f"{text[:40]!r} is no share of a cluster; write 1/3, 30% or 0.25.")
    return part


def shares(teams: Sequence[str], default: Fraction | None) -> list[Share]:
    """Return the shares of teams written as `NAME` or `NAME=SHARE`; without any, one for all. Raises QuotaError."""
    found = [_share(text, default) for text in teams]
    names = [share.team for share in found]
    if double := next((name for name in names if names.count(name) > 1), ""):
        raise QuotaError(f"The team {double} is named twice.")
    if not found:
        found = [_share("", default)]
    return found


def _share(text: str, default: Fraction | None) -> Share:
    name, _, part = text.partition("=")
    if name and not is_slug(name):
        raise QuotaError(f"{name[:40]!r} is no name of a team: it has small letters, digits and single dashes.")
    if not part and default is None:
        raise QuotaError(f"Say how much {name or 'each team'} gets, such as --share 1/3.")
    return Share(name, parse_part(part) if part else default or Fraction(0))


def planned(share: Share, capacity: Mapping[str, Decimal]) -> PlannedQuota:
    """Return what a share comes to, rounded down: what is left over is nobody's."""
    return PlannedQuota(
        share, {f"requests.{name}": _part(name, amount, share.part) for name, amount in capacity.items()}
    )


def _part(name: str, amount: Decimal, part: Fraction) -> str:
    exact = Fraction(amount) * part
    if name == "memory":
        return format_quantity(math.floor(exact / _GIBIBYTE) * _GIBIBYTE, notation=Notation.BINARY)
    return str(math.floor(exact))


def values(quotas: Sequence[PlannedQuota]) -> dict[str, Any]:
    """Return the values for the chart genkan-platform."""
    if [quota.share.team for quota in quotas] == [""]:
        return {"teamDefaults": {"quota": dict(quotas[0].hard)}}
    return {"teams": {quota.share.team: {"quota": dict(quota.hard)} for quota in quotas}}


def remarks(quotas: Sequence[PlannedQuota], capacity: Mapping[str, Decimal]) -> Iterator[str]:
    """Yield what an administrator should know of a plan, in sentences."""
    together = sum((quota.share.part for quota in quotas), Fraction(0))
    if together > 1:
        yield f"The shares add up to {_written(together)} of the cluster: not all can be used at the same time."
    for quota in quotas:
        for name, amount in capacity.items():
            if amount and quota.hard[f"requests.{name}"] in {"0", "0Gi"}:
                who, part = quota.share.team or "A team", _written(quota.share.part)
                yield f"{who} gets no {name}: {part} of {written_amount(name, amount)} is less than one."


def _written(part: Fraction) -> str:
    return str(part) if part.denominator <= 100 else f"{float(part):.1%}"  # noqa: PLR2004  # what people write


def written_amount(name: str, amount: Decimal) -> str:
    """Write an amount as Kubernetes does."""
    return format_quantity(amount, notation=Notation.BINARY if name == "memory" else Notation.DECIMAL)


def as_table(quotas: Sequence[PlannedQuota], capacity: Mapping[str, Decimal]) -> str:
    """Write a plan in columns, for a terminal."""
    head = [
        "RESOURCE",
        "CLUSTER",
        *(f"{quota.share.team or 'EACH TEAM'} ({_written(quota.share.part)})" for quota in quotas),
    ]
    rows = [head]
    for name, amount in capacity.items():
        rows.append([name, written_amount(name, amount), *(quota.hard[f"requests.{name}"] for quota in quotas)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
