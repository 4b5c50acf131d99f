"""A verdict in a few words, for a glance."""

from dataclasses import dataclass
from enum import StrEnum

from genkan_profiles.language.sentences import Sentence, say

from .checks.findings import Check, Finding, State, Verdict


class Tone(StrEnum):
    """How a pill looks; the words alone say what it means."""

    OK = "ok"
    WARN = "warn"
    WAIT = "wait"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Pill:
    """A few words in one of the tones."""

    tone: Tone
    words: Sentence


def pill_of(verdict: Verdict) -> Pill:
    """Return what a card says at a glance."""
    match verdict.state:
        case State.READY if verdict.would_preempt:
            return Pill(Tone.WARN, say("Starts by interrupting other work"))
        case State.READY:
            return Pill(Tone.OK, say("Starts now"))
        case State.WAITS:
            return Pill(Tone.WAIT, say("Waits for room"))
        case State.UNKNOWN:
            return Pill(Tone.UNKNOWN, say("Not known"))
        case State.REFUSED:
            refused = [finding for finding in verdict.findings if finding.state is State.REFUSED]
            return Pill(Tone.NO, _refused(refused))


def _refused(findings: list[Finding]) -> Sentence:  # noqa: PLR0911  # one per check
    worst = findings[0]
    match worst.check:
        case Check.ACCESS:
            return say("Not offered")
        case Check.QUOTA:
            return say("Over the team's share")
        case Check.PRIORITY:
            return say("No such priority")
        case Check.FIT | Check.DRIVER if any(finding.check is Check.DRIVER for finding in findings):
            return say("Not with this image")
        case Check.FIT if worst.ever:
            return say("No room now")
        case Check.FIT | Check.DRIVER:
            return say("No machine for this")
        case Check.STORAGE:
            return say("Storage not available")
