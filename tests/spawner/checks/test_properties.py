"""What holds of the checks whatever the cluster looks like."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles.quantities import parse_quantity
from genkan_spawner.checks.demand import Demand
from genkan_spawner.checks.findings import Finding, State
from genkan_spawner.checks.fit import check_fit
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.checks.quota import check_quota
from genkan_spawner.cluster.records import NodeRecord, PodRecord
from genkan_spawner.cluster.snapshot import Snapshot

from .clusters import demand, node, pod, quota, snapshot

SIZES = st.builds(
    lambda cpu, memory, gpu: f"cpu={cpu} memory={memory}Gi gpu={gpu}",
    st.integers(0, 9),
    st.integers(0, 33),
    st.integers(0, 4),
)
TAINTS = st.sampled_from(["dedicated=ml:NoSchedule", "spot:NoExecute", "slow:PreferNoSchedule"])
NODE_NAMES = ("a", "b", "c")


@st.composite
def nodes(draw: st.DrawFn, name: str) -> NodeRecord:
    return node(
        name,
        draw(SIZES),
        labels=draw(st.sampled_from([{}, {"kind": "x"}, {"kind": "y"}])),
        taints=draw(st.lists(TAINTS, max_size=2, unique=True)),
        cordoned=draw(st.booleans()),
        ready=draw(st.booleans()),
        slots=draw(st.integers(0, 4)),
    )


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[NodeRecord], list[PodRecord]]:
    """Return nodes and the pods on them; nodes may be overcommitted, as real ones are after a change."""
    machines = [draw(nodes(name)) for name in NODE_NAMES[: draw(st.integers(0, 3))]]
    pods = [
        pod(f"p{index}", draw(SIZES), on=one.name, priority=draw(st.sampled_from([0, 10, 1000])))
        for one in machines
        for index in range(draw(st.integers(0, 3)))
    ]
    return machines, [replace(one, name=f"{one.node}-{one.name}", uid=f"{one.node}-{one.name}") for one in pods]


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    spec: dict[str, Any] = {}
    if draw(st.booleans()):
        spec["tolerations"] = [draw(st.sampled_from([{"operator": "Exists"}, {"key": "spot", "operator": "Exists"}]))]
    if draw(st.booleans()):
        spec["nodeSelector"] = {"kind": draw(st.sampled_from("xy"))}
    if draw(st.booleans()):
        spec["priorityClassName"] = draw(st.sampled_from(["low", "high", "polite"]))
    return demand(draw(SIZES), **spec)


def fit(wanted: Demand, view: Snapshot) -> Finding:
    return check_fit(wanted, Outlook.of(view))


def rank(finding: Finding) -> tuple[int, bool]:
    """Order findings from best to worst; to push nobody out is better."""
    return list(State).index(finding.state), finding.would_preempt


@given(clusters(), demands(), st.data())
def test_a_pod_less_is_never_worse(
    cluster: tuple[list[NodeRecord], list[PodRecord]], wanted: Demand, data: st.DataObject
) -> None:
    machines, pods = cluster
    kept = data.draw(st.lists(st.sampled_from(pods), unique_by=lambda one: one.uid) if pods else st.just(pods))

    assert rank(fit(wanted, snapshot(machines, kept))) <= rank(fit(wanted, snapshot(machines, pods)))


@given(clusters(), demands(), nodes("new"))
def test_a_node_more_is_never_worse(
    cluster: tuple[list[NodeRecord], list[PodRecord]], wanted: Demand, more: NodeRecord
) -> None:
    machines, pods = cluster

    assert rank(fit(wanted, snapshot([*machines, more], pods))) <= rank(fit(wanted, snapshot(machines, pods)))


@given(clusters(), demands(), SIZES)
def test_a_pod_that_waits_never_helps(
    cluster: tuple[list[NodeRecord], list[PodRecord]], wanted: Demand, size: str
) -> None:
    machines, pods = cluster
    waiting = pod("waiting", size, priority=2000)

    assert rank(fit(wanted, snapshot(machines, pods))) <= rank(fit(wanted, snapshot(machines, [*pods, waiting])))


@given(clusters(), demands())
def test_a_refusal_has_a_sentence_and_numbers_that_agree(
    cluster: tuple[list[NodeRecord], list[PodRecord]], wanted: Demand
) -> None:
    machines, pods = cluster

    found = fit(wanted, snapshot(machines, pods))

    if found.state is State.REFUSED:
        assert found.message.endswith(".")
        assert found.message[0].isupper() or found.message[0].isdigit()
    if found.over_by is not None:
        assert found.requested is not None
        assert found.limit is not None
        assert Decimal(0) < parse_quantity(found.over_by) <= parse_quantity(found.requested)


@given(clusters(), demands())
def test_what_could_never_be_is_refused_on_the_empty_cluster_too(
    cluster: tuple[list[NodeRecord], list[PodRecord]], wanted: Demand
) -> None:
    machines, pods = cluster

    found, empty = fit(wanted, snapshot(machines, pods)), fit(wanted, snapshot(machines))
    in_service = [replace(one, unschedulable=False, ready=True) for one in machines]

    assert found.ever is (fit(wanted, snapshot(in_service)).state is State.READY)
    assert empty.state is not State.READY or found.ever


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9))
def test_a_quota_is_exceeded_by_what_does_not_fit(hard: int, used: int, wanted: int) -> None:
    name = "requests.nvidia.com/gpu"

    (found,) = check_quota(demand(f"gpu={wanted}"), snapshot(quotas=[quota(f"{name}={hard}", f"{name}={used}")]))

    assert (found.state is State.REFUSED) is (used + wanted > hard)
    assert (found.requested, found.used, found.limit) == (str(wanted), str(used), str(hard))
    assert found.over_by == (str(used + wanted - hard) if used + wanted > hard else None)
    assert found.ever is (wanted <= hard)
