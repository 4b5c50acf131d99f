import pytest

from genkan_spawner.following.happenings import Happening
from genkan_spawner.following.pod_state import PodState
from genkan_spawner.following.steps import Step, progress_of

from .pods import container, happening, pod, running_pod, unschedulable, waiting

CREATING = pod(node="a-0", containerStatuses=[waiting("ContainerCreating")])


@pytest.mark.parametrize(
    ("state", "happenings", "step"),
    [
        (None, (), Step.ASKED),
        (pod(), (), Step.PLACING),
        (pod(conditions=[unschedulable()]), (), Step.PLACING),
        (CREATING, (), Step.PLACED),
        (CREATING, ("Scheduled", "FailedMount"), Step.MOUNTING),
        (CREATING, ("Pulling",), Step.PULLING),
        (CREATING, ("Pulling", "Pulled"), Step.PULLED),
        (pod(node="a-0", phase="Running", containerStatuses=[container({"running": {}})]), (), Step.STARTING),
        (running_pod(), (), Step.RUNNING),
    ],
)
def test_each_moment_of_a_start_has_its_step(state: PodState | None, happenings: tuple[str, ...], step: Step) -> None:
    found = progress_of(state, [happening(reason) for reason in happenings])

    assert found.step is step
    assert found.sentence.endswith(".")


@pytest.mark.parametrize(
    "message",
    [
        '0/5 nodes are available: persistentvolumeclaim "claim-alice" not found.',
        "0/5 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    ],
)
def test_a_claim_that_is_being_made_is_no_lack_of_machines(message: str) -> None:
    assert progress_of(pod(conditions=[unschedulable(message)])).sentence == "The storage is being prepared."


def test_progress_never_goes_back() -> None:
    values = [step.value for step in Step]

    assert values == sorted(values)
    assert values[-1] < 100


def test_events_of_both_forms_are_read() -> None:
    old = Happening.of(
        {
            "metadata": {"uid": "e1"},
            "involvedObject": {"uid": "u1"},
            "type": "Warning",
            "reason": "FailedMount",
            "message": "no",
            "count": 3,
            "firstTimestamp": "2026-09-01T14:02:00Z",
            "lastTimestamp": "2026-09-01T14:03:00Z",
        }
    )
    new = Happening.of({"metadata": {"uid": "e2"}, "reason": "Scheduled", "eventTime": "2026-09-01T14:02:00.5Z"})

    assert (old.count, old.warning, old.first is not None, old.last is not None) == (3, True, True, True)
    assert (new.count, new.first, new.pod_uid) == (1, new.last, "")
