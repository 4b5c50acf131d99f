"""The scheduler's refusals, each text as kube-scheduler 1.36 writes it."""

import pytest

from genkan_spawner.cluster.last_word import last_word
from genkan_spawner.cluster.projection import pod_record
from genkan_spawner.cluster.records import LastWord

from ...support.objects import pod

GPU = "nvidia.com/gpu"


def word(message: str, **condition: str) -> LastWord | None:
    found = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message} | condition
    return last_word({"conditions": [{"type": "Initialized", "status": "True"}, found]})


@pytest.mark.parametrize(
    ("causes", "lacking", "held"),
    [
        (f"5 Insufficient {GPU}. no new claims to deallocate, preemption: not eligible", {GPU}, False),
        (f"5 Insufficient {GPU}.", {GPU}, False),
        (f"2 Insufficient cpu, 3 Insufficient {GPU}. preemption: 0/5 nodes are available: 5 x.", {"cpu", GPU}, False),
        ("5 Too many pods.", {"pods"}, False),
        ("5 node(s) didn't match Pod's node affinity/selector. no new claims", set(), False),
        (f"2 node(s) had untolerated taint(s), 3 Insufficient {GPU}. x", {GPU}, False),
        ("1 node(s) had untolerated taint {nvidia.com/gpu: present}, 4 node(s) were unschedulable.", set(), False),
        ("5 node(s) didn't satisfy plugin(s) [NodeAffinity]. x", set(), False),
        ("5 node(s) didn't satisfy plugin(s) [VolumeBinding]. x", set(), True),
        ("5 node(s) didn't satisfy plugin(s) [NodeAffinity VolumeBinding]. x", set(), True),
        ("5 node(s) didn't match PersistentVolume's node affinity. no new claims", set(), True),
        (f"3 Insufficient {GPU}, 2 node(s) didn't match PersistentVolume's node affinity.", {GPU}, True),
        ("pod has unbound immediate PersistentVolumeClaims. not found", set(), True),
        ('persistentvolumeclaim "nope" not found. not found', set(), True),
        ("5 node(s) didn't match pod anti-affinity rules.", set(), True),
        ("5 a reason of a scheduler of the site's own.", set(), True),
    ],
)
def test_a_refusal_names_what_is_short_and_what_is_in_the_way(causes: str, lacking: set[str], *, held: bool) -> None:
    assert word(f"0/5 nodes are available: {causes}") == LastWord(frozenset(lacking), held=held)


@pytest.mark.parametrize("message", ["", "no nodes available to schedule pods", "skip schedule deleting pod", "0/0"])
def test_words_that_are_not_known_say_nothing(message: str) -> None:
    assert word(message) is None


def test_only_a_pod_that_waits_and_was_refused_has_a_last_word() -> None:
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    status = {"conditions": [refused | {"message": f"0/1 nodes are available: 1 Insufficient {GPU}."}]}
    waiting, placed, new = pod_record(pod(status=status)), pod_record(pod(node="a", status=status)), pod_record(pod())

    assert waiting is not None
    assert waiting.last_word == LastWord(frozenset({GPU}), held=False)
    assert placed is not None
    assert new is not None
    assert (placed.last_word, new.last_word) == (None, None)
    assert word("0/1 nodes are available: 1 Too many pods.", reason="SchedulerError") is None


def test_more_room_helps_who_lacks_some() -> None:
    assert LastWord(frozenset(), held=True).helpless
    assert not LastWord(frozenset({GPU}), held=True).helpless
    assert not LastWord(frozenset(), held=False).helpless
