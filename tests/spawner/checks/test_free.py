"""How many devices people are told are free."""

from typing import Any

import pytest

from genkan_spawner.checks.free import Free
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.cluster.records import NodeRecord, PodRecord
from genkan_spawner.cluster.snapshot import Source

from .clusters import demand, node, pod, snapshot


def free(size: str, nodes: list[NodeRecord], pods: list[PodRecord] | None = None, **spec: Any) -> Free | None:
    return Outlook.of(snapshot(nodes, pods or [])).free(demand(size, **spec))


def test_devices_are_counted_by_machine_and_what_is_free_comes_first() -> None:
    found = free(
        "gpu=1",
        [node("a", "gpu=4"), node("b", "gpu=4"), node("c", "gpu=2")],
        [pod("one", "gpu=3", on="a"), pod("two", "gpu=2", on="c")],
    )

    assert found == Free("nvidia.com/gpu", ((4, 4), (1, 4), (0, 2)), free=5, total=10, largest=4)


def test_machines_of_another_kind_or_out_of_service_do_not_count() -> None:
    nodes = [
        node("a", "gpu=4", labels={"pool": "a100"}),
        node("b", "gpu=4"),
        node("c", "gpu=4", labels={"pool": "a100"}, cordoned=True),
        node("d", "gpu=4", labels={"pool": "a100"}, ready=False),
        node("e", "cpu=4", labels={"pool": "a100"}),
    ]

    found = free("gpu=1", nodes, nodeSelector={"pool": "a100"})

    assert found is not None
    assert found.machines == ((4, 4),)


def test_a_machine_that_gives_more_than_it_has_is_full() -> None:
    found = free("gpu=1", [node("a", "gpu=2")], [pod("one", "gpu=3", on="a")])

    assert found is not None
    assert (found.free, found.total, found.machines) == (0, 2, ((0, 2),))


def test_nothing_is_counted_for_what_asks_for_no_device() -> None:
    assert free("cpu=1", [node()]) is None


@pytest.mark.parametrize("source", [Source.NODES, Source.PODS])
def test_what_is_not_known_is_not_counted(source: Source) -> None:
    assert Outlook.of(snapshot([node()], unknown=[source])).free(demand("gpu=1")) is None


def test_what_only_some_namespaces_show_is_not_counted() -> None:
    assert Outlook.of(snapshot([node()], partial=[Source.PODS])).free(demand("gpu=1")) is None


def test_whole_gpus_of_all_that_is_offered_are_counted_once() -> None:
    nodes = [node("a", "gpu=4"), node("b", "gpu=2 nvidia.com/mig-1g.10gb=7"), node("c", "cpu=4")]
    outlook = Outlook.of(snapshot(nodes, [pod("one", "gpu=3", on="a")]))

    wanted = [demand(size) for size in ("gpu=1", "gpu=2", "nvidia.com/mig-1g.10gb=1", "cpu=1")]

    assert outlook.gpus(wanted) == (3, 6, 2)
    assert outlook.gpus([demand("cpu=1")]) is None
