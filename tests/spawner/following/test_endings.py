from typing import Any

import pytest

from genkan_spawner.following.endings import Patience, end_of, obstacle_to_start
from genkan_spawner.following.happenings import Happening
from genkan_spawner.following.pod_state import PodState
from genkan_spawner.reasons import Reason

from .pods import at, container, happening, pod, running_pod, terminated, text, unschedulable, waiting

PATIENCE = Patience(placing=60, pulling=30, mounting=60)


def reason_after(seconds: float, state: PodState, *happenings: Happening) -> Reason | None:
    found = obstacle_to_start(state, happenings, now=at(seconds), patience=PATIENCE)
    return found.reason if found else None


def test_a_start_that_goes_well_is_let_go_on() -> None:
    for state in (pod(), pod(node="a-0", containerStatuses=[waiting("ContainerCreating")]), running_pod()):
        assert reason_after(3600, state) is None


def test_a_pod_without_a_place_is_given_up_after_the_patience() -> None:
    state = pod(conditions=[unschedulable()])

    assert reason_after(59, state) is None
    assert reason_after(61, state) is Reason.CAPACITY


def test_hardware_that_is_waited_for_is_not_given_up() -> None:
    state = pod(conditions=[unschedulable()])

    assert obstacle_to_start(state, now=at(86400), patience=Patience(placing=None)) is None


def test_a_pod_for_which_others_are_being_stopped_is_not_given_up() -> None:
    nominated = pod(conditions=[unschedulable()], nominatedNodeName="a-0")
    missing = 'persistentvolumeclaim "home-alice" not found'

    assert reason_after(3600, nominated) is None
    assert reason_after(61, pod(conditions=[unschedulable(missing)], nominatedNodeName="a-0")) is Reason.STORAGE


def test_a_missing_claim_is_a_matter_of_storage() -> None:
    message = '0/5 nodes are available: persistentvolumeclaim "home-alice" not found. not found'

    assert reason_after(61, pod(conditions=[unschedulable(message)])) is Reason.STORAGE


@pytest.mark.parametrize(
    ("reason", "message", "seconds"),
    [
        ("InvalidImageName", "couldn't parse image name", 0),
        ("ErrImageNeverPull", "", 0),
        ("ErrImagePull", "failed to resolve reference: registry.example.org/x:1: not found", 0),
        ("ImagePullBackOff", "Back-off pulling image: ErrImagePull: manifest unknown", 0),
        ("ErrImagePull", "pull access denied, repository does not exist", 0),
        ("ImagePullBackOff", "Back-off pulling image: dial tcp: i/o timeout", 31),
    ],
)
def test_an_image_that_cannot_be_had_ends_the_start(reason: str, message: str, seconds: int) -> None:
    state = pod(node="a-0", containerStatuses=[waiting(reason, message)])

    assert reason_after(seconds, state) is Reason.IMAGE


def test_a_registry_that_fails_once_is_asked_again() -> None:
    state = pod(node="a-0", containerStatuses=[waiting("ErrImagePull", "dial tcp: i/o timeout")])

    assert reason_after(10, state) is None


@pytest.mark.parametrize(
    ("reason", "message", "words"),
    [
        ("FailedMount", "MountVolume.SetUp failed: exit status 32", "cannot be mounted"),
        ("FailedAttachVolume", "Multi-Attach error for volume pvc-1", "another server"),
    ],
)
def test_storage_that_cannot_be_mounted_ends_the_start_after_the_patience(
    reason: str, message: str, words: str
) -> None:
    state = pod(node="a-0", containerStatuses=[waiting("ContainerCreating")])
    found = obstacle_to_start(state, [happening(reason, message)], now=at(61), patience=PATIENCE)

    assert reason_after(30, state, happening(reason, message)) is None
    assert found is not None
    assert found.reason is Reason.STORAGE
    assert words in found.sentence


def test_a_mount_that_failed_first_and_came_is_forgotten() -> None:
    state = pod(node="a-0", phase="Running", containerStatuses=[container({"running": {}})])

    assert reason_after(600, state, happening("FailedMount")) is None


