"""Service accounts whose rights a test chooses."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from genkan_spawner.api import KubernetesApi, PatchType
from genkan_spawner.kinds import CLUSTER_ROLES

from .cluster import Cluster
from .sandbox import SandboxRun

GROUPS = {
    "nodes": "",
    "pods": "",
    "resourcequotas": "",
    "priorityclasses": "scheduling.k8s.io",
    "limitranges": "",
    "persistentvolumeclaims": "",
    "storageclasses": "storage.k8s.io",
    "persistentvolumes": "",
    "csidrivers": "storage.k8s.io",
}
"""The kinds that a hub follows, with the groups of the API that they are in."""

RULES = {
    kind: {"apiGroups": [group], "resources": [kind], "verbs": ["list", "watch"]} for kind, group in GROUPS.items()
}


class Account:
    """A service account whose rights in the whole cluster a test changes."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.namespace = namespace
        self._cluster = cluster
        self._group = "rbac.authorization.k8s.io"

    async def create(self) -> None:
        role = {"apiVersion": f"{self._group}/v1", "kind": "ClusterRole", "metadata": {"name": self.namespace}}
        await self._cluster.add({**role, "rules": []})
        await self._cluster.add(
            {
                **role,
                "kind": "ClusterRoleBinding",
                "roleRef": {"apiGroup": self._group, "kind": "ClusterRole", "name": self.namespace},
                "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": self.namespace}],
            }
        )

    async def may_read(self, *kinds: str) -> None:
        """Give the right to list and watch these kinds everywhere, and to nothing else."""
        rules = {"rules": [RULES[kind] for kind in kinds]}
        await self._cluster.api.patch(CLUSTER_ROLES, self.namespace, rules, patch_type=PatchType.MERGE)

    async def may_read_in(self, namespace: str, *kinds: str) -> None:
        """Give the same in one namespace."""
        role = {"apiVersion": f"{self._group}/v1", "metadata": {"name": self.namespace, "namespace": namespace}}
        await self._cluster.add({**role, "kind": "Role", "rules": [RULES[kind] for kind in kinds]})
        await self._cluster.add(
            {
                **role,
                "kind": "RoleBinding",
                "roleRef": {"apiGroup": self._group, "kind": "Role", "name": self.namespace},
                "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": self.namespace}],
            }
        )

    @asynccontextmanager
    async def api(self, sandbox: SandboxRun, folder: Path) -> AsyncIterator[KubernetesApi]:
        """Connect as the account."""
        async with await KubernetesApi.connect(await self.kubeconfig(sandbox, folder)) as api:
            yield api

    async def kubeconfig(self, sandbox: SandboxRun, folder: Path) -> Path:
        """Write a kubeconfig with a token of the account."""
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        token = (await self._cluster.api.request("POST", path, body=request))["status"]["token"]
        kubeconfig = json.loads((sandbox.state / "hub.kubeconfig").read_text())
        kubeconfig["users"][0]["user"] = {"token": token}
        file = folder / "kubeconfig"
        file.write_text(json.dumps(kubeconfig))
        return file
