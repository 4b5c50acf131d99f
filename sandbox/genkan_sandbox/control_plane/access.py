"""Who may talk to the API server: static tokens of the sandbox's own parts, and the hub's ServiceAccount."""

import base64
import json
import secrets
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import NotFoundError
from genkan_spawner.kinds import SERVICE_ACCOUNTS

HUB_ACCOUNT = "hub"
"""The hub's ServiceAccount, in the hub's own namespace."""

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


def token_file(tokens: dict[Identity, str]) -> str:
    """Render the file of `--token-auth-file`.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
    """
    lines = []
    for number, (identity, token) in enumerate(tokens.items(), start=1):
        groups = ',"system:masters"' if identity in _MASTERS else ""
        lines.append(f"{token},{identity},{number}{groups}")
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


async def account_token(api: KubernetesApi, *, namespace: str) -> str:
    """Make the hub's ServiceAccount anew, and mint a long token for it: KubeSpawner reads its configuration once.

    A token belongs to the account's uid: those of earlier starts end with the account that they were minted for.
    """
    with suppress(NotFoundError):
        await api.delete(SERVICE_ACCOUNTS, HUB_ACCOUNT, namespace=namespace)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": HUB_ACCOUNT, "namespace": namespace}}
    await api.create(SERVICE_ACCOUNTS, account, namespace=namespace)
    path = SERVICE_ACCOUNTS.path(namespace=namespace, name=HUB_ACCOUNT, subresource="token")
    request: JsonObject = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _TEN_YEARS},
    }
    answer = await api.request("POST", path, body=request)
    token: str = answer["status"]["token"]
    return token


def hub_rights(namespace: str, *, servers: Iterable[str]) -> list[JsonObject]:
    """Return the rights that the hub's account has in production, and no others.

    `namespace` is the hub's own, `servers` are those in which it starts servers. Verbs are those that KubeSpawner and
    the view of the cluster use, measured one by one.
    """
    account = {"kind": "ServiceAccount", "name": HUB_ACCOUNT, "namespace": namespace}
    own = [
        _rule("", "pods", "get", "list", "watch", "create", "delete"),
        _rule("", "pods/log", "get"),
        _rule("", "persistentvolumeclaims", "get", "create"),
        _rule("", "events", "list", "watch"),
    ]
    cluster = [
        _rule("", "nodes", "get", "list", "watch"),
        _rule("", "pods", "get", "list", "watch"),
        _rule("", "resourcequotas", "get", "list", "watch"),
        _rule("", "limitranges", "get", "list", "watch"),
        _rule("", "persistentvolumeclaims", "list", "watch"),
        _rule("", "persistentvolumes", "list", "watch"),
        _rule("storage.k8s.io", "storageclasses", "list", "watch"),
        _rule("storage.k8s.io", "csidrivers", "list", "watch"),
        _rule("scheduling.k8s.io", "priorityclasses", "get", "list", "watch"),
    ]
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "Role", "name": "genkan-hub"}
    places = [{"name": "genkan-hub", "namespace": where} for where in servers]
    return [
        *({"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": place, "rules": own} for place in places),
        *(
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "RoleBinding",
                "metadata": place,
                "roleRef": role,
                "subjects": [account],
            }
            for place in places
        ),
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "genkan-cluster-view"},
            "rules": cluster,
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "genkan-cluster-view"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "genkan-cluster-view"},
            "subjects": [account],
        },
    ]


def _rule(group: str, resource: str, *verbs: str) -> JsonObject:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
