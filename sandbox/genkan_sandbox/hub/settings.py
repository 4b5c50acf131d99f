"""What the sandbox tells its hub, from one process to the other through a private file."""

import os
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from genkan_hub.cluster_page.registration import SERVICE
from genkan_sandbox.agent.provisioner import LOCAL_CLASS
from genkan_sandbox.state import write_private
from genkan_sandbox.supervision.leftovers import COMPONENT, SANDBOX

SETTINGS = "GENKAN_SANDBOX_HUB_SETTINGS"
"""Environment variable with the path of the file."""


DEMO = "dummy"
"""JupyterHub's authenticator of the demo accounts, which all have one password."""

SUPERVISOR = "genkan-sandbox"
"""The sandbox itself, as a service of its hub; it may look after the proxy and nothing else."""


class DemoUser(BaseModel):
    """One account of the sandbox's login page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    groups: tuple[str, ...] = ()
    admin: bool = False


class HubSettings(BaseModel):
    """Addresses, folders and accounts of one sandbox's hub."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str
    hub_url: str
    proxy_api_url: str
    cluster_page_url: str
    cluster_page_kubeconfig: Path
    """With the rights of an account of its own, which the hub's process does not need for it."""
    pod_port: int
    namespace: str
    folder: Path
    password: str
    supervisor_token: str
    """With which the sandbox asks the hub to fill a proxy that was started anew."""

    crypt_key: str
    """With which the hub encrypts what it keeps of sign-ins."""

    users: tuple[DemoUser, ...]
    catalogue_file: Path
    storage_class: str = "shared"
    """Of homes."""

    site_config: Path | None = None
    """A configuration file of the user's own, read last."""

    @classmethod
    def from_environment(cls) -> Self:
        """Read the file that the sandbox wrote."""
        return cls.model_validate_json(Path(os.environ[SETTINGS]).read_text())

    def write(self) -> Path:
        """Write the file for the hub's process."""
        path = self.folder / "settings.json"
        write_private(path, self.model_dump_json(indent=1))
        return path


def configure_for_sandbox(c: Any, settings: HubSettings) -> None:
    """Set what differs from production: addresses, storage class, demo accounts; loopback only."""
    c.JupyterHub.bind_url = settings.public_url
    c.JupyterHub.hub_bind_url = settings.hub_url
    c.JupyterHub.db_url = f"sqlite:///{settings.folder / 'jupyterhub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(settings.folder / "cookie_secret")
    # The supervisor keeps the proxy, so that a hub that is started anew finds its users still connected.
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = settings.proxy_api_url

    c.CryptKeeper.keys = [settings.crypt_key]

    c.JupyterHub.authenticator_class = DEMO
    c.DummyAuthenticator.password = settings.password
    for section, accounts in _demo_accounts(settings.users).items():
        c[section].update(accounts)

    c.KubeSpawner.namespace = settings.namespace
    c.KubeSpawner.port = settings.pod_port
    c.KubeSpawner.storage_class = settings.storage_class
    if settings.storage_class == LOCAL_CLASS:
        # As all servers are on one node, they can have it at once.
        c.GenkanSpawner.storage_access_modes = ["ReadWriteOnce"]

    service = {"name": SUPERVISOR, "api_token": settings.supervisor_token}
    role = {"name": SUPERVISOR, "scopes": ["proxy"], "services": [SUPERVISOR]}
    c.JupyterHub.services = [*c.JupyterHub.services, service]
    c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, role]

    _give_rights_of_its_own(c, SERVICE, settings.cluster_page_kubeconfig)

    # A managed service gets a short environment of its own; with the marks it is found when the hub was killed.
    marks = {name: os.environ[name] for name in (SANDBOX, COMPONENT) if name in os.environ}
    for service in c.JupyterHub.services:
        if "command" in service:
            service.setdefault("environment", {}).update(marks)


def forget_demo_users(c: Any, settings: HubSettings) -> None:
    """Take the demo accounts back where a site's own configuration has people sign in otherwise.

    By name they would be let in, and be administrators, at whatever provider knows the name too.
    """
    if c.JupyterHub.authenticator_class == DEMO:
        return
    for section, accounts in _demo_accounts(settings.users).items():
        for name, value in accounts.items():
            if c[section].get(name) == value:
                del c[section][name]


def _demo_accounts(users: tuple[DemoUser, ...]) -> dict[str, dict[str, Any]]:
    groups = sorted({group for user in users for group in user.groups})
    members = {group: {"users": [user.name for user in users if group in user.groups]} for group in groups}
    return {
        "Authenticator": {
            "allowed_users": {user.name for user in users},
            "admin_users": {user.name for user in users if user.admin},
        },
        "JupyterHub": {"load_groups": members},
    }


def _give_rights_of_its_own(c: Any, name: str, kubeconfig: Path) -> None:
    for service in c.JupyterHub.services:
        if service["name"] == name:
            service["environment"] = {**service.get("environment", {}), "KUBECONFIG": str(kubeconfig)}
