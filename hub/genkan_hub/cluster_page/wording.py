"""Amounts and times as the page shows them, as sentences that its templates say in the reader's language."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from genkan_profiles.language.sentences import Sentence, say, say_number
from genkan_spawner.checks.wording import noun

from .holders import State
from .view import KindView

MINUTE, HOUR, DAY = 60, 3600, 86_400

_GIBIBYTE = 2**30
_VENDORS = ("NVIDIA-", "Tesla-", "GeForce-", "Quadro-")


def duration(seconds: float) -> Sentence:
    """Return a time span in its two largest units: `2 h 10 min`, `40 min`, `3 d 4 h`."""
    whole = max(int(seconds), 0)
    if whole < MINUTE:
        return say("{seconds} s", seconds=whole)
    if whole < HOUR:
        return say("{minutes} min", minutes=whole // MINUTE)
    if whole < DAY:
        hours, minutes = divmod(whole // MINUTE, 60)
        return (
            say("{hours} h {minutes} min", hours=hours, minutes=minutes) if minutes else say("{hours} h", hours=hours)
        )
    days, hours = divmod(whole // HOUR, 24)
    return say("{days} d {hours} h", days=days, hours=hours) if hours else say("{days} d", days=days)


def short(seconds: float) -> Sentence:
    """Return a time span in its largest unit: `2 h`, `40 min`, `3 d`."""
    whole = max(int(seconds), 0)
    if whole < HOUR:
        return duration(whole)
    return say("{hours} h", hours=whole // HOUR) if whole < DAY else say("{days} d", days=whole // DAY)


def ago(seconds: float | None) -> Sentence:
    """Return how long ago something was heard."""
    if seconds is None:
        return say("never")
    if seconds < 2:  # noqa: PLR2004  # as exact as people look
        return say("just now")
    return say("{duration} ago", duration=duration(seconds))


def exact(moment: datetime) -> str:
    """Return a moment to the second, for people who may be anywhere."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def percent(value: float | None) -> Sentence:
    """Return a utilisation."""
    return say("not measured") if value is None else say("{value} %", value=round(value))


def memory(used: int | None, size: int | None) -> Sentence:
    """Return how much of how much memory is in use."""
    if used is None or size is None:
        return say("not measured")
    return say("{used} of {size} GB", used=_gigabytes(used), size=_gigabytes(size))


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


def gpus(count: int) -> Sentence:
    """Return a number of GPUs."""
    return say_number("{count} GPU", "{count} GPUs", count, count=count)


def by_kind(kinds: Sequence[KindView]) -> list[Sentence]:
    """Return what is free of each kind."""
    return [
        say(
            "{card}: {free} of {all} free, at most {most} on one machine",
            card=_named(kind.product, kind.resource),
            free=kind.free,
            all=kind.total,
            most=kind.largest_free_block,
        )
        for kind in kinds
    ]


def cards(products: Iterable[str]) -> list[tuple[str, str]]:
    """Return products with what they are called."""
    return [(product, card(product, "")) for product in products]


def state(found: State) -> Sentence:
    """Return what the state of a server is called."""
    match found:
        case State.RUNNING:
            return say("running")
        case State.WAITING:
            return say("waits for a machine")
        case State.STARTING:
            return say("starting")
        case State.STOPPING:
            return say("stopping")


def states() -> list[tuple[str, Sentence]]:
    """Return all states that can be looked for, with what they are called."""
    return [*((found.value, state(found)) for found in State), ("idle", say("GPUs idle"))]


def kinds() -> list[tuple[str, Sentence]]:
    """Return whose pods can be looked for."""
    return [
        ("server", say("Servers of this hub")),
        ("gpu", say("Whatever holds GPUs")),
        ("other", say("Others in the cluster")),
    ]


def _named(product: str, resource: str) -> str:
    part = part_of_card(product, resource)
    name = card(product, resource)
    return say("{card} ({part})", card=name, part=part) if part else name


def _gigabytes(amount: int) -> str:
    shown = amount / _GIBIBYTE
    return f"{shown:.0f}" if shown >= 10 or amount == 0 else f"{shown:.1f}"  # noqa: PLR2004  # three digits are enough
