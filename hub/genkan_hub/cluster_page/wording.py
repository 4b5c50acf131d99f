"""Amounts and times as the page shows them. Every text of the page is here or in its templates."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from genkan_spawner.checks.wording import noun

from .holders import State
from .view import KindView

MINUTE, HOUR, DAY = 60, 3600, 86_400

_GIBIBYTE = 2**30
_VENDORS = ("NVIDIA-", "Tesla-", "GeForce-", "Quadro-")


def _(text: str, **values: object) -> str:
    return text.format(**values)


def duration(seconds: float) -> str:
    """Return a time span in its two largest units: `2 h 10 min`, `40 min`, `3 d 4 h`."""
    whole = max(int(seconds), 0)
    if whole < MINUTE:
        return _("{seconds} s", seconds=whole)
    if whole < HOUR:
        return _("{minutes} min", minutes=whole // MINUTE)
    if whole < DAY:
        hours, minutes = divmod(whole // MINUTE, 60)
        return _("{hours} h {minutes} min", hours=hours, minutes=minutes) if minutes else _("{hours} h", hours=hours)
    days, hours = divmod(whole // HOUR, 24)
    return _("{days} d {hours} h", days=days, hours=hours) if hours else _("{days} d", days=days)


def short(seconds: float) -> str:
    """Return a time span in its largest unit: `2 h`, `40 min`, `3 d`."""
    whole = max(int(seconds), 0)
    if whole < HOUR:
        return duration(whole)
    return _("{hours} h", hours=whole // HOUR) if whole < DAY else _("{days} d", days=whole // DAY)


def ago(seconds: float | None) -> str:
    """Return how long ago something was heard."""
    if seconds is None:
        return _("never")
    if seconds < 2:  # noqa: PLR2004  # as exact as people look
        return _("just now")
    return _("{duration} ago", duration=duration(seconds))


def exact(moment: datetime) -> str:
    """Return a moment to the second, for people who may be anywhere."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def percent(value: float | None) -> str:
    """Return a utilisation."""
    return _("not measured") if value is None else _("{value} %", value=round(value))


def memory(used: int | None, size: int | None) -> str:
    """Return how much of how much memory is in use."""
    if used is None or size is None:
        return _("not measured")
    return _("{used} of {size} GB", used=_gigabytes(used), size=_gigabytes(size))


def card(product: str, resource: str) -> str:
    """Return a card's name without what all cards of its vendor have in common: `A100 SXM4 80GB`."""
    name = product
    for vendor in _VENDORS:
        name = name.removeprefix(vendor)
    return name.replace("-", " ") or noun(resource)


def part_of_card(product: str, resource: str) -> str:
    """Return what devices are called that are no whole cards, `shared GPUs`; empty where the product says it."""
    name = noun(resource)
    return "" if name == noun("nvidia.com/gpu") or resource.rpartition("mig-")[2] in product else name


def gpus(count: int) -> str:
    """Return a number of GPUs."""
    return _("1 GPU") if count == 1 else _("{count} GPUs", count=count)


def by_kind(kinds: Sequence[KindView]) -> str:
    """Return what is free of each kind, for a tooltip."""
    rows = (
        _(
            "{card}: {free} of {all} free, at most {most} on one machine",
            card=_named(kind.product, kind.resource),
            free=kind.free,
            all=kind.total,
            most=kind.largest_free_block,
        )
        for kind in kinds
    )
    return "\n".join(rows)


def cards(products: Iterable[str]) -> list[tuple[str, str]]:
    """Return products with what they are called."""
    return [(product, card(product, "")) for product in products]


def state(found: State) -> str:
    """Return what the state of a server is called."""
    match found:
        case State.RUNNING:
            return _("running")
        case State.WAITING:
            return _("waits for a machine")
        case State.STARTING:
            return _("starting")
        case State.STOPPING:
            return _("stopping")


def states() -> list[tuple[str, str]]:
    """Return all states that can be looked for, with what they are called."""
    return [*((found.value, state(found)) for found in State), ("idle", _("GPUs idle"))]


def kinds() -> list[tuple[str, str]]:
    """Return whose pods can be looked for."""
    return [
        ("server", _("Servers of this hub")),
        ("gpu", _("Whatever holds GPUs")),
        ("other", _("Others in the cluster")),
    ]


def _named(product: str, resource: str) -> str:
    part = part_of_card(product, resource)
    return f"{card(product, resource)} ({part})" if part else card(product, resource)


def _gigabytes(amount: int) -> str:
    shown = amount / _GIBIBYTE
    return f"{shown:.0f}" if shown >= 10 or amount == 0 else f"{shown:.1f}"  # noqa: PLR2004  # three digits are enough
