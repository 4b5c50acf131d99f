"""Whether there is room, and the sentences where there is none."""

from typing import Any

import pytest

from genkan_spawner.checks.findings import Check, Finding, State
from genkan_spawner.checks.fit import check_fit
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.cluster.records import LastWord, NodeRecord, PodRecord
from genkan_spawner.cluster.snapshot import Source

from .clusters import EPOCH, GPU, amounts, demand, node, pod, snapshot


def fit(
    size: str, nodes: list[NodeRecord], pods: list[PodRecord] | None = None, *, waits: bool = False, **spec: Any
) -> Finding:
    return check_fit(demand(size, **spec), Outlook.of(snapshot(nodes, pods or [])), when_full_waits=waits)


@pytest.mark.parametrize(
    ("size", "nodes", "pods", "ready"),
    [
        ("cpu=8 memory=32Gi gpu=2", [node()], [], True),
        ("cpu=8001m", [node()], [], False),
        ("gpu=1", [node()], [pod("p", "gpu=2", on="a")], False),
        ("gpu=1", [node()], [pod("p", "gpu=1", on="a")], True),
        ("gpu=2", [node("a"), node("b")], [pod("p", "gpu=1", on="a"), pod("q", "gpu=1", on="b")], False),
        ("cpu=0", [node(slots=0)], [], False),
        ("cpu=0", [node(slots=1)], [], True),
        ("cpu=0", [node(slots=1)], [pod("p", "cpu=0", on="a")], False),
        ("cpu=0", [node()], [pod("p", "cpu=9", on="a")], True),
        ("gpu=0", [node(size="cpu=1")], [], True),
        ("nvidia.com/mig-1g.10gb=2", [node(size="cpu=8 nvidia.com/mig-1g.10gb=7")], [], True),
        ("nvidia.com/mig-1g.10gb=2", [node(size="cpu=8 nvidia.com/mig-3g.40gb=2")], [], False),
        ("cpu=1", [], [], False),
    ],
)
def test_amounts_and_places_are_compared(
    size: str, nodes: list[NodeRecord], pods: list[PodRecord], *, ready: bool
) -> None:
    assert (fit(size, nodes, pods).state is State.READY) is ready


