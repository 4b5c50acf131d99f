import pytest

from genkan_profiles.language.sentences import Sentence
from genkan_spawner.checks.findings import Check, Finding, State, Verdict
from genkan_spawner.pills import Tone, pill_of


def verdict(check: Check, state: State, *, ever: bool = True, would_preempt: bool = False) -> Verdict:
    worst = Finding(check, state, Sentence.quoted("Why."), ever=ever, would_preempt=would_preempt)
    return Verdict.of([worst, Finding(Check.DRIVER, State.READY)])


@pytest.mark.parametrize(
    ("found", "tone", "words"),
    [
        (verdict(Check.FIT, State.READY), Tone.OK, "Starts now"),
        (verdict(Check.FIT, State.READY, would_preempt=True), Tone.WARN, "Starts by interrupting other work"),
        (verdict(Check.FIT, State.WAITS), Tone.WAIT, "Waits for room"),
        (verdict(Check.FIT, State.UNKNOWN), Tone.UNKNOWN, "Not known"),
        (verdict(Check.FIT, State.UNKNOWN, would_preempt=True), Tone.UNKNOWN, "Not known"),
        (verdict(Check.FIT, State.REFUSED), Tone.NO, "No room now"),
        (verdict(Check.FIT, State.REFUSED, ever=False), Tone.NO, "No machine for this"),
        (verdict(Check.QUOTA, State.REFUSED), Tone.NO, "Over the team's share"),
        (verdict(Check.PRIORITY, State.REFUSED), Tone.NO, "No such priority"),
        (verdict(Check.ACCESS, State.REFUSED), Tone.NO, "Not offered"),
        (verdict(Check.DRIVER, State.REFUSED), Tone.NO, "Not with this image"),
        (verdict(Check.STORAGE, State.REFUSED), Tone.NO, "Storage not available"),
    ],
)
def test_a_verdict_is_told_in_a_few_words_of_one_tone(found: Verdict, tone: Tone, words: str) -> None:
    pill = pill_of(found)

    assert (pill.tone, pill.words) == (tone, words)


def test_the_first_thing_against_a_start_is_the_one_that_is_told() -> None:
    both = [Finding(check, State.REFUSED, Sentence.quoted("No.")) for check in (Check.FIT, Check.QUOTA)]

    assert pill_of(Verdict.of(both)).words == "Over the team's share"
