"""Whether the user may choose this at all; the catalogue knows, and says so in a sentence."""

from genkan_profiles.language.sentences import Sentence

from .findings import Check, Finding, State


def check_access(sentence: Sentence | None) -> Finding:
    """Turn the catalogue's objection into a finding; None if it has none."""
    if sentence is None:
        return Finding(Check.ACCESS, State.READY)
    return Finding(Check.ACCESS, State.REFUSED, sentence, ever=False)
