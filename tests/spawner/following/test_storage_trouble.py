"""What Kubernetes and file servers say of storage, in sentences; the texts are real ones."""

from typing import Any

import pytest

from genkan_profiles.homes import HOME
from genkan_spawner.following.endings import Patience, obstacle_to_start
from genkan_spawner.following.storage_trouble import (
    absent_sentence,
    folder_sentence,
    full_disk,
    mounting_sentence,
    provisioning_sentence,
    reach_sentence,
)
from genkan_spawner.reasons import Reason

from .pods import at, happening, pod, unschedulable, waiting

NFS = (
    'MountVolume.SetUp failed for volume "homes" : mount failed: exit status 32\nMounting command: mount\n'
    "Mounting arguments: -t nfs 10.0.0.1:/export/homes /var/lib/kubelet/pods/1/volumes/homes\nOutput: "
)


EXCLUSIVE = (
    'Multi-Attach error for volume "pvc-1" '
    "Volume is already exclusively attached to one node and can't be attached to another"
)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (f"{NFS}mount.nfs: Connection timed out", "does not answer"),
        (f"{NFS}mount.nfs: Connection refused", "does not answer"),
        (f"{NFS}mount.nfs: No route to host", "does not answer"),
        (f"{NFS}mount.nfs: access denied by server while mounting 10.0.0.1:/export/homes", "does not let the machine"),
        (f"{NFS}mount.nfs: mounting X failed, reason given by server: No such file or directory", "is not where"),
        (f"{NFS}mount.nfs: something else", "cannot be mounted; administrators can look into it"),
        (
            "Unable to attach or mount volumes: unmounted volumes=[home]: timed out waiting for the condition",
            "does not answer",
        ),
        (
            'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) jupyter-alice--second',
            "still held by another server",
        ),
        (
            EXCLUSIVE,
            "still held by another server",
        ),
        ('MountVolume.SetUp failed for volume "settings" : configmap "settings" not found', "cannot be mounted"),
    ],
)  # fmt: skip
def test_a_mount_that_fails(message: str, words: str) -> None:
    assert words in mounting_sentence(message)


@pytest.mark.parametrize(
    ("message", "absent", "reach"),
    [
        ('persistentvolumeclaim "nope" not found. not found', "is not there", ""),
        ('persistentvolumeclaim "home" is being deleted', "is being deleted", ""),
        ("pod has unbound immediate PersistentVolumeClaims. not found", "has not been made", ""),
        ('storageclass.storage.k8s.io "nope" not found', "has not been made", ""),
        ("2 node(s) had volume node affinity conflict, 3 Insufficient nvidia.com/gpu.", "", "machines that reach"),
        ("5 node(s) didn't match PersistentVolume's node affinity.", "", "machines that reach"),
        ("5 node(s) didn't find available persistent volumes to bind.", "", "There is no disk"),
        ("5 node(s) exceed max volume count.", "", "cannot take more disks"),
        (
            "5 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.",
            "",
            "one at a time",
        ),
        ("5 Insufficient nvidia.com/gpu.", "", ""),
    ],
)
def test_a_pod_without_a_place(message: str, absent: str, reach: str) -> None:
    message = f"0/5 nodes are available: {message}"
    assert (absent in absent_sentence(message)) if absent else (absent_sentence(message) == "")
    assert (reach in reach_sentence(message)) if reach else (reach_sentence(message) == "")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ('storageclass.storage.k8s.io "nope" not found', "its kind of storage does not exist"),
        (
            'failed to provision volume with StorageClass "fast": rpc error: code = ResourceExhausted desc = no space',
            "has no room left",
        ),
        ('failed to provision volume with StorageClass "fast": rpc error: code = Internal', "what makes it has failed"),
    ],
)
def test_a_volume_that_is_not_made(message: str, words: str) -> None:
    assert words in provisioning_sentence(message)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (f"OSError: [Errno 28] No space left on device: '{HOME}/.local'", "Your home is full,"),
        ("OSError: [Errno 28] No space left on device: '/tmp/x'", "A disk that the server writes to is full."),
        (f"OSError: [Errno 122] Disk quota exceeded: '{HOME}/.local'", "Your share of a disk is used up,"),
        (f"sh: write error: No space left on device {HOME}/x", "Your home is full,"),
        (f"at {HOME}/.local/a.py\nOSError: [Errno 28] No space left on device: '/dev/shm/x'", "A disk that the server"),
        ("ValueError: no", ""),
        ("Errno 281", ""),
        ("", ""),
    ],
)
def test_the_last_words_of_a_server_that_could_not_write(words: str, sentence: str) -> None:
    found = full_disk(words.splitlines(), home=HOME)
    assert bool(found) is bool(sentence)
    assert found is None or found.sentence.startswith(sentence)


