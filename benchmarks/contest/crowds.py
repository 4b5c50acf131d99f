"""Pods that fill a cluster: other people's, which no hub started, and lookalikes of a hub's own."""

from collections.abc import Callable

from benchmarks.contest.offer import GPU
from benchmarks.instruments.sightings import USER
from benchmarks.simulated_pods import server_manifest
from genkan_spawner.api import JsonObject

GPU_PODS_PER_NODE = 3
"""Of other people's pods: some GPUs stay free."""

_VARIABLES = 40
"""Of each pod, so that it is as large as usual, about eight kilobytes."""


def others_pods(*, nodes: int) -> Callable[[str], JsonObject]:
    """Return what makes somebody else's pods; the first ones hold most of the GPUs of so many nodes."""
    holders = nodes * GPU_PODS_PER_NODE

    def manifest(name: str) -> JsonObject:
        made = passing_pod(name)
        if int(name.rpartition("-")[2]) < holders:
            resources = made["spec"]["containers"][0]["resources"]
            resources["limits"][GPU] = resources["requests"][GPU] = "1"
        return made

    return manifest


def passing_pod(name: str) -> JsonObject:
    """Return a pod of somebody else that holds no GPU."""
    manifest = _large(server_manifest(name))
    manifest["metadata"]["labels"]["app.kubernetes.io/component"] = "workload"
    return manifest


def own_pod(name: str) -> JsonObject:
    """Return a server as a hub of this namespace would have started it, which no hub started."""
    manifest = _large(server_manifest(name))
    manifest["metadata"]["labels"] |= {"component": "singleuser-server", "app": "jupyterhub", USER: name}
    manifest["metadata"]["annotations"] = {USER: name}
    return manifest


def _large(manifest: JsonObject) -> JsonObject:
    variables = [
        {"name": f"VARIABLE_{number:02}", "value": f"a value of usual length, number {number}"}
        for number in range(_VARIABLES)
    ]
    manifest["spec"]["containers"][0]["env"] = variables
    return manifest
