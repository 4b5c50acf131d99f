"""Priority, drivers, access, and all checks together."""

from typing import Any

import pytest

from genkan_profiles import WhenFull
from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.checks.access import check_access
from genkan_spawner.checks.driver import ImageNeeds, check_driver
from genkan_spawner.checks.findings import Check, State
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.checks.preflight import examine
from genkan_spawner.checks.priority import Standing, check_priority, standing
from genkan_spawner.cluster.records import PriorityClassRecord
from genkan_spawner.cluster.snapshot import Source

from .clusters import CLASSES, demand, node, pod, quota, snapshot

USUAL = PriorityClassRecord("usual", 5, is_default=True)


@pytest.mark.parametrize(
    ("spec", "classes", "expected"),
    [
        ({"priorityClassName": "high"}, CLASSES, Standing(1000, "high", never_preempts=False)),
        ({"priorityClassName": "polite"}, CLASSES, Standing(1000, "polite", never_preempts=True)),
        ({}, CLASSES, Standing(0, "", never_preempts=False)),
        ({"priority": 7, "preemptionPolicy": "Never"}, CLASSES, Standing(7, "", never_preempts=True)),
        ({}, (*CLASSES, USUAL), Standing(5, "usual", never_preempts=False)),
        ({"priorityClassName": "high"}, (*CLASSES, USUAL), Standing(1000, "high", never_preempts=False)),
        ({"priorityClassName": "gone"}, CLASSES, Standing(0, "gone", never_preempts=False, exists=False)),
    ],
)
def test_the_class_decides_the_priority(
    spec: dict[str, Any], classes: tuple[PriorityClassRecord, ...], expected: Standing
) -> None:
    assert standing(demand(**spec), snapshot(classes=classes)) == expected


def test_of_several_default_classes_the_lowest_counts() -> None:
    view = snapshot(classes=[USUAL, PriorityClassRecord("lowest", 1, is_default=True)])

    assert standing(demand(), view).priority_class == "lowest"


def test_a_class_that_does_not_exist_is_refused() -> None:
    found = check_priority(demand(priorityClassName="gone"), snapshot())

    assert (found.state, found.ever) == (State.REFUSED, False)
    assert found.message == (
        "The priority gone does not exist in this cluster. Choose another priority, and tell an administrator."
    )


@pytest.mark.parametrize(
    ("spec", "refused"),
    [
        ({"priorityClassName": "high", "priority": 1000, "preemptionPolicy": "PreemptLowerPriority"}, False),
        ({"priorityClassName": "polite", "priority": 1000, "preemptionPolicy": "Never"}, False),
        ({"priorityClassName": "high", "priority": 1}, True),
        ({"priorityClassName": "high", "preemptionPolicy": "Never"}, True),
        ({"priorityClassName": "polite", "preemptionPolicy": "PreemptLowerPriority"}, True),
        ({"priority": 0, "preemptionPolicy": "PreemptLowerPriority"}, False),
        ({"priority": 7}, True),
        ({"preemptionPolicy": "Never"}, True),
    ],
)
def test_a_manifest_may_not_contradict_its_class(spec: dict[str, Any], *, refused: bool) -> None:
    assert (check_priority(demand(**spec), snapshot()).state is State.REFUSED) is refused


@pytest.mark.parametrize(("klass", "told"), [("low", True), ("high", False), ("polite", False)])
def test_whoever_may_be_interrupted_is_told(klass: str, *, told: bool) -> None:
    classes = (*CLASSES, PriorityClassRecord("system-node-critical", 2_000_001_000))

    found = check_priority(demand(priorityClassName=klass), snapshot(classes=classes))

    assert found.state is State.READY
    assert bool(found.message) is told


@pytest.mark.parametrize(("spec", "state"), [({}, State.READY), ({"priorityClassName": "high"}, State.UNKNOWN)])
def test_classes_that_were_never_read_are_unknown(spec: dict[str, str], state: State) -> None:
    view = snapshot(classes=[], unknown=[Source.PRIORITY_CLASSES])

    assert check_priority(demand(**spec), view).state is state


NEW = {
    "nvidia.com/cuda.driver-version.full": "580.95.05",
    "nvidia.com/cuda.runtime-version.full": "13.0",
    "nvidia.com/gpu.compute.major": "8",
    "nvidia.com/gpu.compute.minor": "0",
}
PARTS = {
    "nvidia.com/cuda.driver-version.major": "580",
    "nvidia.com/cuda.driver-version.minor": "95",
    "nvidia.com/cuda.driver-version.revision": "05",
    "nvidia.com/cuda.runtime-version.major": "13",
    "nvidia.com/cuda.runtime-version.minor": "0",
}
OLD = {
    "nvidia.com/cuda.driver.major": "580",
    "nvidia.com/cuda.driver.minor": "95",
    "nvidia.com/cuda.driver.rev": "05",
    "nvidia.com/cuda.runtime.major": "13",
    "nvidia.com/cuda.runtime.minor": "0",
}


