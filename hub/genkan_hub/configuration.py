"""JupyterHub's configuration: one function per feature, all of them behind `configure`."""

import sys
from pathlib import Path
from typing import Any

from genkan_profiles import load_catalogue
from genkan_profiles.quantities import canonical_quantity

from .cluster_page.registration import URL as CLUSTER_PAGE_URL
from .cluster_page.registration import add_cluster_page
from .handlers import add_handlers
from .so_far import listed
from .theme import SITE_NAME, apply_theme

HOME = "/home/jovyan"
"""Where a user's home is in every server, whatever the image thinks of it."""

CULLER = "jupyterhub-idle-culler"
"""The service that stops idle servers; the Zero to JupyterHub chart calls its own the same."""

_CULLER_SCOPES = ("list:users", "read:users:activity", "read:servers", "delete:servers")
_LONGEST_CULL_INTERVAL = 600
_START_SECONDS = 300
_ANSWER_SECONDS = 120


def configure(
    c: Any,
    *,
    catalogue_file: Path | str = "",
    idle_timeout: int = 3600,
    home_capacity: str = "10Gi",
    named_servers: int = 2,
    site_name: str = SITE_NAME,
    logo_file: Path | str = "",
    notice: str = "",
    cluster_page: str = CLUSTER_PAGE_URL,
) -> None:
    """Set up a hub with Genkan's spawner; call it first in jupyterhub_config.py and overrule what differs after it.

    `catalogue_file` is the catalogue, a file or a directory, or empty for the built-in one; raises
    genkan_profiles.DocumentError with all its problems. `idle_timeout` is how many seconds a server may be idle before
    it is stopped, 0 for ever: a forgotten server holds its GPUs, an hour outlasts a lunch. `home_capacity` is what the
    claim of a new home asks for; many shared file systems do not enforce it. `named_servers` is how many servers a user
    may have beside the default one. Raises ValueError where a number cannot be meant so.

    `site_name` stands at the top of each page and in its title. `logo_file` is an image for the top left in the place
    of Genkan's mark. `notice` is a sentence that stands on all pages, such as when the cluster will be out of service.

    `cluster_page` is where the proxy reaches the process of the page that shows who holds which GPU; empty for no such
    page. Its settings are those of `c.ClusterPage`.
    """
    _require_count("idle_timeout", idle_timeout, of="seconds, 0 to let idle servers run for ever")
    _require_count("named_servers", named_servers, of="servers, 0 for none beside the default one")
    _offer_catalogue(c, str(catalogue_file))
    _keep_homes(c, canonical_quantity(home_capacity))
    _allow_named_servers(c, named_servers)
    apply_theme(c, site_name=site_name, logo_file=logo_file, notice=notice)
    add_handlers(c)
    _outlive_failures(c)
    _log_with_the_hub(c)
    if idle_timeout:
        _stop_idle_servers(c, idle_timeout)
    if cluster_page:
        add_cluster_page(c, url=cluster_page)


def _require_count(name: str, value: object, *, of: str) -> None:
    # A hub's configuration is not typed: numbers may come from the environment as text.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        message = f"{name} must be a whole number of {of}; it is {value!r}."
        raise ValueError(message)


def _offer_catalogue(c: Any, catalogue_file: str) -> None:
    from genkan_spawner import offered_profiles

    if catalogue_file:
        load_catalogue(Path(catalogue_file))
    c.JupyterHub.spawner_class = "genkan"
    c.GenkanSpawner.catalogue_file = catalogue_file
    # The Zero to JupyterHub chart sets an empty list for every KubeSpawner, which would defeat our default.
    c.GenkanSpawner.profile_list = offered_profiles
    c.GenkanSpawner.default_url = "/lab"


def _keep_homes(c: Any, capacity: str) -> None:
    """Give each user one claim, mounted in all servers of that user; named servers may run on different nodes."""
    c.GenkanSpawner.storage_pvc_ensure = True
    c.GenkanSpawner.pvc_name_template = "home-{username}"
    c.GenkanSpawner.storage_capacity = capacity
    c.GenkanSpawner.storage_access_modes = ["ReadWriteMany"]
    c.GenkanSpawner.volumes = {"home": {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}}
    c.GenkanSpawner.volume_mounts = {"home": {"name": "home", "mountPath": HOME}}
    c.GenkanSpawner.working_dir = HOME
    # Added to, so that variables which a chart or a site sets for KubeSpawner stay.
    c.GenkanSpawner.environment.update({"HOME": HOME})


def _allow_named_servers(c: Any, limit: int) -> None:
    c.JupyterHub.allow_named_servers = limit > 0
    c.JupyterHub.named_server_limit_per_user = limit


def _outlive_failures(c: Any) -> None:
    # Servers go on while the hub is replaced, and are found again by their pods.
    c.JupyterHub.cleanup_servers = False
    # A full cluster fails one start after another; a hub that took this for a fault of its own would leave.
    c.GenkanSpawner.consecutive_failure_limit = 0
    # A home on a busy file server makes JupyterLab slow to start; a server that fails is noticed by its pod.
    c.GenkanSpawner.http_timeout = _ANSWER_SECONDS
    # GPU images are large: pulling one for the first time takes minutes.
    c.GenkanSpawner.start_timeout = _START_SECONDS


def _log_with_the_hub(c: Any) -> None:
    """Put what Genkan logs by itself, such as a broken catalogue, where the hub's own log goes, from its level on."""
    loggers = {name: {"level": "DEBUG", "handlers": ["console"]} for name in ("genkan_hub", "genkan_spawner")}
    c.JupyterHub.logging_config.update({"loggers": loggers})


def _stop_idle_servers(c: Any, timeout: int) -> None:
    c.GenkanSpawner.idle_timeout = timeout
    services = listed(c.JupyterHub, "services")
    if any(service.get("name") == CULLER for service in services):
        return
    interval = max(1, min(_LONGEST_CULL_INTERVAL, timeout // 2))
    command = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={timeout}", f"--cull-every={interval}"]
    c.JupyterHub.services = [*services, {"name": CULLER, "command": command}]
    role = {"name": CULLER, "description": "Stop idle servers", "scopes": list(_CULLER_SCOPES), "services": [CULLER]}
    c.JupyterHub.load_roles = [*listed(c.JupyterHub, "load_roles"), role]
