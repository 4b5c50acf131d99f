"""Objects of the API as tests need them: everything has a default."""

from collections.abc import Mapping, Sequence
from typing import Any

from genkan_sandbox.agent.records import NodeRecord, PodRecord, project_node, project_pod
from genkan_spawner.api import JsonObject


def container(name: str = "notebook", **fields: Any) -> JsonObject:
    return {"name": name, "image": "registry.example.org/lab:1", **fields}


def pod(
    name: str = "pod",
    *,
    containers: Sequence[JsonObject] = (),
    init: Sequence[JsonObject] = (),
    annotations: Mapping[str, str] | None = None,
    status: JsonObject | None = None,
    metadata: JsonObject | None = None,
    **spec: Any,
) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "annotations": dict(annotations or {}),
            **(metadata or {}),
        },
        "spec": {
            "nodeName": "a-0",
            "restartPolicy": "Never",
            "containers": list(containers) or [container()],
            **({"initContainers": list(init)} if init else {}),
            **spec,
        },
        "status": status or {"phase": "Pending"},
    }


def node(
    name: str = "a-0",
    *,
    managed: bool = True,
    resources: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    conditions: Sequence[JsonObject] = (),
) -> JsonObject:
    allocatable = {"cpu": "8", "memory": "50Gi", "pods": "110", **(resources or {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": {"kubernetes.io/hostname": name, **(labels or {})},
            "annotations": {"sandbox.genkan.dev/managed": "true"} if managed else {},
        },
        "status": {"allocatable": allocatable, "conditions": list(conditions)},
    }


def pod_record(name: str = "pod", **fields: Any) -> PodRecord:
    return project_pod(pod(name, **fields))


def node_record(name: str = "a-0", **fields: Any) -> NodeRecord:
    return project_node(node(name, **fields))


def gpus(count: int) -> JsonObject:
    return {"limits": {"nvidia.com/gpu": str(count)}}
