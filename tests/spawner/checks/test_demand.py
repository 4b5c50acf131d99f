from typing import Any

import pytest

from genkan_spawner.checks.demand import Rule, demand_of
from genkan_spawner.checks.exceptions import ManifestError

from .clusters import GPU, amounts, demand, manifest


def test_a_request_that_is_missing_is_the_limit() -> None:
    found = demand("cpu=2 memory=4Gi gpu=1")

    assert found.requests == found.limits == amounts("cpu=2 memory=4Gi gpu=1")


def test_limits_count_apart_from_requests_and_first_containers_count_where_they_need_more() -> None:
    found = demand_of(
        {
            "metadata": {"name": "n"},
            "spec": {
                "initContainers": [{"name": "first", "resources": {"limits": {"memory": "8Gi"}}}],
                "containers": [
                    {"name": "a", "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "2Gi"}}},
                    {"name": "b", "resources": {"requests": {"cpu": "500m"}}},
                ],
            },
        }
    )

    assert found.requests == amounts("cpu=1500m memory=8Gi")
    assert found.limits == amounts("cpu=2 memory=8Gi")
    assert found.namespace == "default"


def test_what_containers_do_not_say_is_told_by_the_names_that_quotas_have() -> None:
    found = demand_of(
        {
            "spec": {
                "containers": [
                    {"name": "a", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}},
                    {"name": "b", "resources": {"limits": {"cpu": "1"}}},
                ]
            }
        }
    )

    assert found.unspecified == {
        "limits.cpu": ("a",),
        "limits.memory": ("a", "b"),
        "memory": ("b",),
        "requests.memory": ("b",),
    }


def test_amounts_for_the_whole_pod_make_up_for_its_containers() -> None:
    bare = manifest("gpu=1", resources={"requests": {"cpu": "2"}, "limits": {"cpu": "3"}})

    found = demand_of(bare)

    assert found.unspecified == {}
    assert found.requests == amounts("cpu=2 gpu=1")
    assert found.limits == amounts("cpu=3 gpu=1")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {"best_effort": False, "terminating": False, "crosses_namespaces": False, "gated": False}),
        ({"activeDeadlineSeconds": 0}, {"terminating": True}),
        ({"schedulingGates": [{"name": "queue"}]}, {"gated": True}),
        ({"preemptionPolicy": "Never"}, {"never_preempts": True}),
        ({"preemptionPolicy": "PreemptLowerPriority"}, {"never_preempts": False}),
        ({"priorityClassName": "high", "priority": 7}, {"priority_class": "high", "priority": 7}),
        ({"schedulerName": "packer"}, {"scheduler": "packer"}),
        ({"resources": {}}, {"best_effort": True}),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_other_wishes_are_read(spec: dict[str, Any], expected: dict[str, Any]) -> None:
    found = demand(**spec)

    assert {name: getattr(found, name) for name in expected} == expected


def test_a_pod_that_asks_for_devices_only_is_best_effort() -> None:
    assert demand("gpu=1").best_effort
    assert demand("cpu=0").best_effort


def _sized(**resources: Any) -> dict[str, Any]:
    return {"name": "notebook", "resources": resources}


NEIGHBOURS = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}


@pytest.mark.parametrize(
    ("spec", "rules"),
    [
        (
            {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEIGHBOURS]}}},
            {"neighbours"},
        ),
        (
            {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEIGHBOURS]}}},
            {"neighbours"},
        ),
        ({"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]}, {"spread"}),
        ({"topologySpreadConstraints": [{"whenUnsatisfiable": "ScheduleAnyway"}]}, set()),
        ({"resourceClaims": [{"name": "gpu"}]}, {"claims"}),
        ({"containers": [{"name": "a", "ports": [{"containerPort": 80, "hostPort": 80}]}]}, {"ports"}),
        ({"containers": [{"name": "a", "ports": [{"containerPort": 80}]}]}, set()),
    ],
)
def test_what_no_check_foresees_is_noted(spec: dict[str, Any], rules: set[str]) -> None:
    assert set(demand(**spec).unforeseen) == {Rule(rule) for rule in rules}


