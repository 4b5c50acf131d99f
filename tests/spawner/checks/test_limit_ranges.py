"""Limit ranges as admission reads them: what they fill in, and what they bound."""

from dataclasses import replace
from typing import Any

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand, demand_of
from genkan_spawner.checks.findings import Check, Finding, State
from genkan_spawner.checks.limit_ranges import check_limits, completed
from genkan_spawner.checks.preflight import examine
from genkan_spawner.cluster.projection import limit_range_record
from genkan_spawner.cluster.records import LimitRangeRecord
from genkan_spawner.cluster.snapshot import Source

from ...support.objects import limit_range
from .clusters import GPU, amounts, demand, manifest, node, quota, snapshot


def sizes(name: str = "sizes", **row: Any) -> LimitRangeRecord:
    return limit_range_record(limit_range(name, **row))


def uneven(**resources: Any) -> JsonObject:
    found = manifest("cpu=1")
    found["spec"]["containers"][0]["resources"] = resources
    return found


def looked_at(wanted: Demand | JsonObject, *ranges: LimitRangeRecord) -> tuple[Finding, ...]:
    bare = wanted if isinstance(wanted, Demand) else demand_of(wanted)
    cluster = snapshot(limit_ranges=ranges)
    return check_limits(completed(bare, cluster), cluster)


@pytest.mark.parametrize(
    ("size", "ranges", "requests", "limits"),
    [
        ("cpu=1", [], "cpu=1", "cpu=1"),
        ("cpu=1", [sizes(default={"cpu": "4"}, defaultRequest={"cpu": "2"})], "cpu=1", "cpu=1"),
        ("gpu=1", [sizes(default={"cpu": "4"}, defaultRequest={"cpu": "2"})], "cpu=2 gpu=1", "cpu=4 gpu=1"),
        ("gpu=1", [sizes(defaultRequest={"cpu": "2"})], "cpu=2 gpu=1", "gpu=1"),
        ("gpu=1", [sizes(applies_to="Pod", default={"cpu": "2"})], "gpu=1", "gpu=1"),
        ("gpu=1", [sizes(default=None)], "gpu=1", "gpu=1"),
        (
            "gpu=1",
            [sizes("a", default={"cpu": "1"}), sizes("b", default={"cpu": "2", "memory": "1Gi"})],
            "cpu=1 memory=1Gi gpu=1",
            "cpu=1 memory=1Gi gpu=1",
        ),
    ],
)
def test_what_is_missing_is_filled_in(size: str, ranges: list[LimitRangeRecord], requests: str, limits: str) -> None:
    found = completed(demand(size), snapshot(limit_ranges=ranges))

    assert found.requests == amounts(requests)
    assert found.limits == amounts(limits)


def test_every_container_is_completed_and_the_demand_itself_stays_as_it_was() -> None:
    bare = demand("gpu=1", initContainers=[{"name": "first"}])
    cluster = snapshot(limit_ranges=[sizes(default={"cpu": "1"}, defaultRequest={"cpu": "1"})])

    found = completed(bare, cluster)

    assert bare.unspecified["limits.cpu"] == ("first", "notebook")
    assert "limits.cpu" not in found.unspecified
    assert completed(found, cluster) == found


def test_a_demand_that_names_everything_is_not_computed_anew() -> None:
    bare = demand("cpu=1")

    assert completed(bare, snapshot(limit_ranges=[sizes(default={"cpu": "2"})])).requests == bare.requests


def test_what_the_api_server_stores_is_complete() -> None:
    stored = demand_of(manifest("gpu=1"), final=True)
    ranges = [sizes(default={"cpu": "2"}, max={"cpu": "1"})]

    assert completed(stored, snapshot(limit_ranges=ranges)) is stored
    assert looked_at(stored, *ranges) == ()


def test_no_secret_is_kept_for_it() -> None:
    pod = manifest("cpu=1")
    pod["spec"]["containers"][0]["env"] = [{"name": "JUPYTERHUB_API_TOKEN", "value": "a-token"}]

    assert "a-token" not in str(demand_of(pod).sizes)


