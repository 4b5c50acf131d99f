"""What a benchmark tells the hub that it measures, through a file."""

import os
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from benchmarks.contest.contestants import Contestant
from benchmarks.contest.offer import profile_list
from genkan_hub import configure
from genkan_sandbox.agent.records import START_SECONDS

SETTINGS = "GENKAN_BENCHMARK_HUB_SETTINGS"
"""Environment variable with the path of the file."""

MOST_FAILURES = 5
"""Starts that may fail one after the other before JupyterHub ends: the Zero to JupyterHub chart's value, for all."""

SERVER_PORT = 8888

_SECONDS_TO_REPLY = 60


class HubSettings(BaseModel):
    """Everything in which hubs under test differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contestant: Contestant
    public_url: str
    hub_url: str
    proxy_api_url: str
    folder: Path
    namespace: str
    password: str
    catalogue_file: Path
    null_address: str
    """Where the servers of the null spawner are."""

    start_seconds: float
    """How long pods take to run."""

    start_timeout: int

    @classmethod
    def from_environment(cls) -> Self:
        """Read the file that the benchmark wrote."""
        return cls.model_validate_json(Path(os.environ[SETTINGS]).read_text())


def configure_hub(c: Any, settings: HubSettings) -> None:
    """Set up one hub as the Zero to JupyterHub chart does, without homes, which cost all spawners the same."""
    configure(c, catalogue_file=settings.catalogue_file, idle_timeout=0, cluster_page="")
    _configure_genkan(c)
    _configure_stock(c, settings)
    c.NullSpawner.address = settings.null_address
    c.NullSpawner.start_seconds = settings.start_seconds
    c.NullSpawner.port = SERVER_PORT

    c.JupyterHub.spawner_class = _CLASSES[settings.contestant]
    c.JupyterHub.bind_url = settings.public_url
    c.JupyterHub.hub_bind_url = settings.hub_url
    c.JupyterHub.db_url = f"sqlite:///{settings.folder / 'jupyterhub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(settings.folder / "cookie_secret")
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
    c.JupyterHub.concurrent_spawn_limit = 64
    c.JupyterHub.cleanup_servers = False
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = settings.proxy_api_url
    c.JupyterHub.authenticator_class = "dummy"
    c.DummyAuthenticator.password = settings.password
    c.Authenticator.allow_all = True
    for section in (c.Spawner, c.GenkanSpawner, c.KubeSpawner):
        section.start_timeout = settings.start_timeout
        section.http_timeout = _SECONDS_TO_REPLY
        section.consecutive_failure_limit = MOST_FAILURES


_CLASSES = {
    Contestant.GENKAN: "genkan",
    Contestant.KUBESPAWNER: "kubespawner.KubeSpawner",
    Contestant.CALLABLE: "kubespawner.KubeSpawner",
    Contestant.NULL: "benchmarks.contest.null_spawner.NullSpawner",
}


def _configure_genkan(c: Any) -> None:
    c.GenkanSpawner.storage_pvc_ensure = False
    c.GenkanSpawner.volumes = {}
    c.GenkanSpawner.volume_mounts = {}
    c.GenkanSpawner.working_dir = None


def _configure_stock(c: Any, settings: HubSettings) -> None:
    """Set what both spawners have, and the list that the stock one offers."""
    c.KubeSpawner.namespace = settings.namespace
    c.KubeSpawner.port = SERVER_PORT
    c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
    c.KubeSpawner.default_url = "/lab"
    c.KubeSpawner.delete_pvc = False
    if settings.start_seconds:
        c.KubeSpawner.extra_annotations = {START_SECONDS: str(settings.start_seconds)}
    profiles = profile_list()
    if settings.contestant is Contestant.KUBESPAWNER:
        c.KubeSpawner.profile_list = profiles
    elif settings.contestant is Contestant.CALLABLE:
        c.KubeSpawner.profile_list = lambda _spawner: profiles
