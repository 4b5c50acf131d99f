"""What a user is told at the next visit about a server that ended."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from genkan_profiles.language.packing import packed, unpacked
from genkan_profiles.language.sentences import Sentence, say, say_number

from .following.endings import Ending
from .following.pod_state import moment


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The end of a user's last server; kept in the hub's database between visits."""

    sentence: Sentence
    at: datetime

    @classmethod
    def of(cls, ending: Ending, *, now: datetime) -> Self:
        """Keep an end; one without a time of its own was noticed just now."""
        return cls(ending.sentence, ending.at or now)

    @classmethod
    def idle(cls, unused: timedelta, *, now: datetime) -> Self:
        """Tell that a server was stopped that nobody used."""
        minutes = int(unused.total_seconds() // 60)
        sentence = say_number(
            "The server was stopped after nobody had used it for one minute.",
            "The server was stopped after nobody had used it for {minutes} minutes.",
            minutes,
            minutes=minutes,
        )
        return cls(sentence, now)

    @classmethod
    def dismissal(cls, by: str, note: str, *, now: datetime) -> Self:
        """Tell that an administrator stopped a server, and what they wrote to its user."""
        if not note:
            return cls(say("{who} stopped the server.", who=by), now)
        return cls(say("{who} stopped the server. This is what they wrote: {note}", who=by, note=note), now)

    @classmethod
    def from_state(cls, state: Any) -> Self | None:
        """Read what `to_state` wrote; None for anything else."""
        match state:
            case {"sentence": str(sentence), "at": str(text)} if sentence:
                at = moment(text)
                if at is None:
                    return None
                return cls(_said(state, sentence), at if at.tzinfo else at.replace(tzinfo=UTC))
            case _:
                return None

    def to_state(self) -> dict[str, Any]:
        """Return it as JSON can hold it; `said` is how the sentence was made, for readers of other languages."""
        return {"sentence": str(self.sentence), "at": self.at.isoformat(), "said": packed(self.sentence)}


def _said(state: dict[str, Any], sentence: str) -> Sentence:
    """Return a sentence that was kept; one of an earlier version stays as it is."""
    try:
        found = unpacked(state.get("said"))
    except ValueError:
        return Sentence.quoted(sentence)
    return found if found == sentence else Sentence.quoted(sentence)
