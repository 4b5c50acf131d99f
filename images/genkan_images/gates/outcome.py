"""What a gate says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """The judgement of one gate."""

    failures: tuple[str, ...] = ()
    """A sentence for each reason to keep the image back."""
    notes: tuple[str, ...] = ()
    """What should be known, and keeps nothing back."""

    @property
    def passed(self) -> bool:
        """Whether the image may go on."""
        return not self.failures
