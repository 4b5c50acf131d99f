"""The cases of the benchmark `truth`, and how it counts."""

import pytest
from benchmarks.trials import End, Trial, Truth, foretold
from benchmarks.truth import disagreements_and_counts
from benchmarks.truth_states import StateMaker

from genkan_profiles.language.sentences import say
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.findings import Check, Finding, State, Verdict

READY = Finding(Check.FIT, State.READY)


def test_a_seed_stands_for_the_same_states() -> None:
    first, second, other = (
        StateMaker(seed).make("s", namespace="own", neighbour="other", demands=3) for seed in (7, 7, 8)
    )

    assert first == second
    assert first != other


def test_every_demand_can_be_read() -> None:
    maker = StateMaker(1)
    states = [maker.make(f"s{index}", namespace="own", neighbour="other", demands=3) for index in range(200)]

    demands = [demand_of(manifest) for state in states for manifest in state.demands]

    assert {demand.namespace for demand in demands} == {"own"}
    assert {len(state.nodes) for state in states} == {1, 2, 3, 4}
    assert any(demand.best_effort for demand in demands)
    assert any(demand.terminating for demand in demands)
    assert any(demand.placement.terms for demand in demands)


@pytest.mark.parametrize(
    ("findings", "end"),
    [
        ([READY], End.PLACED),
        ([Finding(Check.FIT, State.READY, would_preempt=True)], End.PREEMPTING),
        ([Finding(Check.QUOTA, State.REFUSED), Finding(Check.FIT, State.REFUSED)], End.REFUSED),
        ([Finding(Check.PRIORITY, State.REFUSED), READY], End.REFUSED),
        ([Finding(Check.FIT, State.REFUSED)], End.FULL),
        ([Finding(Check.FIT, State.WAITS)], End.FULL),
        ([Finding(Check.FIT, State.UNKNOWN)], End.UNKNOWN),
    ],
)
def test_a_verdict_foretells_an_end(findings: list[Finding], end: End) -> None:
    assert foretold(Verdict.of(findings)) is end


def trial(said: Finding, came: End) -> Trial:
    return Trial({"metadata": {"name": "mine"}}, Verdict.of([said]), Truth(came, "words"))


def test_disagreements_are_counted_and_shown_whole() -> None:
    refused = Finding(Check.FIT, State.REFUSED, say("Full."))
    trials = [
        trial(READY, End.PLACED),
        trial(READY, End.FULL),
        trial(refused, End.PLACED),
        trial(Finding(Check.FIT, State.UNKNOWN), End.PLACED),
    ]

    counts, cases = disagreements_and_counts(trials)

    assert {row.label: row.text for row in counts} == {
        "states tried": "4",
        "agreement": "1 of 3 (33.33%)",
        "left open": "1",
        "false free": "1",
        "false full": "1",
        "what came": "placed: 3, not placed: 1",
    }
    assert [row.label for row in cases] == ["case mine", "case mine"]
    assert cases[0].text.startswith("foretold: placed; came: not placed (words)")
    assert "Full." in cases[1].text
