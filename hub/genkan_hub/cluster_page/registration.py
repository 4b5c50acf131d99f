"""The cluster page in the hub's configuration: a service of JupyterHub with the rights that it needs and no others."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from genkan_hub.so_far import gathered, listed

from .scopes import SEE, STOP
from .settings import ClusterPage

SERVICE = "cluster"
"""The page is at /services/cluster/."""

URL = "http://127.0.0.1:8085"
"""Where the page's process listens, as the proxy reaches it."""

ACCESS = f"access:services!service={SERVICE}"

RIGHTS = (SEE, "read:users:groups")
"""What the page may ask the hub by itself: the servers, and who is in which group, since rights may go by groups."""

ON_BEHALF = (SEE, STOP, "admin-ui")
"""What the page may do in the name of a visitor, as far as the visitor may: see, stop, link to the hub's own page."""

_FOR_KUBERNETES = ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "POD_NAMESPACE")
_FOR_REQUESTS = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")


def add_cluster_page(c: Any, *, url: str = URL) -> None:
    """Add the page to a hub's configuration, or what is missing of it where a site or chart has it already.

    The hub starts it itself, unless an entry of that name is there: then whoever made the entry does. Raises TraitError
    where a setting of the page, as far as it is set, cannot be.
    """
    from .hub_api import HANDLERS

    ClusterPage(config=c)
    services = listed(c.JupyterHub, "services")
    entry: dict[str, Any] = next((service for service in services if service.get("name") == SERVICE), {})
    others = [service for service in services if service is not entry]
    c.JupyterHub.services = [*others, {**_service(url, managed=not entry), **entry}]
    role = {"name": f"genkan-{SERVICE}", "description": "Show who holds which GPU", "scopes": list(RIGHTS)}
    roles = [row for row in listed(c.JupyterHub, "load_roles") if row.get("name") != role["name"]]
    c.JupyterHub.load_roles = [*roles, {**role, "services": [SERVICE]}]
    c.JupyterHub.extra_user_scopes = {*gathered(c.JupyterHub, "extra_user_scopes"), ACCESS}
    handlers = listed(c.JupyterHub, "extra_handlers")
    c.JupyterHub.extra_handlers = [*handlers, *(row for row in HANDLERS if row not in handlers)]


def _service(url: str, *, managed: bool) -> dict[str, Any]:
    service = {
        "name": SERVICE,
        "url": url,
        "display": True,
        # It is a part of the hub: nobody has to be asked whether they trust it.
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": list(ON_BEHALF),
    }
    if managed:
        service |= {"command": [sys.executable, "-m", "genkan_hub.cluster_page"], "environment": dict(_environment())}
    return service


def _environment() -> Mapping[str, str]:
    """Return what a process needs to reach the cluster: JupyterHub hands down hardly any of its environment."""
    return {name: os.environ[name] for name in (*_FOR_KUBERNETES, *_FOR_REQUESTS) if name in os.environ}
