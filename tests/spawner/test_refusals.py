import pytest
from jupyterhub.utils import format_exception

from genkan_profiles.language.sentences import say
from genkan_spawner.checks.findings import Check, Finding, State, Verdict
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal


@pytest.mark.parametrize(
    ("check", "reason", "status"),
    [
        (Check.ACCESS, Reason.ACCESS, 403),
        (Check.QUOTA, Reason.QUOTA, 409),
        (Check.PRIORITY, Reason.PRIORITY, 409),
        (Check.FIT, Reason.CAPACITY, 409),
        (Check.DRIVER, Reason.DRIVER, 409),
        (Check.STORAGE, Reason.STORAGE, 409),
    ],
)
def test_each_check_refuses_for_its_own_reason(check: Check, reason: Reason, status: int) -> None:
    refusal = Refusal.of_verdict(Verdict.of([Finding(check, State.REFUSED, say("It cannot be."))]))

    assert (refusal.reason, refusal.status_code) == (reason, status)
    assert format_exception(refusal) == ("It cannot be.", None)


def test_the_first_finding_that_stands_against_a_start_is_told_and_all_are_kept() -> None:
    verdict = Verdict.of(
        [
            Finding(Check.FIT, State.REFUSED, say("No room.")),
            Finding(Check.QUOTA, State.REFUSED, say("No share.")),
            Finding(Check.ACCESS, State.WAITS, say("Not this one.")),
        ]
    )
    refusal = Refusal.of_verdict(verdict, log_message="what Kubernetes said, in %s percent")

    assert refusal.jupyterhub_message == "No share."
    assert refusal.verdict is verdict
    assert "what Kubernetes said, in %s percent" in str(refusal)


@pytest.mark.parametrize("reason", Reason)
def test_programs_are_told_by_the_status_what_kind_of_refusal_it_is(reason: Reason) -> None:
    expected = {Reason.ACCESS: 400, Reason.UNAVAILABLE: 503}.get(reason, 409)

    assert Refusal(say("No."), reason=reason).status_code == expected
    assert Refusal(say("No."), reason=reason, status_code=403).status_code == 403


def test_every_check_has_a_reason() -> None:
    for check in Check:
        assert Refusal.of_verdict(Verdict.of([Finding(check, State.REFUSED, say("No."))])).reason in set(Reason)
