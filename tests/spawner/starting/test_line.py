from genkan_spawner.starting.line import Place, place_in_line

from ..checks.clusters import pod, snapshot


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
        pod("running", "gpu=1", priority=1000, age=90, on="a"),
    ]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") == Place(1, 1, "nvidia.com/gpu")


def test_who_wants_no_device_waits_for_cpu_cores() -> None:
    waiting = [pod("mine", "cpu=1", namespace="team"), pod("gpu", "cpu=4 gpu=1", age=9)]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") == Place(2, 2, "cpu")


def test_who_does_not_wait_has_no_place() -> None:
    waiting = [pod("mine", "gpu=1", namespace="other"), pod("held", "gpu=1", gated=True, namespace="team")]

    assert place_in_line(snapshot(pods=waiting), "team", "mine") is None
    assert place_in_line(snapshot(pods=waiting), "team", "held") is None
    assert place_in_line(snapshot(), "team", "mine") is None


def test_a_place_is_told_in_a_sentence() -> None:
    alone, second = Place(1, 1, "nvidia.com/gpu"), Place(2, 3, "nvidia.com/mig-1g.10gb")

    assert alone.sentence == "No machine has room yet; you are the only one who waits for GPUs."
    assert second.sentence == "No machine has room yet; you are number 2 of 3 who wait for GPU slices 1g.10gb."
