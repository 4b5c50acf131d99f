"""Which cluster a command asks: that of a kubeconfig, or the one that it runs in."""

import os
from pathlib import Path

import yaml
from kubernetes_asyncio import client, config

from genkan_spawner.api import KubernetesApi

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token, and the namespace that it is in."""


class NoClusterError(Exception):
    """It is not known how to reach a cluster; the message is a sentence for administrators."""


async def connect(kubeconfig: str | None) -> KubernetesApi:
    """Return the API of a kubeconfig's cluster, by default that of the user's own or else of this pod's cluster.

    No request is sent yet. Raises NoClusterError.
    """
    path = _path(kubeconfig)
    try:
        if kubeconfig is None and _runs_in_pod(path):
            configuration = client.Configuration()
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # published without types
            return KubernetesApi(client.ApiClient(configuration))
        return await KubernetesApi.connect(path)
    except (config.ConfigException, OSError, ValueError, KeyError) as e:
        raise NoClusterError(f"{path}: This kubeconfig does not say how to reach its cluster.") from e


def current_namespace(kubeconfig: str | None) -> str:
    """Return the namespace of the current context, or of this pod. Raises NoClusterError where there is no context."""
    path = _path(kubeconfig)
    try:
        if kubeconfig is None and _runs_in_pod(path):
            return (_ACCOUNT / "namespace").read_text().strip()
        _, context = config.list_kube_config_contexts(config_file=str(path))
    except (config.ConfigException, OSError, yaml.YAMLError, TypeError, KeyError) as e:
        raise NoClusterError(
            f"{path}: There is no kubeconfig here that names a cluster; give one with --kubeconfig."
        ) from e
    return str(((context or {}).get("context") or {}).get("namespace") or "default")


def _path(kubeconfig: str | None) -> Path:
    return Path(kubeconfig or "~/.kube/config").expanduser()


def _runs_in_pod(path: Path) -> bool:
    return not path.exists() and "KUBERNETES_SERVICE_HOST" in os.environ
