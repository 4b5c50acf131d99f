from datetime import UTC, datetime

import pytest

from genkan_sandbox.agent.phases import RestartPolicy, phase
from genkan_sandbox.agent.status import ContainerState, ContainerView, Running, Terminated, Waiting

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
WAITING = Waiting("ContainerCreating")
RUNNING = Running(MOMENT)
DONE = Terminated(0, "Completed", MOMENT, MOMENT)
BROKEN = Terminated(1, "Error", MOMENT, MOMENT)
ALWAYS, ON_FAILURE, NEVER = RestartPolicy.ALWAYS, RestartPolicy.ON_FAILURE, RestartPolicy.NEVER


def view(state: ContainerState, *, last: Terminated | None = None, sidecar: bool = False) -> ContainerView:
    return ContainerView("c", "image", "id", state, last, sidecar=sidecar)


@pytest.mark.parametrize(
    ("policy", "states", "expected"),
    [
        (ALWAYS, [WAITING], "Pending"),
        (ALWAYS, [RUNNING], "Running"),
        (ALWAYS, [RUNNING, WAITING], "Pending"),
        (ALWAYS, [DONE], "Running"),
        (ALWAYS, [BROKEN], "Running"),
        (ON_FAILURE, [DONE], "Succeeded"),
        (ON_FAILURE, [BROKEN], "Running"),
        (ON_FAILURE, [DONE, RUNNING], "Running"),
        (NEVER, [DONE], "Succeeded"),
        (NEVER, [BROKEN], "Failed"),
        (NEVER, [DONE, BROKEN], "Failed"),
        (NEVER, [BROKEN, RUNNING], "Running"),
        (NEVER, [], "Pending"),
    ],
)
def test_the_phase_follows_from_policy_and_states(
    policy: RestartPolicy, states: list[ContainerState], expected: str
) -> None:
    assert phase(policy, [view(state) for state in states]) == expected


def test_a_container_that_waits_for_its_restart_keeps_the_pod_running() -> None:
    assert phase(ON_FAILURE, [view(Waiting("CrashLoopBackOff"), last=BROKEN)]) == "Running"


@pytest.mark.parametrize(
    ("policy", "init", "expected"),
    [
        (NEVER, BROKEN, "Failed"),
        (ON_FAILURE, BROKEN, "Pending"),
        (ALWAYS, BROKEN, "Pending"),
        (NEVER, RUNNING, "Pending"),
        (NEVER, DONE, "Pending"),
    ],
)
def test_a_pod_whose_init_container_fails_for_good_fails(
    policy: RestartPolicy, init: ContainerState, expected: str
) -> None:
    assert phase(policy, [view(WAITING)], [view(init)]) == expected


def test_a_pod_runs_until_its_sidecars_have_ended() -> None:
    assert phase(NEVER, [view(DONE)], [view(RUNNING, sidecar=True)]) == "Running"
    assert phase(NEVER, [view(DONE)], [view(BROKEN, sidecar=True)]) == "Succeeded"


def test_init_containers_are_never_started_again_after_success() -> None:
    assert [policy.for_init for policy in RestartPolicy] == [ON_FAILURE, ON_FAILURE, NEVER]
