"""Who may talk to the API server: static tokens of the sandbox's own parts, and the hub's ServiceAccount."""

import base64
import json
import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genkan_hub.deployment.rights import Right, hub_rights
from genkan_sandbox.control_plane.certificates import API_SERVER
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import NotFoundError
from genkan_spawner.kinds import SERVICE_ACCOUNTS

HUB_ACCOUNT = "genkan-hub"
"""The hub's ServiceAccount, in the hub's own namespace; the chart genkan-platform calls it the same."""

CLUSTER_PAGE_ACCOUNT = "genkan-cluster-page"
"""That of the cluster page, which reads less than the hub and changes nothing."""

_SHOWN = frozenset({"nodes", "pods", "resourcequotas"})
"""What the cluster page reads."""

_RBAC = "rbac.authorization.k8s.io"

_TEN_YEARS = 10 * 365 * 24 * 3600


class Identity(StrEnum):
    """The users of the token file; Kubernetes' bootstrap roles know the two components by these names."""

    ADMINISTRATOR = "genkan-sandbox-admin"
    NODE_AGENT = "genkan-sandbox-nodes"
    CONTROLLER_MANAGER = "system:kube-controller-manager"
    SCHEDULER = "system:kube-scheduler"


_MASTERS = {Identity.ADMINISTRATOR, Identity.NODE_AGENT}


def make_tokens() -> dict[Identity, str]:
    """Make a token for each identity, new at each start."""
    return {identity: secrets.token_urlsafe(32) for identity in Identity}


@dataclass(frozen=True, slots=True)
class NodeToken:
    """With what a node's kubelet shows who it is."""

    node: str
    token: str

    @property
    def line(self) -> str:
        """Its line of the token file; Kubernetes' node authorizer knows nodes by such names and their group."""
        return f'{self.token},system:node:{self.node},{self.node},"system:nodes"'


def token_file(tokens: dict[Identity, str], *, kubelet: NodeToken | None = None) -> str:
    """Render the file of `--token-auth-file`.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
    """
    lines = []
    for number, (identity, token) in enumerate(tokens.items(), start=1):
        groups = ',"system:masters"' if identity in _MASTERS else ""
        lines.append(f"{token},{identity},{number}{groups}")
    if kubelet is not None:
        lines.append(kubelet.line)
    return "\n".join(lines) + "\n"


def kubeconfig(*, server: str, authority: Path, token: str, namespace: str = "default") -> str:
    """Render a kubeconfig, as JSON, which is YAML too; the authority is inside, so that the file works anywhere."""
    name = "genkan-sandbox"
    authority_data = base64.b64encode(authority.read_bytes()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority_data}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        "users": [{"name": name, "user": {"token": token}}],
    }
    return json.dumps(document, indent=1)


async def account_token(api: KubernetesApi, name: str, *, namespace: str) -> str:
    """Make a ServiceAccount anew, and mint a long token for it: KubeSpawner reads its configuration once.

    A token belongs to the account's uid: those of earlier starts end with the account that they were minted for.
    """
    with suppress(NotFoundError):
        await api.delete(SERVICE_ACCOUNTS, name, namespace=namespace)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    await api.create(SERVICE_ACCOUNTS, account, namespace=namespace)
    path = SERVICE_ACCOUNTS.path(namespace=namespace, name=name, subresource="token")
    request: JsonObject = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _TEN_YEARS},
    }
    answer = await api.request("POST", path, body=request)
    token: str = answer["status"]["token"]
    return token


def role_manifests(namespace: str, *, servers: Collection[str]) -> list[JsonObject]:
    """Return the rights that the hub's account has in production, and of those what the cluster page needs.

    `namespace` is the hub's own, `servers` are those in which it starts servers.
    """
    rights = hub_rights()
    hub, page = (
        {"kind": "ServiceAccount", "name": name, "namespace": namespace} for name in (HUB_ACCOUNT, CLUSTER_PAGE_ACCOUNT)
    )
    view = (*rights.cluster, *rights.everywhere)
    roles = [
        *(_role("Role", {"name": "genkan-hub", "namespace": where}, rights.servers) for where in servers),
        _role("ClusterRole", {"name": "genkan-view"}, view),
    ]
    shown = [
        *(
            _role("Role", {"name": CLUSTER_PAGE_ACCOUNT, "namespace": where}, _shown(rights.servers))
            for where in servers
        ),
        _role("ClusterRole", {"name": CLUSTER_PAGE_ACCOUNT}, _shown(view)),
    ]
    return [*roles, *shown, *(_binding(role, hub) for role in roles), *(_binding(role, page) for role in shown)]


def kubelet_access() -> JsonObject:
    """Return the right of the API server to ask a kubelet for logs, and to run commands in its containers."""
    name = "genkan-kubelet-access"
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": API_SERVER}],
    }


def _shown(rights: Iterable[Right]) -> list[Right]:
    """Return those that only follow what the page shows."""
    return [right for right in rights if right.resource in _SHOWN and {*right.verbs} == {"list", "watch"}]


def _role(kind: str, metadata: JsonObject, rights: Iterable[Right]) -> JsonObject:
    return {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, "rules": [right.rule for right in rights]}


def _binding(role: JsonObject, account: JsonObject) -> JsonObject:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{role['kind']}Binding",
        "metadata": role["metadata"],
        "roleRef": {"apiGroup": _RBAC, "kind": role["kind"], "name": role["metadata"]["name"]},
        "subjects": [account],
    }
