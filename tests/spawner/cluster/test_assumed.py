"""Pods that only the hub knows of."""

from dataclasses import replace

from genkan_spawner.cluster.assumed import ASSUMED_SECONDS, AssumedPods
from genkan_spawner.cluster.projection import pod_record
from genkan_spawner.cluster.records import PodRecord

from ...support.clocks import FakeClock
from ...support.objects import pod

KEY = ("team", "jupyter-alice")


def assumed(uid: str = "made-up") -> PodRecord:
    record = pod_record(pod("jupyter-alice", uid=uid))
    assert record is not None
    return record


def test_a_pod_is_believed_in_until_the_watch_shows_it() -> None:
    pods = AssumedPods(clock=FakeClock())
    pods.assume(assumed(), namesake=None)
    assert pods.pods() == (assumed(),)
    pods.seen(("team", "jupyter-bob"), uid="1")
    assert pods.pods() == (assumed(),)
    pods.seen(KEY, uid="1")
    assert pods.pods() == ()


def test_news_of_the_pod_that_had_the_name_before_do_not_count() -> None:
    pods = AssumedPods(clock=FakeClock())
    pods.assume(assumed(), namesake="old")
    pods.seen(KEY, uid="old")
    assert pods.pods() == (assumed(),)
    pods.seen(KEY, uid="new")
    assert pods.pods() == ()


def test_a_pod_that_is_in_sight_already_is_not_assumed() -> None:
    pods = AssumedPods(clock=FakeClock())
    pods.assume(assumed("1"), namesake="1")
    assert pods.pods() == ()


def test_a_pod_that_did_not_come_to_be_is_forgotten() -> None:
    pods = AssumedPods(clock=FakeClock())
    pods.assume(assumed(), namesake=None)
    pods.assume(replace(assumed("other"), name="jupyter-bob"), namesake=None)
    pods.forget("made-up")
    pods.forget("never heard of")
    assert [found.name for found in pods.pods()] == ["jupyter-bob"]


def test_a_pod_that_was_created_is_counted_by_quotas() -> None:
    pods = AssumedPods(clock=FakeClock())
    pods.assume(assumed(), namesake=None)
    assert pods.uncounted() == (assumed(),)
    pods.confirm("never heard of")
    assert pods.uncounted() == (assumed(),)
    pods.confirm("made-up")
    assert pods.uncounted() == ()
    assert pods.pods() == (assumed(),)


def test_nothing_is_assumed_for_ever() -> None:
    clock = FakeClock()
    pods = AssumedPods(clock=clock)
    pods.assume(assumed(), namesake=None)
    clock.now += ASSUMED_SECONDS
    assert pods.pods() == (assumed(),)
    clock.now += 0.1
    assert pods.pods() == ()
