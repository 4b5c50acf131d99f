"""`configure(c)` in the Zero to JupyterHub chart, whose own values are honoured where it has one for a thing.

The chart first turns its values into traits of KubeSpawner and JupyterHub, then applies `hub.config`, and then runs
`hub.extraConfig`, where this is called. So what Genkan sets here would win over both; it gives way instead.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from genkan_hub.configuration import HOME
from genkan_hub.configuration import configure as configure_hub

from .checks import check_values
from .exceptions import ChartError
from .settings import SECTION, ChartSettings

_OF_THE_CHART = {
    "default_url": "singleuser.defaultUrl",
    "start_timeout": "singleuser.startTimeout",
    "consecutive_failure_limit": "hub.consecutiveFailureLimit",
}
"""Traits of the spawner for which the chart has a value; where that is set, it holds."""

_OF_HOMES = ("storage_pvc_ensure", "pvc_name_template", "storage_capacity", "storage_access_modes")
_OF_VOLUMES = ("volumes", "volume_mounts")
_OURS = frozenset({"catalogue_file", "profile_list"})
_OF_THE_HUB = ("allow_named_servers", "named_server_limit_per_user", "cleanup_servers", "logo_file")
"""Plain settings of JupyterHub that Genkan makes too; lists and mappings it only adds to."""


def configure(c: Any) -> None:
    """Set up a hub of the Zero to JupyterHub chart; `helm-values/base.yaml` calls it.

    Settings of Genkan's own are in `custom.genkan`. What the chart has a value for is taken from there, and what is in
    `hub.config` has the last word. Raises ChartError where values cannot be meant so, and DocumentError with all
    problems of the catalogue.
    """
    # The chart puts this module beside its jupyterhub_config.py, and nowhere else.
    from z2jh import get_config  # type: ignore[import-not-found]

    settings = ChartSettings.read(get_config(SECTION))
    check_values(get_config)
    if not Path(settings.catalogue).exists():
        message = (
            f"There is no catalogue at {settings.catalogue}. Install genkan-platform with "
            "--set-file catalogue.content=catalogue.yaml, or say in custom.genkan.catalogue where it is."
        )
        raise ChartError(message)
    spawner = c.GenkanSpawner
    given = {name: spawner[name] for name in tuple(spawner)}
    configure_hub(
        c,
        catalogue_file=settings.catalogue,
        idle_timeout=_idle_timeout(get_config),
        site_name=settings.site_name,
        logo_file=settings.logo_file,
        notice=settings.notice,
    )
    for trait, value in _OF_THE_CHART.items():
        if get_config(value) is not None:
            spawner.pop(trait, None)
    _settle_homes(c, storage=str(get_config("singleuser.storage.type") or "none"))
    c.JupyterHub.allow_named_servers = bool(get_config("hub.allowNamedServers"))
    c.JupyterHub.named_server_limit_per_user = get_config("hub.namedServerLimitPerUser") or 0
    _give_the_last_word(c, given, hub_config=get_config("hub.config") or {})
    _be_found_from_everywhere(c)


def _idle_timeout(get_config: Any) -> int:
    """Return after how many seconds the chart's culler stops idle servers; 0 if it does not."""
    return int(get_config("cull.timeout") or 0) if get_config("cull.enabled") else 0


def _settle_homes(c: Any, *, storage: str) -> None:
    """Leave homes to the chart where its `singleuser.storage` says how they are kept; its other volumes stay anyway."""
    spawner = c.GenkanSpawner
    if storage != "none":
        for trait in (*_OF_HOMES, *_OF_VOLUMES):
            spawner.pop(trait, None)
        return
    for trait in _OF_VOLUMES:
        spawner[trait] = {**_of(c.KubeSpawner, trait), **spawner[trait]}


def _give_the_last_word(c: Any, given: Mapping[str, Any], *, hub_config: Mapping[str, Any]) -> None:
    """Have what a site says in `hub.config` hold, whichever of the spawner's classes it says it of."""
    spawner = c.GenkanSpawner
    for section in ("KubeSpawner", "Spawner"):
        for name in set(hub_config.get(section, {})) - _OURS:
            spawner.pop(name, None)
    for name, value in given.items():
        if name not in _OURS:
            spawner[name] = value
    hub = hub_config.get("JupyterHub", {})
    c.JupyterHub.update({name: hub[name] for name in _OF_THE_HUB if name in hub})
    spawner.environment = {"HOME": HOME, **_of(c.KubeSpawner, "environment"), **given.get("environment", {})}


def _of(section: Any, trait: str) -> dict[str, Any]:
    value = section.get(trait, {})
    return dict(value) if isinstance(value, Mapping) else {}


def _be_found_from_everywhere(c: Any) -> None:
    """Have servers in the namespaces of teams find the hub, whose short name means nothing there."""
    url = str(c.JupyterHub.get("hub_connect_url", ""))
    host = urlsplit(url).hostname or ""
    namespace = os.environ.get("POD_NAMESPACE")
    if host and "." not in host and namespace:
        c.JupyterHub.hub_connect_url = url.replace(f"//{host}", f"//{host}.{namespace}.svc", 1)
