import pytest

from genkan_sandbox.agent.fields import FieldError, Place, field, resource_field

from .manifests import container, node_record, pod

PLACE = Place(node_record(), pod_address="127.130.1.1", host_address="127.130.0.1")
POD = pod(
    metadata={"labels": {"b": 'two "2"', "a": "1"}, "annotations": {"example.org/x": "y"}},
    serviceAccountName="robot",
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "pod"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "uid-pod"),
        ("metadata.labels", 'a="1"\nb="two \\"2\\""'),
        ("metadata.labels['a']", "1"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['example.org/x']", "y"),
        ("spec.nodeName", "a-0"),
        ("spec.serviceAccountName", "robot"),
        ("status.podIP", "127.130.1.1"),
        ("status.podIPs", "127.130.1.1"),
        ("status.hostIP", "127.130.0.1"),
    ],
)
def test_fields_of_a_pod(path: str, value: str) -> None:
    assert field(POD, path, place=PLACE) == value


@pytest.mark.parametrize("path", ["", "spec", "metadata.labels[a]", "metadata.finalizers['x']"])
def test_other_fields_are_refused(path: str) -> None:
    with pytest.raises(FieldError, match="unsupported fieldPath"):
        field(POD, path, place=PLACE)


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", None, "2"),
        ("requests.cpu", None, "1"),
        ("requests.cpu", "1m", "500"),
        ("limits.memory", None, "8589934592"),
        ("limits.memory", "1Mi", "8192"),
        ("limits.memory", "0", "8589934592"),
        ("requests.memory", None, "0"),
    ],
)
def test_resources_in_units_of_their_divisor(resource: str, divisor: str | None, value: str) -> None:
    limits = {"limits": {"cpu": "1500m", "memory": "8Gi"}, "requests": {"cpu": "500m"}}
    reference = {"resource": resource, "divisor": divisor}

    assert resource_field(container(resources=limits), reference, place=PLACE) == value


def test_a_limit_that_is_missing_is_what_the_node_has() -> None:
    assert resource_field(container(), {"resource": "limits.cpu"}, place=PLACE) == "8"
    assert resource_field(container(), {"resource": "limits.memory", "divisor": "1Gi"}, place=PLACE) == "50"
    assert resource_field(container(), {"resource": "limits.nvidia.com/gpu"}, place=PLACE) == "0"