@pytest.mark.parametrize(
    ("wanted", "row", "numbers", "sentence"),
    [
        (
            demand("memory=64Gi"),
            {"max": {"memory": "32Gi"}},
            ("memory", "64Gi", "32Gi", "32Gi"),
            (
                "One server may have at most 32 GB of memory here, and this asks for 64 GB. "
                "Choose smaller hardware, or ask an administrator."
            ),
        ),
        (
            demand("cpu=1"),
            {"min": {"cpu": "2"}},
            ("cpu", "1", "2", None),
            (
                "One server must have at least 2 CPU cores here, and this asks for 1. "
                "Choose larger hardware, or ask an administrator."
            ),
        ),
        (
            demand("gpu=2"),
            {"applies_to": "Pod", "max": {GPU: "1"}},
            (GPU, "2", "1", "1"),
            (
                "One server may have at most 1 GPU here, and this asks for 2. "
                "Choose smaller hardware, or ask an administrator."
            ),
        ),
        (
            uneven(requests={"cpu": "1"}),
            {"applies_to": "Pod", "max": {"cpu": "4"}},
            ("cpu", None, "4", None),
            (
                "One server may have at most 4 CPU cores here, and this hardware does not say how much it may take. "
                "Tell an administrator: the hardware has to be completed."
            ),
        ),
        (
            demand("gpu=1"),
            {"applies_to": "Pod", "min": {"memory": "1Gi"}},
            ("memory", None, "1Gi", None),
            (
                "One server must have at least 1 GB of memory here, and this hardware does not say how much it needs. "
                "Tell an administrator: the hardware has to be completed."
            ),
        ),
        (
            uneven(requests={"cpu": "1"}, limits={"cpu": "4"}),
            {"maxLimitRequestRatio": {"cpu": "2"}},
            ("cpu", "4", "2", "2"),
            (
                "One server may use at most 2 times the CPU cores that it is promised here, "
                "and this may use 4 where 1 is promised. Choose other hardware, and tell an administrator."
            ),
        ),
        (
            demand("gpu=1"),
            {"applies_to": "Pod", "maxLimitRequestRatio": {"cpu": "1.5"}},
            ("cpu", None, None, None),
            (
                "One server may use at most 1.5 times the CPU cores that it is promised here, "
                "and this hardware does not name both amounts. Tell an administrator: the hardware has to be completed."
            ),
        ),
    ],
)
def test_a_bound_that_is_not_kept_is_told_with_its_numbers(
    wanted: Demand | JsonObject, row: dict[str, Any], numbers: tuple[str | None, ...], sentence: str
) -> None:
    (found,) = looked_at(wanted, sizes(**row))

    assert (found.check, found.state, found.ever) == (Check.QUOTA, State.REFUSED, False)
    assert (found.resource, found.requested, found.limit, found.over_by) == numbers
    assert found.message == sentence


@pytest.mark.parametrize(
    ("wanted", "row"),
    [
        (demand("cpu=2"), {"min": {"cpu": "2"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "1"}}),
        (
            demand("gpu=1"),
            {"max": {"memory": "4Gi"}, "default": {"memory": "4Gi"}},
        ),
        (demand("cpu=2"), {"applies_to": "PersistentVolumeClaim", "max": {"cpu": "1"}}),
        (demand("cpu=1", overhead={"cpu": "4"}), {"applies_to": "Pod", "max": {"cpu": "1"}}),
    ],
)
def test_a_bound_that_is_kept_is_not_told(wanted: Demand, row: dict[str, Any]) -> None:
    assert looked_at(wanted, sizes(**row)) == ()


def test_all_containers_are_held_against_the_bounds_and_the_pod_against_its_own() -> None:
    helper = {"name": "helper", "resources": {"limits": {"cpu": "3"}}}
    two = demand("cpu=1", initContainers=[{**helper, "restartPolicy": "Always"}])

    (found,) = looked_at(two, sizes(max={"cpu": "2"}))
    (whole,) = looked_at(two, sizes(applies_to="Pod", max={"cpu": "3"}))

    assert found.message.startswith("Each part of a server may have at most 2 CPU cores here, and this asks for 3.")
    assert whole.message.startswith("One server may have at most 3 CPU cores here, and this asks for 4.")


def test_every_range_of_the_namespace_counts_and_none_of_another() -> None:
    other = limit_range_record(limit_range(namespace="other", max={"cpu": "1"}))
    cluster = snapshot(limit_ranges=[sizes("a", max={"cpu": "8"}), sizes("b", max={"cpu": "4"})])

    assert [row.limit for row in check_limits(demand("cpu=6"), cluster)] == ["4"]
    assert examine(demand("cpu=6"), snapshot([node()], limit_ranges=[])).state is State.READY
    assert other.namespace == "other"


def test_what_is_filled_in_counts_for_quotas_and_room() -> None:
    ranges = [sizes(default={"cpu": "4"}, defaultRequest={"cpu": "4"})]
    small, share = node(size="cpu=2 memory=4Gi gpu=1"), quota("limits.cpu=2")

    assert examine(demand("gpu=1"), snapshot([small], limit_ranges=ranges)).state is State.REFUSED
    found = examine(demand("gpu=1"), snapshot([node()], quotas=[share], limit_ranges=ranges))
    assert [(row.resource, row.requested) for row in found.findings if row.state is State.REFUSED] == [
        ("limits.cpu", "4")
    ]


def test_unseen_limits_are_unknown_and_so_is_what_they_would_fill_in() -> None:
    blind = snapshot([node()], quotas=[quota("limits.memory=4Gi")], unknown=[Source.LIMIT_RANGES])

    found = examine(demand("gpu=1"), blind)

    assert found.state is State.UNKNOWN
    assert found.sentence == "How much one server may have cannot be seen at the moment; the start will show it."
    assert examine(demand("gpu=1"), snapshot([node()], quotas=[quota("limits.memory=4Gi")])).state is State.REFUSED


def test_an_amount_that_cannot_be_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    odd = limit_range("odd", max={"cpu": "many", "memory": "1Gi"}, default={"cpu": "x"})

    found = limit_range_record(odd)

    assert (dict(found.rows[0].most), dict(found.rows[0].default)) == (amounts("memory=1Gi"), {})
    assert "The amount of cpu of limit range team/odd cannot be read and is left out" in caplog.text
    assert limit_range_record({"metadata": {"name": "bare", "namespace": "team"}}).rows == ()


@pytest.mark.parametrize(("namespace", "told"), [("team", 0), ("elsewhere", 1)])
def test_bounds_are_known_where_their_namespace_is_read(namespace: str, told: int) -> None:
    asking = replace(demand("cpu=1"), namespace=namespace)

    found = check_limits(asking, snapshot(partial=[Source.LIMIT_RANGES]))

    assert [finding.state for finding in found] == [State.UNKNOWN] * told
