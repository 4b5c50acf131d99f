"""Shell scripts as pods of the sandbox, and what is to be seen of them on the machine."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from genkan_sandbox.agent.leftovers import CONTAINER_VARIABLE
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import CLAIMS, CONFIG_MAPS, EVENTS, PODS, SECRETS, Kind

from .cluster import WITHIN, Cluster
from .sandbox import SandboxRun

FOR_EVER = "while :; do sleep 0.1; done"
"""A script that ends as soon as it is asked to, where it is not the first process of its container."""

WAIT = f"trap 'exit 0' TERM; {FOR_EVER}"
"""A script that waits for the pod's end."""

HOME = "/home/jovyan"


def home_on(claim: str) -> dict[str, Any]:
    """Return the fields of a pod whose home is on a claim."""
    return {
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": claim}}],
        "container": {"volumeMounts": [{"name": "home", "mountPath": HOME}]},
    }


def on(node: str) -> dict[str, Any]:
    """Return the fields of a pod that the scheduler may place on one node only."""
    return {"nodeSelector": {"kubernetes.io/hostname": node}}


@dataclass(frozen=True, slots=True)
class Ended:
    """A pod whose processes have ended, and what its container `main` wrote."""

    pod: JsonObject
    log: str

    @property
    def phase(self) -> str:
        return str(self.pod["status"]["phase"])

    @property
    def end(self) -> JsonObject:
        """How the container ended."""
        return terminated(self.pod)


def container_status(pod: JsonObject, name: str = "main") -> JsonObject:
    """Return the status of one container."""
    status = pod["status"]
    both = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    found: JsonObject = next(one for one in both if one["name"] == name)
    return found


def terminated(pod: JsonObject, name: str = "main") -> JsonObject:
    """Return how one container ended."""
    found: JsonObject = container_status(pod, name)["state"]["terminated"]
    return found


def waiting(pod: JsonObject, reason: str) -> bool:
    """Whether the container `main` waits for this reason."""
    statuses = pod["status"].get("containerStatuses", [])
    return any(one["state"].get("waiting", {}).get("reason") == reason for one in statuses)


def conditions(found: JsonObject) -> dict[str, str]:
    """Return the conditions of a pod or a node, by type."""
    return {row["type"]: row["status"] for row in found["status"].get("conditions", [])}


async def unschedulable(cluster: Cluster, pod: JsonObject) -> str:
    """Wait until the scheduler has given up on a pod for now, and return why."""
    found = await cluster.until(
        PODS,
        pod["metadata"]["name"],
        lambda pod: conditions(pod).get("PodScheduled") == "False",
        namespace=pod["metadata"]["namespace"],
    )
    return str(next(row["message"] for row in found["status"]["conditions"] if row["type"] == "PodScheduled"))


class Shells:
    """Starts scripts as pods and reads what they wrote."""

    def __init__(self, cluster: Cluster, sandbox: SandboxRun) -> None:
        self._cluster = cluster
        self._sandbox = sandbox

    async def start(self, script: str, **fields: Any) -> JsonObject:
        """Create a pod that runs a script; `fields` are those of `Cluster.add_pod`."""
        return await self._cluster.add_pod(command=("/bin/sh", "-c", script), simulate=False, **fields)

    async def begin(self, script: str, **fields: Any) -> JsonObject:
        """Create a pod that runs a script, and return it when it runs."""
        pod = await self.start(script, **fields)
        return await self._cluster.until_phase(
            pod["metadata"]["name"], "Running", namespace=pod["metadata"]["namespace"]
        )

    async def run(self, script: str, **fields: Any) -> Ended:
        """Create a pod that runs a script, and wait for its end."""
        return await self.ended(await self.start(script, **fields))

    async def ended(self, pod: JsonObject) -> Ended:
        """Wait for a pod's end."""
        found = await self._cluster.until(
            PODS,
            pod["metadata"]["name"],
            lambda found: found["status"].get("phase") in {"Succeeded", "Failed"},
            namespace=pod["metadata"]["namespace"],
        )
        return Ended(found, self.log(found))

    def log_file(self, pod: JsonObject, container: str = "main") -> Path:
        """Return where a container's output is promised to be."""
        metadata = pod["metadata"]
        folder = f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
        return self._sandbox.state / "logs" / "pods" / folder / f"{container}.log"

    def log(self, pod: JsonObject, container: str = "main") -> str:
        """Return what a container has written until now; nothing if it was never started."""
        file = self.log_file(pod, container)
        return file.read_text() if file.exists() else ""

    async def until_written(self, pod: JsonObject, words: str, *, container: str = "main") -> None:
        """Wait until a container has written something."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                while words not in self.log(pod, container):
                    await asyncio.sleep(0.05)
        assert words in self.log(pod, container)

    async def until_told(self, pod: JsonObject, reason: str, words: str) -> None:
        """Wait for an event about a pod with these words in its message."""
        about = f"involvedObject.uid={pod['metadata']['uid']},reason={reason}"
        told: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                while not any(words in message for message in told):
                    namespace = pod["metadata"]["namespace"]
                    events = await self._cluster.api.list(EVENTS, namespace=namespace, field_selector=about)
                    told = [event["message"] for event in events]
                    await asyncio.sleep(0.05)
        assert any(words in message for message in told), f"no event {reason} says {words!r}, but {told}"

    def processes(self, pods: Iterable[JsonObject]) -> list[psutil.Process]:
        """Return the processes of some pods, by the mark that all of them carry."""
        uids = {pod["metadata"]["uid"] for pod in pods}
        found: list[psutil.Process] = []
        for process in self._sandbox.processes():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(CONTAINER_VARIABLE, "").partition("/")[0] in uids:
                    found.append(process)
        return found

    async def until_ended(self, pods: Iterable[JsonObject]) -> None:
        """Wait until no process of some pods is left."""
        async with asyncio.timeout(WITHIN):
            while self.processes(pods):
                await asyncio.sleep(0.05)

    async def add_secret(self, name: str, **values: str) -> JsonObject:
        """Create a Secret in the cluster's namespace."""
        return await self._add_values(SECRETS, name, {"stringData": values})

    async def add_config_map(self, name: str, **values: str) -> JsonObject:
        """Create a ConfigMap in the cluster's namespace."""
        return await self._add_values(CONFIG_MAPS, name, {"data": values})

    async def _add_values(self, kind: Kind, name: str, content: JsonObject) -> JsonObject:
        metadata = {"name": name, "namespace": self._cluster.namespace}
        manifest = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}
        return await self._cluster.add(manifest | content)

    async def add_claim(self, name: str, storage_class: str = "shared", **spec: Any) -> JsonObject:
        """Create a claim in the cluster's namespace."""
        modes = ["ReadWriteMany" if storage_class == "shared" else "ReadWriteOnce"]
        resources = {"requests": {"storage": "1Gi"}}
        return await self._cluster.add(
            {
                "apiVersion": CLAIMS.api_version,
                "kind": CLAIMS.name,
                "metadata": {"name": name, "namespace": self._cluster.namespace},
                "spec": {"storageClassName": storage_class, "accessModes": modes, "resources": resources, **spec},
            }
        )
