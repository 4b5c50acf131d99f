from datetime import UTC, datetime

import pytest

from genkan_hub.cluster_page.grants import Grant, grants_of, is_gpu
from genkan_hub.cluster_page.pod_facts import PodFacts
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.projection import pod_record

from ...support.objects import pod
from .scenes import GPU, SLICE

STARTED = datetime(2026, 11, 1, 10, 30, tzinfo=UTC)
CREATED = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


def grants(raw: JsonObject, **fields: tuple[str, ...]) -> tuple[Grant, ...]:
    record = pod_record(raw)
    assert record is not None
    return grants_of(record, PodFacts.of(raw), **fields)


def holding(*devices: str) -> JsonObject:
    entry = {"name": GPU, "resources": [{"resourceID": device} for device in devices]}
    return {"startTime": STARTED.isoformat(), "containerStatuses": [{"allocatedResourcesStatus": [entry]}]}


def test_a_grant_is_what_a_pod_holds_on_its_machine_since_that_took_it_on() -> None:
    raw = pod(node="a", requests={GPU: "2", "cpu": "4"}, status=holding("GPU-1", "GPU-2"))
    assert grants(raw) == (Grant(GPU, "a", 2, STARTED, ("GPU-1", "GPU-2")),)


def test_a_kubelet_that_tells_nothing_leaves_number_and_machine() -> None:
    assert grants(pod(node="a", requests={GPU: "2"})) == (Grant(GPU, "a", 2, CREATED),)


def test_a_pod_may_hold_gpus_of_several_kinds() -> None:
    found = grants(pod(node="a", requests={GPU: "1", SLICE: "2"}))
    assert [(grant.resource, grant.count) for grant in found] == [(GPU, 1), (SLICE, 2)]


def test_a_pod_that_waits_holds_nothing() -> None:
    assert grants(pod(requests={GPU: "1"})) == ()


@pytest.mark.parametrize(
    ("resource", "gpu"),
    [
        (GPU, True),
        (SLICE, True),
        ("nvidia.com/gpu.shared", True),
        ("amd.com/gpu", True),
        ("gpu.intel.com/i915", True),
        ("habana.ai/gaudi", True),
        ("aws.amazon.com/neurondevice", True),
        ("google.com/tpu", True),
        ("rdma/hca", False),
        ("smarter-devices/fuse", False),
        ("count/gpus.example.org", False),
        ("cpu", False),
        ("memory", False),
    ],
)
def test_what_counts_as_a_gpu(resource: str, gpu: bool) -> None:
    assert is_gpu(resource) is gpu


def test_what_the_catalogue_calls_a_gpu_is_one() -> None:
    assert not grants(pod(node="a", requests={"example.org/accelerator": "1"}))
    assert grants(pod(node="a", requests={"example.org/accelerator": "1"}), named=("example.org/accelerator",))
