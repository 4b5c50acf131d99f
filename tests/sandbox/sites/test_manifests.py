import json
from typing import Any

import pytest

from genkan_profiles.documents import parse_document
from genkan_sandbox.sites import Device, Pool, Site, Taint, TaintEffect, load_site, node_manifest, site_manifests

from ...support.golden import Golden

RULES = """\
description: Rules of every kind.
namespaces:
  - {name: genkan, pod_security: restricted, labels: {team: hub}}
priority_classes:
  - {name: high, value: 1000, default: true, preemption: Never, description: High.}
limit_ranges:
  - {name: defaults, namespace: genkan, default: {cpu: 1}, default_request: {cpu: 0.1}, min: {cpu: 50m}, max: {cpu: 4}}
quotas:
  - {name: all, namespace: genkan, hard: {pods: 5, requests.nvidia.com/gpu: 2}, scopes: [NotTerminating]}
  - {name: high, namespace: genkan, hard: {requests.cpu: 8}, priority_classes: [high]}
pools:
  - {name: a, count: 1, cpu: 4, memory: 8Gi}
tenants:
  - {name: job, namespace: genkan, replicas: 2, cpu: 1, memory: 1Gi, priority_class: high, tolerations: [{key: x}]}
"""


def labels(pool: Pool) -> dict[str, str]:
    found: dict[str, str] = node_manifest(pool, 0)["metadata"]["labels"]
    return found


def test_a_site_becomes_these_objects(golden: Golden) -> None:
    golden.check("workstations", site_manifests(load_site("workstations")))


def test_rules_become_these_objects(golden: Golden) -> None:
    golden.check("rules", site_manifests(parse_document(RULES, Site, source="rules.yaml")))


def test_objects_come_in_an_order_in_which_they_can_be_created() -> None:
    kinds = [manifest["kind"] for manifest in site_manifests(load_site("datacenter"))]
    before = ["PriorityClass", "Namespace", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim"]
    order = [*before, "LimitRange", "ResourceQuota", "Node", "Pod"]

    assert kinds == sorted(kinds, key=order.index)
    assert set(kinds) == set(order)


def test_every_object_has_one_name_and_is_json() -> None:
    for name in ("datacenter", "large"):
        manifests = site_manifests(load_site(name))
        names = {(row["kind"], row["metadata"].get("namespace"), row["metadata"]["name"]) for row in manifests}
        assert len(names) == len(manifests)
        assert json.loads(json.dumps(manifests)) == manifests


def test_a_node_can_be_made_for_any_test() -> None:
    pool = Pool(
        name="extra",
        count=1,
        cpu="2",
        memory="4Gi",
        pods=5,
        devices=(Device(resource="example.org/tpu", count=3),),
        taints=(Taint(key="a", value="b", effect=TaintEffect.NO_SCHEDULE),),
        labels={"pool": "mine", "rack": "7"},
        cordoned=(0,),
    )

    node: Any = node_manifest(pool, 0)

    assert node["metadata"]["name"] == "extra-0"
    assert node["metadata"]["annotations"] == {
        "sandbox.genkan.dev/managed": "true",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
    }
    assert node["spec"] == {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}], "unschedulable": True}
    assert node["status"]["allocatable"]["example.org/tpu"] == "3"
    assert node["status"]["allocatable"]["pods"] == "5"
    assert node["metadata"]["labels"]["pool"] == "mine"
    assert not any(label.startswith("nvidia.com/") for label in node["metadata"]["labels"])
    assert {row["type"]: row["status"] for row in node["status"]["conditions"]} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }


