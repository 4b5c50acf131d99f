"""What stands above all cards of a form because it is no matter of one card."""

from collections.abc import Iterable

from genkan_profiles.language.sentences import Sentence

from .cards import Shown
from .checks.findings import Check, State


def disk_notices(cards: Iterable[Shown]) -> list[Sentence]:
    """Return how full the disks are that this user's servers would mount, where that is worth a word.

    Cards that are refused for it say so themselves.
    """
    told = [
        finding
        for shown in cards
        if shown.verdict is not None
        for finding in shown.verdict.findings
        if finding.check is Check.STORAGE and finding.message
    ]
    if any(finding.state is State.REFUSED for finding in told):
        return []
    return list(dict.fromkeys(finding.message for finding in told if finding.state is State.READY))