def test_of_a_full_disk_the_line_is_told_that_says_whose_it_is() -> None:
    lines = [
        f"[E ServerApp] Failed to write server-info to {HOME}/.local/js-1.json: OSError(28, 'No space left on device')",
        "OSError: [Errno 28] No space left on device",
        "[I ServerApp] Skipped non-installed servers",
    ]
    found = full_disk(lines, home=HOME)
    assert found is not None
    assert (found.sentence[:17], found.line) == ("Your home is full", lines[0])
    assert full_disk(["sqlite3.OperationalError: database or disk is full"], home=HOME) is not None


def test_a_folder_that_cannot_be_made_is_told_from_other_mistakes() -> None:
    message = 'failed to create subPath directory for volumeMount "home" of container "notebook"'
    state = pod(node="a-0", containerStatuses=[waiting("CreateContainerConfigError", message)])
    found = obstacle_to_start(state, now=at(1), patience=Patience())
    assert found is not None
    assert (found.reason, found.detail) == (Reason.STORAGE, message)
    assert folder_sentence('secret "x" not found') == ""


WAITING_FOR_ROOM: dict[str, Any] = {"placing": None, "mounting": 60.0}


@pytest.mark.parametrize(
    ("message", "seconds", "ends"),
    [
        ("pod has unbound immediate PersistentVolumeClaims.", 59, False),
        ("pod has unbound immediate PersistentVolumeClaims.", 61, True),
        ("2 node(s) had volume node affinity conflict, 3 Insufficient nvidia.com/gpu.", 600, False),
    ],
)
def test_one_who_may_wait_for_room_does_not_wait_for_storage_that_is_not_there(
    message: str, seconds: float, ends: bool
) -> None:
    state = pod(conditions=[unschedulable(f"0/5 nodes are available: {message}")])
    found = obstacle_to_start(state, now=at(seconds), patience=Patience(**WAITING_FOR_ROOM))
    assert (found is not None and found.reason is Reason.STORAGE) is ends


def test_a_volume_that_is_not_made_ends_the_start_though_the_scheduler_says_nothing() -> None:
    failed = happening("ProvisioningFailed", "rpc error: code = Internal")
    patience = Patience(placing=None)
    for state, seconds, ends in ((pod(), 59, False), (pod(), 61, True), (pod(node="a"), 61, False)):
        found = obstacle_to_start(state, of_claims=[failed], now=at(seconds), patience=patience)
        assert (found is not None) is ends
    waits = happening("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    assert obstacle_to_start(pod(), of_claims=[waits], now=at(600), patience=patience) is None


def test_a_claim_that_two_controllers_wrote_to_at_once_is_tried_again_and_no_failure() -> None:
    words = (
        'Error saving claim: Operation cannot be fulfilled on persistentvolumeclaims "home-alice": the object has been '
        "modified; please apply your changes to the latest version and try again"
    )
    raced, failed = (happening("ProvisioningFailed", message) for message in (words, "rpc error: code = Internal"))
    assert obstacle_to_start(pod(), of_claims=[raced], now=at(61), patience=Patience(placing=None)) is None
    assert obstacle_to_start(pod(), of_claims=[raced, failed], now=at(61), patience=Patience(placing=None)) is not None