def test_labels_are_those_of_gpu_feature_discovery() -> None:
    pool = Pool(
        name="v",
        count=1,
        cpu="8",
        memory="64Gi",
        driver="580.95.05",
        cuda="13.0",
        devices=(Device(count=4, product="Tesla-V100-SXM2-16GB"),),
    )

    assert {key: value for key, value in labels(pool).items() if key.startswith("nvidia.com/")} == {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": "Tesla-V100-SXM2-16GB",
        "nvidia.com/gpu.count": "4",
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/gpu.mode": "compute",
        "nvidia.com/gpu.memory": "16384",
        "nvidia.com/gpu.family": "volta",
        "nvidia.com/gpu.compute.major": "7",
        "nvidia.com/gpu.compute.minor": "0",
        "nvidia.com/mig.capable": "false",
        "nvidia.com/mps.capable": "false",
        "nvidia.com/cuda.driver.major": "580",
        "nvidia.com/cuda.driver.minor": "95",
        "nvidia.com/cuda.driver.rev": "05",
        "nvidia.com/cuda.runtime.major": "13",
        "nvidia.com/cuda.runtime.minor": "0",
        "nvidia.com/cuda.driver-version.full": "580.95.05",
        "nvidia.com/cuda.driver-version.major": "580",
        "nvidia.com/cuda.driver-version.minor": "95",
        "nvidia.com/cuda.driver-version.revision": "05",
        "nvidia.com/cuda.runtime-version.full": "13.0",
        "nvidia.com/cuda.runtime-version.major": "13",
        "nvidia.com/cuda.runtime-version.minor": "0",
    }


def test_divided_cards_are_counted_and_their_slices_described() -> None:
    product = "NVIDIA-A100-SXM4-80GB"
    slices = Device(resource="nvidia.com/mig-1g.10gb", count=14, cards=2, product=product, memory="9728Mi")
    pool = Pool(name="m", count=1, cpu="8", memory="64Gi", devices=(slices, Device(count=2, product=product)))

    found = labels(pool)

    assert found["nvidia.com/mig.strategy"] == "mixed"
    assert found["nvidia.com/gpu.count"] == "4"
    assert found["nvidia.com/gpu.replicas"] == "1"
    assert found["nvidia.com/gpu.memory"] == "81920"
    assert found["nvidia.com/mig-1g.10gb.product"] == "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"
    assert found["nvidia.com/mig-1g.10gb.count"] == "14"
    assert found["nvidia.com/mig-1g.10gb.memory"] == "9728"
    assert found["nvidia.com/mig-1g.10gb.slices.gi"] == "1"


def test_a_node_with_slices_alone_offers_no_whole_card() -> None:
    slices = Device(
        resource="nvidia.com/mig-3g.40gb", count=8, cards=4, product="NVIDIA-A100-SXM4-80GB", memory="40192Mi"
    )
    pool = Pool(name="m", count=1, cpu="8", memory="64Gi", devices=(slices,))

    assert labels(pool)["nvidia.com/gpu.count"] == "4"
    assert labels(pool)["nvidia.com/gpu.replicas"] == "0"
    assert "nvidia.com/gpu" not in node_manifest(pool, 0)["status"]["allocatable"]


@pytest.mark.parametrize(
    ("resource", "product"), [("nvidia.com/gpu", "Tesla-T4-SHARED"), ("nvidia.com/gpu.shared", "Tesla-T4")]
)
def test_time_sliced_cards_offer_each_card_several_times(resource: str, product: str) -> None:
    device = Device(resource=resource, count=2, replicas=4, product="Tesla-T4")
    pool = Pool(name="t", count=1, cpu="8", memory="64Gi", devices=(device,))

    assert node_manifest(pool, 0)["status"]["allocatable"][resource] == "8"
    assert labels(pool)["nvidia.com/gpu.product"] == product
    assert labels(pool)["nvidia.com/gpu.count"] == "2"
    assert labels(pool)["nvidia.com/gpu.replicas"] == "4"
    assert labels(pool)["nvidia.com/gpu.sharing-strategy"] == "time-slicing"


def test_a_card_that_is_not_in_the_table_can_be_described() -> None:
    card = Device(count=1, product="NVIDIA-X1", memory="24Gi", family="rubin", compute_capability="12.0")
    found = labels(Pool(name="x", count=1, cpu="8", memory="64Gi", devices=(card,)))

    assert found["nvidia.com/gpu.memory"] == "24576"
    assert found["nvidia.com/gpu.family"] == "rubin"
    assert found["nvidia.com/gpu.compute.major"] == "12"