@pytest.mark.parametrize("labels", [NEW, PARTS, OLD], ids=["new", "new in parts", "old"])
@pytest.mark.parametrize(
    ("needs", "works"),
    [
        (ImageNeeds(min_driver="580"), True),
        (ImageNeeds(min_driver="580.95.05"), True),
        (ImageNeeds(min_driver="580.100"), False),
        (ImageNeeds(min_driver="590"), False),
        (ImageNeeds(cuda="13.4"), True),
        (ImageNeeds(cuda="12.9"), True),
        (ImageNeeds(cuda="14.0"), False),
        (ImageNeeds(cuda="14.0", min_driver="580"), True),
        (ImageNeeds(), True),
        (ImageNeeds(min_driver="newest"), True),
    ],
)
def test_an_image_needs_a_driver(labels: dict[str, str], needs: ImageNeeds, *, works: bool) -> None:
    found = check_driver(demand("gpu=1"), Outlook.of(snapshot([node(labels=labels)])), needs=needs)

    assert (found.finding.state is State.READY) is works
    assert found.ruled_out == (frozenset() if works else {"a"})


@pytest.mark.parametrize(("capability", "works"), [("7.5", True), ("8.0", True), ("8.6", False), ("9.0", False)])
def test_an_image_needs_a_card(capability: str, *, works: bool) -> None:
    outlook = Outlook.of(snapshot([node(labels=NEW)]))

    found = check_driver(demand("gpu=1"), outlook, needs=ImageNeeds(min_compute_capability=capability))

    assert (found.finding.state is State.READY) is works


def test_an_image_that_is_too_new_is_told_with_both_versions() -> None:
    outlook = Outlook.of(snapshot([node("a", labels=NEW), node("b", labels={**NEW, next(iter(NEW)): "570.1"})]))

    found = check_driver(demand("gpu=1"), outlook, needs=ImageNeeds(min_driver="590")).finding

    assert found.message == (
        "This image needs GPU driver 590 or newer, and the machines that it could run on have 580.95.05. "
        "Choose another image or hardware, or ask an administrator."
    )
    assert (found.requested, found.limit, found.ever) == ("590", "580.95.05", False)


def test_nodes_without_labels_are_not_ruled_out() -> None:
    outlook = Outlook.of(snapshot([node("a"), node("b", labels=NEW)]))

    found = check_driver(demand("gpu=1"), outlook, needs=ImageNeeds(min_driver="590"))

    assert (found.finding.state, found.ruled_out) == (State.READY, frozenset({"b"}))


def test_without_a_card_there_is_no_driver_to_check() -> None:
    outlook = Outlook.of(snapshot([node(labels=NEW)]))

    assert check_driver(demand("cpu=1"), outlook, needs=ImageNeeds(min_driver="590")).finding.state is State.READY


def test_drivers_of_nodes_that_were_never_read_are_unknown() -> None:
    outlook = Outlook.of(snapshot(unknown=[Source.NODES]))

    found = check_driver(demand("gpu=1"), outlook, needs=ImageNeeds(min_driver="590"))

    assert found.finding.state is State.UNKNOWN


def test_what_the_driver_rules_out_is_no_room() -> None:
    view = snapshot([node("a", labels=NEW), node("b")], [pod("p", "gpu=2", on="b")])

    verdict = examine(demand("gpu=1"), view, image_needs=ImageNeeds(min_driver="590"))

    assert verdict.state is State.REFUSED
    assert verdict.sentence.startswith("All 2 GPUs that this could use are in use.")


@pytest.mark.parametrize(("sentence", "state"), [(None, State.READY), (say("Not for you."), State.REFUSED)])
def test_the_catalogue_s_objection_is_the_finding(sentence: Sentence | None, state: State) -> None:
    found = check_access(sentence)

    assert (found.state, found.message) == (state, sentence or "")


def test_a_verdict_has_all_findings_in_order_and_the_sentence_of_the_worst() -> None:
    view = snapshot([node()], [pod("p", "gpu=2", on="a")], quotas=[quota("pods=0")])

    verdict = examine(demand("gpu=1"), view)

    assert [finding.check for finding in verdict.findings] == [
        Check.ACCESS,
        Check.QUOTA,
        Check.PRIORITY,
        Check.FIT,
        Check.DRIVER,
        Check.STORAGE,
    ]
    assert verdict.state is State.REFUSED
    assert verdict.sentence.startswith("Your team has no share here")


def test_ready_needs_no_words() -> None:
    verdict = examine(demand("gpu=1", priorityClassName="high"), snapshot([node()]))

    assert (verdict.state, verdict.sentence, verdict.would_preempt) == (State.READY, "", False)


def test_a_start_that_pushes_others_out_is_ready() -> None:
    view = snapshot([node()], [pod("p", "gpu=2", on="a")])

    verdict = examine(demand("gpu=1", priorityClassName="high"), view)

    assert (verdict.state, verdict.would_preempt) == (State.READY, True)


@pytest.mark.parametrize(("when_full", "state"), [(WhenFull.WAIT, State.WAITS), (WhenFull.REFUSE, State.REFUSED)])
def test_a_site_decides_whether_starts_wait_for_room(when_full: WhenFull, state: State) -> None:
    view = snapshot([node()], [pod("p", "gpu=2", on="a")])

    assert examine(demand("gpu=1"), view, when_full=when_full).state is state


def test_no_waiting_helps_against_a_quota() -> None:
    view = snapshot([node()], quotas=[quota("pods=1", "pods=1")])

    assert examine(demand(), view, when_full=WhenFull.WAIT).state is State.REFUSED


def test_a_cluster_that_cannot_be_read_is_unknown() -> None:
    assert examine(demand(), snapshot(unknown=list(Source))).state is State.UNKNOWN


def test_an_outlook_of_another_snapshot_is_not_used() -> None:
    empty = snapshot()

    assert examine(demand(), snapshot([node()]), outlook=Outlook.of(empty)).state is State.READY
