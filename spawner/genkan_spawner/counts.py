"""What is free, and what is left of a share, as people see it: small marks and a few words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from genkan_profiles.language.sentences import Sentence, say

from .checks.disks import disk_size
from .checks.free import Free
from .checks.shares import Share
from .checks.wording import noun, number_of
from .storage.fill import DiskFill

MOST_MARKS = 32
"""Devices that are drawn on one card; a glance takes in no more."""


@dataclass(frozen=True, slots=True)
class FreeMarks:
    """Devices drawn one by one, by machine, and the same in words."""

    marks: tuple[tuple[bool, ...], ...]
    """Of each machine, whether each device is free."""
    more: bool
    """Whether there are machines that are not drawn."""
    words: Sentence

    @classmethod
    def of(cls, free: Free) -> Self:
        """Draw what was counted."""
        drawn: list[tuple[bool, ...]] = []
        count = 0
        for available, total in free.machines:
            if drawn and count + total > MOST_MARKS:
                break
            shown = min(total, MOST_MARKS)
            drawn.append(tuple(number < available for number in range(shown)))
            count += shown
        return cls(tuple(drawn), len(drawn) < len(free.machines), _words(free))


def _words(free: Free) -> Sentence:
    if free.total == 0:
        return say("None is running now")
    if free.largest < free.free and any(total > 1 for _, total in free.machines):
        return say(
            "{free} of {total} free, up to {largest} on one machine",
            free=free.free,
            total=free.total,
            largest=free.largest,
        )
    return say("{free} of {total} free", free=free.free, total=free.total)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in use, for a bar."""

    name: Sentence
    words: Sentence
    percent: int

    @classmethod
    def of_share(cls, share: Share) -> Self:
        """Show one resource of a team's share."""
        used, limit, left = (number_of(share.resource, amount) for amount in (share.used, share.limit, share.left))
        words = say("{used} of {limit} used, {left} left", used=used, limit=limit, left=left)
        return cls(noun(share.resource), words, share.percent)

    @classmethod
    def of_disk(cls, fill: DiskFill) -> Self:
        """Show how full the disk of the homes is."""
        words = say("{used} of {limit} used", used=disk_size(fill.used), limit=disk_size(fill.size))
        return cls(say("Disk of the homes"), words, min(int(fill.percent), 100))


@dataclass(frozen=True, slots=True)
class TeamShare:
    """What one team has left."""

    name: str
    """Empty where there are no teams, and the share is that of all."""
    amounts: Sequence[Amount]