def test_a_server_that_fails_again_and_again_is_given_up_with_its_log() -> None:
    once = container({"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=1, lastState=terminated("Error", 3))
    twice = once | {"restartCount": 2}
    found = obstacle_to_start(pod(node="a-0", containerStatuses=[twice]), now=at(5), patience=PATIENCE)

    assert reason_after(5, pod(node="a-0", containerStatuses=[once])) is None
    assert found is not None
    assert found.show_log
    assert "exit code 3" in found.sentence


def test_a_server_that_needs_more_memory_than_it_has_is_told_so() -> None:
    row = container({"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=2, lastState=terminated("OOMKilled", 137))

    assert reason_after(5, pod(node="a-0", containerStatuses=[row])) is Reason.CAPACITY


def disrupted(reason: str, message: str = "") -> dict[str, Any]:
    return {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"conditions": [disrupted("PreemptionByScheduler")]}, "higher priority"),
        ({"conditions": [disrupted("DeletionByTaintManager")]}, "went away"),
        ({"conditions": [disrupted("EvictionByEvictionAPI")]}, "out of service"),
        ({"conditions": [disrupted("TerminationByKubelet", "The node was low on resource: memory.")]}, "of memory"),
        ({"phase": "Failed", "reason": "Evicted", "message": "low on resource: ephemeral-storage"}, "disk space"),
        ({"phase": "Failed", "reason": "NodeLost"}, "went away"),
        ({"phase": "Failed", "reason": "OutOfnvidia.com/gpu"}, "last room"),
        ({"phase": "Failed", "reason": "UnexpectedAdmissionError"}, "GPUs has failed"),
        ({"phase": "Failed", "reason": "SomethingNew"}, "refused"),
        ({"phase": "Failed", "containerStatuses": [container(terminated("OOMKilled", 137))]}, "more memory"),
        ({"phase": "Failed", "containerStatuses": [container(terminated("Error", 1))]}, "exit code 1"),
        ({"phase": "Succeeded", "containerStatuses": [container(terminated("Completed", 0))]}, "by itself"),
        ({"phase": "Failed"}, "ended"),
        ({"deleted": at(9)}, "taken away"),
    ],
)
def test_every_end_is_said_in_a_sentence(status: dict[str, Any], words: str) -> None:
    found = end_of(pod(node="a-0", **status))

    assert found is not None
    assert words in found.sentence
    assert found.sentence.endswith(".")


def test_a_running_server_has_no_end() -> None:
    assert end_of(running_pod()) is None


@pytest.mark.parametrize("phase", ["Pending", "Failed"])
@pytest.mark.parametrize("field", ["state", "lastState"])
def test_a_home_that_cannot_be_prepared_ends_the_start_at_once(phase: str, field: str) -> None:
    ended = terminated("Error", 72)
    ended["terminated"]["message"] = "mkdir: cannot create directory './alice': Disk quota exceeded\n"
    row = {**container({"waiting": {"reason": "CrashLoopBackOff"}}), "name": "prepare-home", field: ended}
    state = pod(node="a-0", phase=phase, initContainerStatuses=[row])

    found = obstacle_to_start(state, now=at(0), patience=PATIENCE)

    assert found is not None
    assert found.reason is Reason.STORAGE
    assert found.sentence == "There is no room for your home: the disk of the homes is full. Tell an administrator."
    assert found.at == at(5)


def test_a_home_that_is_prepared_is_no_obstacle() -> None:
    row = {**container(terminated("Completed", 0)), "name": "prepare-home"}

    assert reason_after(0, pod(node="a-0", initContainerStatuses=[row])) is None


@pytest.mark.parametrize(
    ("started", "scheduled", "seconds", "ends"),
    [
        pytest.param(30, 1, 89, False, id="it may still come"),
        pytest.param(30, 1, 90, True, id="it hangs"),
        pytest.param(-600, 1, 60, False, id="the machine's clock is late, and it may still come"),
        pytest.param(-600, 1, 61, True, id="the machine's clock is late, and it hangs"),
    ],
)
def test_a_home_on_a_file_server_that_does_not_answer_is_not_waited_for(
    started: float, scheduled: float, seconds: float, ends: bool
) -> None:
    row = {**container({"running": {"startedAt": text(at(started))}}), "name": "prepare-home"}
    placed = {"type": "PodScheduled", "status": "True", "lastTransitionTime": text(at(scheduled))}
    state = pod(node="a-0", initContainerStatuses=[row], conditions=[placed])

    found = obstacle_to_start(state, now=at(seconds), patience=Patience(mounting=60.0))

    assert (found is not None) is ends
    assert found is None or (found.reason, found.sentence) == (
        Reason.STORAGE,
        "The file server of the storage does not answer. Try again later, or tell an administrator.",
    )


def test_a_container_of_the_users_own_with_that_name_is_not_taken_for_it() -> None:
    row = {**container(terminated("Error", 72)), "name": "prepare-home"}

    assert reason_after(0, pod(node="a-0", containerStatuses=[row])) is None