@pytest.mark.parametrize(
    ("nodes", "pods", "size", "sentence", "ever"),
    [
        ([], [], "gpu=1", "The cluster has no machines at the moment. Tell an administrator.", False),
        (
            [node(cordoned=True), node("b", cordoned=True)],
            [],
            "gpu=1",
            (
                "All 2 machines that this could run on are out of service at the moment. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node(ready=False)],
            [],
            "gpu=1",
            (
                "The only machine that this could run on does not answer at the moment. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node(taints=["node.kubernetes.io/disk-pressure:NoSchedule"])],
            [],
            "gpu=1",
            (
                "The only machine that this could run on is in trouble at the moment. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node(taints=["dedicated=ml:NoSchedule"], cordoned=True)],
            [],
            "gpu=1",
            (
                "The only machine that this could run on is reserved for other work. "
                "Choose other hardware, or ask an administrator for access."
            ),
            False,
        ),
        (
            [node(taints=["dedicated=ml:NoSchedule"], size="cpu=8")],
            [],
            "gpu=1",
            (
                "The cluster has no machine of the kind that this asks for. "
                "Choose other hardware, or tell an administrator."
            ),
            False,
        ),
        (
            [node("a"), node("b", "cpu=8 gpu=4")],
            [],
            "gpu=8",
            "This needs 8 GPUs, and the largest machine has 4. Choose smaller hardware.",
            False,
        ),
        (
            [node("a", "cpu=8")],
            [],
            "gpu=1",
            "This needs 1 GPU, and the largest machine has none. Choose smaller hardware.",
            False,
        ),
        (
            [node("a", "cpu=8 gpu=1"), node("b", "cpu=64 gpu=8", cordoned=True)],
            [],
            "gpu=4",
            (
                "This needs 4 GPUs, and the largest machine has 1. 1 more machine large enough is out of service "
                "at the moment. Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node("a", "cpu=2 gpu=4"), node("b", "cpu=64")],
            [],
            "cpu=8 gpu=1",
            "No machine has all of this together: 1 GPU, 8 CPU cores. Choose smaller hardware.",
            False,
        ),
        (
            [node("a"), node("b")],
            [pod("p", "gpu=1", on="a")],
            "gpu=3",
            "This needs 3 GPUs, and the largest machine has 2. Choose smaller hardware.",
            False,
        ),
        (
            [node("a", "cpu=8 gpu=4"), node("b", "cpu=8 gpu=4")],
            [pod("p", "gpu=2", on="a"), pod("q", "gpu=3", on="b")],
            "gpu=4",
            (
                "3 GPUs are free, but at most 2 on one machine; this needs 4 GPUs. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node("a"), node("b")],
            [pod("p", "gpu=2", on="a"), pod("q", "gpu=2", on="b")],
            "gpu=1",
            "All 4 GPUs that this could use are in use. Try again later, or choose other hardware.",
            True,
        ),
        (
            [node("a"), node("b", cordoned=True)],
            [pod("p", "gpu=1", on="a")],
            "gpu=2",
            (
                "Only 1 GPU is free, and this needs 2 GPUs. 1 more machine is out of service. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node()],
            [pod("p", "memory=30Gi", on="a")],
            "memory=4Gi gpu=1",
            "Only 2 GB of memory is free, and this needs 4 GB of memory. Try again later, or choose other hardware.",
            True,
        ),
        (
            [node("a"), node("b", "cpu=8 memory=32Gi gpu=1")],
            [pod("p", "cpu=7", on="a"), pod("q", "gpu=1", on="b")],
            "cpu=4 gpu=1",
            (
                "The free GPUs cannot be used: at most 1 CPU core is free beside them, and this needs 4. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node("a"), node("b", "cpu=8 memory=32Gi gpu=1")],
            [pod("p", "cpu=8", on="a"), pod("q", "gpu=1", on="b")],
            "cpu=4 gpu=1",
            (
                "The free GPUs cannot be used: no CPU cores are free beside them, and this needs 4. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
        (
            [node()],
            [pod("p", "memory=32Gi", on="a")],
            "memory=4Gi",
            "No memory is free, and this needs 4 GB of memory. Try again later, or choose other hardware.",
            True,
        ),
        (
            [node(size="cpu=8 gpu=1")],
            [pod("p", "gpu=1", on="a")],
            "gpu=1",
            "The only GPU that this could use is in use. Try again later, or choose other hardware.",
            True,
        ),
        (
            [node("a", "cpu=2 gpu=4"), node("b", "cpu=64 gpu=2")],
            [pod("p", "gpu=1", on="b")],
            "cpu=8 gpu=2",
            "Only 1 GPU is free, and this needs 2 GPUs. Try again later, or choose other hardware.",
            True,
        ),
        (
            [node(slots=1)],
            [pod("p", "cpu=1", on="a")],
            "gpu=1",
            (
                "All places for servers on the machines that this could run on are taken. "
                "Try again later, or choose other hardware."
            ),
            True,
        ),
    ],
)
def test_a_refusal_says_what_stands_against_it(
    nodes: list[NodeRecord], pods: list[PodRecord], size: str, sentence: str, *, ever: bool
) -> None:
    found = fit(size, nodes, pods)

    assert (found.state, found.message, found.ever) == (State.REFUSED, sentence, ever)


def test_a_refusal_carries_the_numbers() -> None:
    pods = [pod("p", "gpu=2", on="a"), pod("q", "gpu=3", on="b")]

    found = fit("gpu=4", [node("a", "cpu=8 gpu=4"), node("b", "cpu=8 gpu=4")], pods)

    assert (found.resource, found.requested, found.used, found.limit, found.over_by) == (
        "nvidia.com/gpu",
        "4",
        "5",
        "8",
        "2",
    )


def test_amounts_of_memory_are_written_in_binary() -> None:
    found = fit("memory=8Gi", [node()], [pod("p", "memory=30Gi", on="a")])

    assert (found.requested, found.used, found.limit, found.over_by) == ("8Gi", "30Gi", "32Gi", "6Gi")


@pytest.mark.parametrize(("size", "state"), [("gpu=1", State.WAITS), ("gpu=3", State.REFUSED)])
def test_where_starts_may_wait_only_those_do_that_can_ever_be(size: str, state: State) -> None:
    assert fit(size, [node()], [pod("p", "gpu=2", on="a")], waits=True).state is state


@pytest.mark.parametrize("nodes", [[], [node("b", labels={"pool": "b"})]])
def test_who_may_wait_does_so_for_a_machine_of_a_kind_that_is_not_there_now(nodes: list[NodeRecord]) -> None:
    found = fit("gpu=1", nodes, waits=True, nodeSelector={"pool": "a"})

    assert (found.state, found.ever) == (State.WAITS, True)
    assert found.message == "No machine of this kind is there now; one may be added."
    assert fit("gpu=1", nodes, nodeSelector={"pool": "a"}).state is State.REFUSED


@pytest.mark.parametrize(
    ("nodes", "spec"),
    [
        ([node("b")], {"nodeName": "a"}),
        ([node("b", taints=["dedicated=ml:NoSchedule"])], {}),
        ([node("a", labels={"pool": "a"}, size="cpu=1")], {"nodeSelector": {"pool": "a"}}),
    ],
    ids=["by hand", "reserved", "too small"],
)
def test_nobody_waits_for_what_no_new_machine_changes(nodes: list[NodeRecord], spec: dict[str, Any]) -> None:
    assert fit("gpu=1", nodes, waits=True, **spec).state is State.REFUSED


def test_a_toleration_opens_a_node() -> None:
    nodes = [node(taints=["dedicated=ml:NoSchedule"], cordoned=True, ready=False)]

    assert fit("gpu=1", nodes, tolerations=[{"operator": "Exists"}]).state is State.READY
    assert fit("gpu=1", nodes, tolerations=[{"key": "dedicated", "operator": "Exists"}]).state is State.REFUSED


def test_nodes_that_another_check_rules_out_are_none() -> None:
    outlook = Outlook.of(snapshot([node("a"), node("b", size="cpu=8")]))

    found = check_fit(demand("gpu=1"), outlook, ruled_out={"a"})

    assert found.state is State.REFUSED
    only = Outlook.of(snapshot([node("a")]))
    assert check_fit(demand("gpu=1"), only, ruled_out={"a"}).message == (
        "The image does not work on the only machine that this could run on. Choose another image or hardware."
    )


@pytest.mark.parametrize("source", [Source.NODES, Source.PODS])
def test_what_was_never_read_is_unknown(source: Source) -> None:
    found = check_fit(demand(), Outlook.of(snapshot([node()], unknown=[source])))

    assert (found.check, found.state) == (Check.FIT, State.UNKNOWN)
    assert found.message


@pytest.mark.parametrize(
    ("spec", "state"),
    [
        ({"schedulingGates": [{"name": "queue"}]}, State.WAITS),
        ({"resourceClaims": [{"name": "gpu"}]}, State.UNKNOWN),
    ],
)
def test_a_promise_is_taken_back_where_more_than_room_decides(spec: dict[str, Any], state: State) -> None:
    assert fit("cpu=1", [node()], **spec).state is state
    assert fit("cpu=9", [node()], **spec).state is State.REFUSED


def test_room_that_is_becoming_free_is_waited_for() -> None:
    ending = pod("p", "gpu=2", on="a", terminating=True, priority=5)

    found = fit("gpu=1", [node()], [ending])

    assert (found.state, found.would_preempt) == (State.WAITS, False)
    assert found.message.startswith("Room is becoming free")


@pytest.mark.parametrize(
    ("pods", "spec", "state"),
    [
        ([], {}, State.UNKNOWN),
        ([pod("p", "gpu=2", on="a", priority=10)], {"priorityClassName": "high"}, State.UNKNOWN),
        ([pod("p", "gpu=2", on="a", terminating=True)], {}, State.UNKNOWN),
        ([pod("p", "gpu=2", on="a")], {}, State.REFUSED),
        ([], {"schedulingGates": [{"name": "queue"}]}, State.WAITS),
    ],
    ids=["free", "by preemption", "becoming free", "taken", "gated"],
)
def test_where_the_pods_of_others_are_not_seen_nothing_is_promised(
    pods: list[PodRecord], spec: dict[str, Any], state: State
) -> None:
    view = snapshot([node()], pods, partial=[Source.PODS])

    assert check_fit(demand("gpu=1", **spec), Outlook.of(view)).state is state


def test_who_may_wait_does_so_where_what_is_seen_is_too_much_already() -> None:
    view = snapshot([node()], [pod("p", "gpu=2", on="a")], partial=[Source.PODS])

    assert check_fit(demand("gpu=1"), Outlook.of(view), when_full_waits=True).state is State.WAITS


def test_room_that_is_becoming_free_is_promised_once() -> None:
    ending = pod("p", "gpu=1", on="b", terminating=True)
    nodes = [node("a", "cpu=8 gpu=1"), node("b", "cpu=8 gpu=1")]

    waiting = [pod("w", "gpu=1")]
    assert fit("gpu=1", nodes, [ending]).state is State.READY
    assert fit("gpu=1", nodes, [ending, *waiting]).state is State.WAITS
    waiting.append(pod("v", "gpu=1"))
    assert fit("gpu=1", nodes, [ending, *waiting]).state is State.REFUSED
    assert fit("gpu=1", nodes, [ending, *waiting], waits=True).message.startswith("All 2 GPUs")


class TestPreemption:
    """The classes are low (10), high (1000) and polite (1000, preempts nobody)."""

    @pytest.mark.parametrize(
        ("klass", "others", "preempts"),
        [
            ("high", [10, 10], True),
            ("high", [10, 1000], True),
            ("high", [1000, 1000], False),
            ("high", [2000, 2000], False),
            ("polite", [10, 10], False),
            ("low", [10, 10], False),
            ("low", [0, 0], True),
        ],
    )
    def test_pods_of_lower_priority_give_way(self, klass: str, others: list[int], *, preempts: bool) -> None:
        pods = [pod(f"p{index}", "gpu=1", on="a", priority=value) for index, value in enumerate(others)]

        found = fit("gpu=1", [node()], pods, priorityClassName=klass)

        assert (found.state is State.READY, found.would_preempt) == (preempts, preempts)

    @pytest.mark.parametrize(
        ("size", "spec", "state"),
        [
            ("gpu=1", {"priorityClassName": "high"}, State.UNKNOWN),
            ("gpu=1", {}, State.REFUSED),
            ("gpu=3", {"priorityClassName": "high"}, State.REFUSED),
            ("gpu=1", {"priorityClassName": "high", "preemptionPolicy": "Never"}, State.REFUSED),
            ("gpu=1", {"priorityClassName": "high", "priority": 0}, State.REFUSED),
        ],
    )
    def test_who_gives_way_is_unknown_where_classes_are(self, size: str, spec: dict[str, Any], state: State) -> None:
        pods = [pod("p", "gpu=2", on="a", priority=10)]
        view = snapshot([node()], pods, classes=[], unknown=[Source.PRIORITY_CLASSES])

        assert check_fit(demand(size, **spec), Outlook.of(view)).state is state

    def test_the_room_has_to_be_on_one_node(self) -> None:
        pods = [pod("p", "gpu=1", on="a", priority=10), pod("q", "gpu=1", on="a", priority=2000)]
        pods += [pod("r", "gpu=1", on="b", priority=10), pod("s", "gpu=1", on="b", priority=2000)]

        assert fit("gpu=2", [node("a"), node("b")], pods, priorityClassName="high").state is State.REFUSED

    def test_room_that_is_free_is_preferred(self) -> None:
        pods = [pod("p", "gpu=2", on="a", priority=10)]

        found = fit("gpu=1", [node("a"), node("b")], pods, priorityClassName="high")

        assert (found.state, found.would_preempt) == (State.READY, False)

    def test_a_place_is_room_too(self) -> None:
        pods = [pod("p", "cpu=1", on="a", priority=10)]

        assert fit("cpu=1", [node(slots=1)], pods, priorityClassName="high").would_preempt

    def test_a_waiting_pod_of_higher_priority_may_take_the_room_that_is_made(self) -> None:
        """The real scheduler serves now the one, now the other, whichever it hears of first."""
        victim = pod("victim", "cpu=4 memory=2Gi", on="a", priority=0)
        waiting = pod("waiting", "cpu=500m memory=2Gi", priority=2000, never_preempts=True)
        nodes = [node(size="cpu=4 memory=8Gi")]

        assert fit("cpu=1 memory=8Gi", nodes, [victim], priorityClassName="high").would_preempt
        assert fit("cpu=1 memory=8Gi", nodes, [victim, waiting], priorityClassName="high").state is State.UNKNOWN
        assert fit("cpu=1 memory=6Gi", nodes, [victim, waiting], priorityClassName="high").would_preempt

    @pytest.mark.parametrize(("lacking", "contested"), [({"cpu"}, True), (set(), False)])
    def test_a_waiting_pod_that_room_does_not_help_takes_none(self, lacking: set[str], *, contested: bool) -> None:
        victim = pod("victim", "cpu=4", on="a", priority=0)
        word = LastWord(frozenset(lacking), held=True)
        waiting = pod("waiting", "cpu=4", priority=2000, never_preempts=True, last_word=word)

        found = fit("cpu=1", [node(size="cpu=4")], [victim, waiting], priorityClassName="high")

        assert found.state is (State.UNKNOWN if contested else State.READY)

    def test_a_waiting_pod_for_which_room_is_becoming_free_may_take_what_is_made_first(self) -> None:
        victim = pod("victim", "cpu=4", on="a", priority=0)
        ending = pod("ending", "cpu=4", on="b", priority=3000, terminating=True)
        waiting = pod("waiting", "cpu=4", priority=2000, never_preempts=True)
        nodes = [node("a", size="cpu=4"), node("b", size="cpu=4")]

        assert fit("cpu=1", nodes, [victim, ending, waiting], priorityClassName="high").state is State.UNKNOWN

    def test_a_waiting_pod_that_does_not_fit_into_what_is_freed_is_in_nobody_s_way(self) -> None:
        victims = [pod(f"v{index}", "cpu=2", on="a", priority=0, age=index) for index in range(2)]
        waiting = pod("waiting", "cpu=4", priority=2000, never_preempts=True)

        assert fit("cpu=1", [node(size="cpu=4")], [*victims, waiting], priorityClassName="high").would_preempt

    def test_a_pod_that_is_put_by_hand_pushes_nobody_out(self) -> None:
        pods = [pod("p", "gpu=2", on="a", priority=10)]

        assert fit("gpu=1", [node()], pods, priorityClassName="high", nodeName="a").state is State.REFUSED


class TestQueue:
    @pytest.mark.parametrize(
        ("waiting", "ready"),
        [
            (pod("w", "gpu=2"), False),
            (pod("w", "gpu=2", priority=5), False),
            (pod("w", "gpu=2", priority=-5), True),
            (pod("w", "gpu=3"), True),
            (pod("w", "gpu=2", gated=True), True),
            (pod("w", "gpu=2", terminating=True), True),
            (pod("w", "gpu=2", nominated_node="a", terminating=True), True),
            (pod("w", "gpu=2", demand=demand("gpu=2", "w", nodeSelector={"pool": "x"})), True),
            (pod("w", "gpu=2", demand=None), False),
            (pod("mine", "gpu=2", namespace="team"), True),
            (pod("w", "gpu=2", nominated_node="a"), False),
            (pod("w", "gpu=2", nominated_node="a", priority=-5), True),
            (pod("w", "gpu=2", nominated_node="gone"), False),
            (pod("w", "gpu=2", last_word=LastWord(frozenset({GPU}), held=False)), False),
            (pod("w", "gpu=2", last_word=LastWord(frozenset({GPU}), held=True)), True),
            (pod("w", "gpu=2", last_word=LastWord(frozenset(), held=True)), True),
        ],
        ids=[
            "older",
            "higher",
            "lower",
            "too big",
            "gated",
            "deleted",
            "nominated and deleted",
            "elsewhere",
            "anywhere",
            "itself",
            "nominated",
            "lower nominated",
            "nominated to what is gone",
            "too little room at the last look",
            "held from what was free",
            "held from everything",
        ],
    )
    def test_those_that_come_first_are_placed_first(self, waiting: PodRecord, *, ready: bool) -> None:
        assert (fit("gpu=1", [node()], [waiting]).state is State.READY) is ready

    @pytest.mark.parametrize(
        ("age", "looked_at", "scheduler", "ready"),
        [
            (50, False, "packer", False),
            (70, False, "packer", True),
            (70, True, "packer", False),
            (70, False, "default-scheduler", False),
        ],
    )
    def test_a_pod_of_a_scheduler_that_is_not_there_takes_nothing(
        self, age: int, scheduler: str, *, looked_at: bool, ready: bool
    ) -> None:
        asked = demand("gpu=2", "w", schedulerName=scheduler)
        waiting = pod("w", "gpu=2", age=age, looked_at=looked_at, demand=asked)

        found = check_fit(demand("gpu=1"), Outlook.of(snapshot([node()], [waiting]), now=EPOCH))

        assert (found.state is State.READY) is ready

    def test_a_pod_that_waits_itself_comes_before_younger_ones(self) -> None:
        own = pod("mine", "gpu=2", namespace="team", age=10)

        assert fit("gpu=2", [node()], [own, pod("younger", "gpu=2", age=5)]).state is State.READY
        assert fit("gpu=2", [node()], [own, pod("older", "gpu=2", age=15)]).state is State.REFUSED

    def test_two_cannot_be_promised_the_last_device(self) -> None:
        last = node(size="cpu=8 gpu=1")
        assumed = pod("first", "gpu=1", namespace="team")

        outlook = Outlook.of(snapshot([last], assumed=[assumed]))

        assert check_fit(demand("gpu=1", "second"), outlook).state is State.REFUSED

    def test_a_waiting_pod_is_put_where_it_is_in_the_way(self) -> None:
        nodes = [node("a", "cpu=8 gpu=1"), node("b", "cpu=8 gpu=2")]

        assert fit("gpu=2", nodes, [pod("w", "gpu=1")]).state is State.REFUSED
        assert fit("gpu=1", nodes, [pod("w", "gpu=1")]).state is State.READY

    def test_a_waiting_pod_that_will_push_others_out_takes_their_room(self) -> None:
        pods = [pod("p", "gpu=2", on="a", priority=0), pod("w", "gpu=2", priority=1000)]

        assert fit("gpu=1", [node()], pods, priorityClassName="low").state is State.REFUSED


def test_free_amounts_count_every_resource() -> None:
    outlook = Outlook.of(snapshot([node()], [pod("p", "cpu=1 gpu=1", on="a")]))

    (spot,) = outlook.capacity.spots

    assert spot.free == {**amounts("cpu=7 memory=32Gi gpu=1"), "pods": 109_000}
