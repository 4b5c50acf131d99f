"""What a user is told at the next visit about a server that ended."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from .following.endings import Ending
from .following.pod_state import moment


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The end of a user's last server; kept in the hub's database between visits."""

    sentence: str
    at: datetime

    @classmethod
    def of(cls, ending: Ending, *, now: datetime) -> Self:
        """Keep an end; one without a time of its own was noticed just now."""
        return cls(ending.sentence, ending.at or now)

    @classmethod
    def idle(cls, unused: timedelta, *, now: datetime) -> Self:
        """Tell that a server was stopped that nobody used."""
        minutes = int(unused.total_seconds() // 60)
        return cls(f"The server was stopped after nobody had used it for {minutes} minutes.", now)

    @classmethod
    def dismissal(cls, by: str, note: str, *, now: datetime) -> Self:
        """Tell that an administrator stopped a server, and what they wrote to its user."""
        sentence = f"{by} stopped the server."
        return cls(f"{sentence} This is what they wrote: {note}" if note else sentence, now)

    @classmethod
    def from_state(cls, state: Any) -> Self | None:
        """Read what `to_state` wrote; None for anything else."""
        match state:
            case {"sentence": str(sentence), "at": str(text)} if sentence:
                at = moment(text)
                return cls(sentence, at if at.tzinfo else at.replace(tzinfo=UTC)) if at is not None else None
            case _:
                return None

    def to_state(self) -> dict[str, str]:
        """Return it as JSON can hold it."""
        return {"sentence": self.sentence, "at": self.at.isoformat()}
