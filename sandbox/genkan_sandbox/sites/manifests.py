"""A site as the Kubernetes objects that make a cluster be like it."""

import json
from collections.abc import Iterator

from genkan_sandbox.agent import exports
from genkan_sandbox.agent.attaching import CONTROLLED
from genkan_sandbox.annotations import GPU_MEMORY, GPU_UTILISATION, MANAGED, SIMULATE
from genkan_spawner.api import JsonObject

from .exports import Export
from .hardware import Pool
from .labels import node_labels
from .models import Site
from .policies import LimitRange, Namespace, PriorityClass, Quota
from .tenants import Tenant

_TENANT_IMAGE = "registry.example.org/tenants/workload:1"
_TENANT_USER_ID = 1000
_LITTLE = "1Gi"


def site_manifests(site: Site) -> list[JsonObject]:
    """Return all objects of a site in the order in which they can be created."""
    return [
        *(_priority_class(row) for row in site.priority_classes),
        *(_namespace(row) for row in site.namespaces),
        *_exports(site),
        *(_limit_range(row) for row in site.limit_ranges),
        *(_quota(row) for row in site.quotas),
        *(node_manifest(pool, index) for pool in site.pools for index in range(pool.count)),
        *(pod for tenant in site.tenants for pod in _tenant_pods(tenant)),
    ]


def node_manifest(pool: Pool, index: int) -> JsonObject:
    """Return a node of a pool, ready for pods as soon as it is created.

    Everything that the site gives is allocatable: the share that a real kubelet keeps for the system is left out.
    """
    resources = {
        "cpu": pool.cpu,
        "memory": pool.memory,
        "ephemeral-storage": pool.ephemeral_storage,
        "pods": str(pool.pods),
        **{resource: str(count) for resource, count in pool.offered.items()},
    }
    spec: JsonObject = {}
    if pool.taints:
        spec["taints"] = [
            {"key": taint.key, "value": taint.value, "effect": taint.effect.value} for taint in pool.taints
        ]
    if index in pool.cordoned:
        spec["unschedulable"] = True
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": pool.node_name(index),
            "labels": node_labels(pool, index),
            "annotations": {MANAGED: "true", CONTROLLED: "true"},
        },
        "spec": spec,
        "status": {"capacity": resources, "allocatable": dict(resources), "conditions": _healthy()},
    }


def _healthy() -> list[JsonObject]:
    pressures = (
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    )
    return [
        *(
            {"type": kind, "status": "False", "reason": reason, "message": message}
            for kind, reason, message in pressures
        ),
        {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"},
    ]


def _priority_class(row: PriorityClass) -> JsonObject:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": row.name},
        "value": row.value,
        "globalDefault": row.default,
        "preemptionPolicy": row.preemption.value,
        "description": row.description,
    }


def _namespace(row: Namespace) -> JsonObject:
    security = {
        "pod-security.kubernetes.io/enforce": row.pod_security.value,
        "pod-security.kubernetes.io/warn": row.pod_security.value,
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": row.name, "labels": {**security, **row.labels}},
    }


def _quota(row: Quota) -> JsonObject:
    spec: JsonObject = {"hard": dict(row.hard)}
    if row.scopes:
        spec["scopes"] = [scope.value for scope in row.scopes]
    if row.priority_classes:
        expression = {"scopeName": "PriorityClass", "operator": "In", "values": list(row.priority_classes)}
        spec["scopeSelector"] = {"matchExpressions": [expression]}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": row.name, "namespace": row.namespace},
        "spec": spec,
    }


def _limit_range(row: LimitRange) -> JsonObject:
    limits = {"default": row.default, "defaultRequest": row.default_request, "min": row.min, "max": row.max}
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": row.name, "namespace": row.namespace},
        "spec": {"limits": [{"type": "Container", **{name: dict(value) for name, value in limits.items() if value}}]},
    }


def _exports(site: Site) -> Iterator[JsonObject]:
    """Declare the exports to the node agent, and make a volume and a claim for each in each of its namespaces."""
    if not site.exports:
        return
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": exports.CONFIG_MAP, "namespace": exports.NAMESPACE},
        "data": {
            row.name: json.dumps(row.model_dump(mode="json", include=set(exports.ExportRules.model_fields)))
            for row in site.exports
        },
    }
    places = [(row, namespace) for row in site.exports for namespace in site.export_namespaces(row)]
    yield from (_export_volume(row, namespace) for row, namespace in places)
    yield from (_export_claim(row, namespace) for row, namespace in places)


def _export_volume(row: Export, namespace: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{row.name}-{namespace}"},
        "spec": {
            "capacity": {"storage": row.size},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "mountOptions": ["nfsvers=4.2"],
            "nfs": {"server": exports.SERVER, "path": f"/{row.name}"},
            "claimRef": {"namespace": namespace, "name": row.name},
        },
    }


def _export_claim(row: Export, namespace: str) -> JsonObject:
    """Return a claim that asks for little, so that it weighs little in a quota of storage."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": row.name, "namespace": namespace},
        "spec": {
            "storageClassName": "",
            "volumeName": f"{row.name}-{namespace}",
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": _LITTLE}},
        },
    }


def _load(tenant: Tenant) -> dict[str, str]:
    load = {GPU_UTILISATION: f"{tenant.gpu_utilisation:g}"} if tenant.gpu_utilisation else {}
    return {**load, GPU_MEMORY: tenant.gpu_memory} if tenant.gpu_memory is not None else load


def _tenant_pods(tenant: Tenant) -> Iterator[JsonObject]:
    resources = {"cpu": tenant.cpu, "memory": tenant.memory, **{k: str(v) for k, v in tenant.devices.items()}}
    spec: JsonObject = {
        "restartPolicy": "Always",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": dict(tenant.node_selector),
        "tolerations": [
            {"key": row.key, "operator": "Exists", **({"effect": row.effect.value} if row.effect else {})}
            for row in tenant.tolerations
        ],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _TENANT_USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "workload",
                "image": _TENANT_IMAGE,
                "resources": {"requests": resources, "limits": dict(resources)},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }
    if tenant.priority_class is not None:
        spec["priorityClassName"] = tenant.priority_class
    for index in range(tenant.replicas):
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{tenant.name}-{index}",
                "namespace": tenant.namespace,
                "labels": {"app.kubernetes.io/name": tenant.name},
                "annotations": {SIMULATE: "true", **_load(tenant)},
            },
            "spec": spec,
        }
