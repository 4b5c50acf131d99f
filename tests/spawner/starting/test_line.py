import pytest

from genkan_spawner.cluster.records import LastWord
from genkan_spawner.starting.line import Place, place_in_line

from ..checks.clusters import GPU, pod, snapshot


def test_the_line_goes_by_priority_and_then_by_age() -> None:
    waiting = [
        pod("mine", "gpu=1", priority=10, age=50, namespace="team"),
        pod("older", "gpu=1", priority=10, age=90),
        pod("younger", "gpu=2", priority=10, age=5),
        pod("important", "gpu=1", priority=1000, age=1),
        pod("urgent", "gpu=1", priority=2000, age=2),
        pod("humble", "gpu=1", priority=0, age=500),
    ]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") == Place(4, 6, "nvidia.com/gpu")


def test_only_those_who_want_the_same_are_in_it() -> None:
    waiting = [
        pod("mine", "cpu=1 gpu=1", namespace="team"),
        pod("cpu", "cpu=64", priority=1000, age=90),
        pod("slice", "cpu=1", priority=1000, age=90, demand=None),
        pod("held", "gpu=1", priority=1000, age=90, gated=True),
        pod("going", "gpu=1", priority=1000, age=90, terminating=True),
        pod("running", "gpu=1", priority=1000, age=90, on="a"),
    ]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") == Place(1, 1, "nvidia.com/gpu")


def test_who_wants_no_device_waits_for_cpu_cores() -> None:
    waiting = [pod("mine", "cpu=1", namespace="team"), pod("gpu", "cpu=4 gpu=1", age=9)]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") == Place(2, 2, "cpu")


def test_who_is_held_by_something_else_stands_before_nobody() -> None:
    waiting = [
        pod("mine", "cpu=1 gpu=1", namespace="team"),
        pod("volume", "gpu=1", age=90, last_word=LastWord(frozenset(), held=True)),
        pod("cores", "cpu=64 gpu=1", age=80, last_word=LastWord(frozenset({"cpu"}), held=False)),
        pod("both", "gpu=1", age=70, last_word=LastWord(frozenset({GPU}), held=True)),
        pod("pool", "gpu=1", age=60, last_word=LastWord(frozenset(), held=False)),
    ]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") == Place(3, 3, GPU)
    assert place_in_line(snapshot(pods=waiting), "other", "volume") is None


@pytest.mark.parametrize(
    ("size", "lacking", "resource"),
    [
        ("cpu=64 gpu=1", {"cpu"}, "cpu"),
        ("cpu=64 gpu=1", {"cpu", GPU}, GPU),
        ("cpu=64 gpu=1", {"memory"}, GPU),
        ("cpu=64", {"pods"}, "cpu"),
        ("cpu=64 memory=1Gi", {"memory"}, "memory"),
    ],
)
def test_the_line_is_for_what_the_scheduler_named_last(size: str, lacking: set[str], resource: str) -> None:
    mine = pod("mine", size, namespace="team", last_word=LastWord(frozenset(lacking), held=False))
    found = place_in_line(snapshot(pods=[mine]), "team", "mine")

    assert found == (Place(1, 1, resource) if resource in lacking else None)


def test_who_does_not_wait_has_no_place() -> None:
    waiting = [pod("mine", "gpu=1", namespace="other"), pod("held", "gpu=1", gated=True, namespace="team")]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") is None
    assert place_in_line(snapshot(pods=waiting), "team", "held") is None
    assert place_in_line(snapshot(), "team", "mine") is None


def test_a_place_is_told_in_a_sentence() -> None:
    alone, second = Place(1, 1, "nvidia.com/gpu"), Place(2, 3, "nvidia.com/mig-1g.10gb")

    assert alone.sentence == "No machine has room yet; you are the only one who waits for GPUs."
    assert second.sentence == "No machine has room yet; you are number 2 of 3 who wait for GPU slices 1g.10gb."
