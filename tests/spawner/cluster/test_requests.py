"""What pods ask for, as the scheduler counts it (k8s.io/component-helpers/resource)."""

from typing import Any

import pytest

from genkan_profiles.exceptions import QuantityError
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.requests import parse_amount, parse_amounts, pod_requests

from ...support.objects import container, sidecar

GIB = 2**30 * 1000


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("2", 2000, 2000),
        ("1500m", 1500, 1500),
        ("1Gi", GIB, GIB),
        ("0.1m", 1, 0),
        ("1500500u", 1501, 1500),
        ("9223372036854775807", (2**63 - 1) * 1000, (2**63 - 1) * 1000),
    ],
)
def test_an_amount_is_rounded_towards_the_safe_side(text: str, up: int, down: int) -> None:
    assert (parse_amount(text, up=True), parse_amount(text, up=False)) == (up, down)


@pytest.mark.parametrize("quantity", ["much", "", "1 Gi", None, True, [1]])
def test_what_is_no_quantity_is_an_error_or_told_of_and_left_out(quantity: Any) -> None:
    with pytest.raises(QuantityError):
        parse_amounts({"cpu": quantity}, up=True)
    told: list[str] = []
    found = parse_amounts({"cpu": quantity, "memory": 5}, up=True, unreadable=lambda name, _: told.append(name))
    assert (found, told) == ({"memory": 5000}, ["cpu"])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {}),
        ({"containers": [container({"cpu": "1"}), container({"cpu": "500m", "memory": 1024})]},
         {"cpu": 1500, "memory": 1024000}),
        ({"containers": [container(limits={"cpu": 2, "memory": "1Gi"}, requests={"cpu": 0.5})]},
         {"cpu": 500, "memory": GIB}),
        ({"containers": [container({"cpu": "1"})],
          "initContainers": [container({"cpu": "3"}), container({"cpu": "2"})]},
         {"cpu": 3000}),
        ({"containers": [container({"cpu": "2"})], "initContainers": [container({"cpu": "1", "memory": "1Gi"})]},
         {"cpu": 2000, "memory": GIB}),
        ({"containers": [container({"cpu": "1"})], "initContainers": [sidecar({"cpu": "1"}), container({"cpu": "3"})]},
         {"cpu": 4000}),
        ({"containers": [container({"cpu": "1"})], "initContainers": [container({"cpu": "3"}), sidecar({"cpu": "1"})]},
         {"cpu": 3000}),
        ({"containers": [container({"cpu": "1"})], "initContainers": [sidecar({"cpu": "2"}), sidecar({"cpu": "1"})]},
         {"cpu": 4000}),
        ({"containers": [container({"cpu": "1"})], "overhead": {"cpu": "250m", "memory": "1Gi"}},
         {"cpu": 1250, "memory": GIB}),
        ({"containers": [container({"cpu": "1", "nvidia.com/gpu": "2"})], "resources": {"requests": {"cpu": "3"}}},
         {"cpu": 3000, "nvidia.com/gpu": 2000}),
        ({"containers": [container({"cpu": "1"})], "resources": {"requests": {"nvidia.com/gpu": "3"}}}, {"cpu": 1000}),
        ({"containers": [container({"cpu": "1"})], "resources": {"limits": {"cpu": "3", "memory": "1Gi"}}},
         {"cpu": 1000, "memory": GIB}),
        ({"containers": [container({"hugepages-2Mi": "2Mi"})], "resources": {"limits": {"hugepages-2Mi": "4Mi"}}},
         {"hugepages-2Mi": 4 * 2**20 * 1000}),
    ],
    ids=[
        "nothing",
        "all containers together",
        "a limit is a request that is missing",
        "the largest init container if it needs more",
        "each resource by itself",
        "an init container beside a sidecar that started before",
        "an init container before a sidecar",
        "sidecars run on",
        "overhead is added",
        "the whole pod's amount instead of the sum",
        "devices are never the whole pod's",
        "the whole pod's limit only where nobody asks",
        "huge pages of the whole pod are its limit",
    ],
)  # fmt: skip
def test_the_sum_is_that_of_the_scheduler(spec: JsonObject, expected: dict[str, int]) -> None:
    assert pod_requests(spec) == expected


@pytest.mark.parametrize(
    ("reason", "expected"), [("Deferred", 4000), ("Infeasible", 2000)], ids=["wanted", "not to be had"]
)
def test_a_resize_counts_with_what_is_held_and_what_is_wanted(reason: str, expected: int) -> None:
    status = {
        "conditions": [{"type": "PodResizePending", "reason": reason}],
        "containerStatuses": [
            {"name": "main", "resources": {"requests": {"cpu": "1"}}, "allocatedResources": {"cpu": "2"}}
        ],
    }
    assert pod_requests({"containers": [container({"cpu": "4"})]}, status=status) == {"cpu": expected}


def test_a_resize_of_the_whole_pod_counts_likewise() -> None:
    spec = {"containers": [container({"cpu": "1"})], "resources": {"requests": {"cpu": "2"}}}
    status = {"resources": {"requests": {"cpu": "3"}}, "allocatedResources": {"cpu": "3"}}
    assert pod_requests(spec, status=status) == {"cpu": 3000}


def test_a_container_that_has_shrunk_holds_until_it_let_go() -> None:
    status = {"containerStatuses": [{"name": "main", "resources": {"requests": {"cpu": "4"}}}]}
    assert pod_requests({"containers": [container({"cpu": "1"})]}, status=status) == {"cpu": 4000}