@pytest.mark.parametrize("wish", ["required", "preferred"])
def test_affinity_to_other_namespaces_is_noted(wish: str) -> None:
    term = {**NEIGHBOURS, "namespaces": ["b"]}
    key = f"{wish}DuringSchedulingIgnoredDuringExecution"
    rows = [term] if wish == "required" else [{"weight": 1, "podAffinityTerm": term}]

    assert demand(affinity={"podAntiAffinity": {key: rows}}).crosses_namespaces


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"kind": "Deployment"}, "kind: This must be Pod, not 'Deployment'."),
        ({"spec": []}, "spec: This must be a mapping, not list."),
        ({"spec": {}}, "spec.containers: This must have at least one entry."),
        ({"spec": {"containers": "a"}}, "spec.containers: This must be a list, not 'a'."),
        ({"spec": {"containers": [None]}}, "spec.containers[0]: This must be a mapping, not None."),
        ({**manifest(), "metadata": {"name": 7}}, "metadata.name: This must be text (in quotes), not 7."),
        (manifest("cpu=many"), "spec.containers[0].resources.limits.cpu: 'many' is no quantity of Kubernetes"),
        (manifest("cpu=-1"), "spec.containers[0].resources.limits.cpu: This must not be negative, as -1 is."),
        (manifest("gpu=0.5"), f"spec.containers[0].resources.limits.{GPU}: This must be a whole number, not 0.5."),
        (
            manifest(containers=[_sized(requests={"cpu": "4"}, limits={"cpu": "2"})]),
            "spec.containers[0].resources.requests.cpu: This must be at most the limit, 2.",
        ),
        (
            manifest(containers=[_sized(requests={GPU: "1"}, limits={GPU: "2"})]),
            f"spec.containers[0].resources.requests.{GPU}: This must be the limit, 2.",
        ),
        (
            manifest(containers=[_sized(requests={GPU: "1"})]),
            f"spec.containers[0].resources.limits.{GPU}: This must be there, 1 as asked for.",
        ),
        (
            manifest(volumes=[{"name": "scratch", "ephemeral": {}}]),
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec: This must describe a claim, with accessModes and",
        ),
        (manifest(nodeSelector={"gpu": True}), "spec.nodeSelector.gpu: This must be text (in quotes), not True."),
        (manifest(nodeSelector={1: "a"}), "spec.nodeSelector: The key 1 is not text; put it in quotes."),
        (manifest(priority=1.5), "spec.priority: This must be a whole number, not 1.5."),
        (
            manifest(preemptionPolicy="Sometimes"),
            "spec.preemptionPolicy: 'Sometimes' is not allowed here; it is one of PreemptLowerPriority, Never.",
        ),
        (
            manifest(tolerations=[{"key": "a", "effect": "Now"}]),
            "spec.tolerations[0].effect: 'Now' is not allowed here; it is one of NoSchedule, PreferNo",
        ),
        (manifest(tolerations=[{"value": "a"}]), "spec.tolerations[0].operator: Without a key this must be Exists."),
        (
            manifest(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
            "spec.tolerations[0].value: With Exists this must be empty.",
        ),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)
def test_a_mistake_is_told_with_its_place(broken: Any, sentence: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        demand_of(broken)

    assert str(refusal.value).startswith(sentence)


def test_a_manifest_that_is_no_mapping_is_told() -> None:
    with pytest.raises(ManifestError, match=r"^The manifest: This must be a mapping, not 'pod'"):
        demand_of("pod")  # type: ignore[arg-type]  # what a file may hold


def test_numbers_of_python_are_amounts_too() -> None:
    found = demand_of({"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 0.5, GPU: 2}}}]}})

    assert found.requests == amounts("cpu=500m gpu=2")
