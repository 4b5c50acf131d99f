import logging
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.scopes import scope_definitions
from traitlets.config import Config

from genkan_hub import configure
from genkan_profiles import DocumentError, QuantityError
from genkan_spawner import GenkanSpawner, offered_profiles

from ..support.spawner import spawners

ROOT = Path(__file__).parents[2]


@pytest.fixture
def c() -> Config:
    return Config()


def the_culler(c: Config) -> dict[str, Any]:
    (service,) = [service for service in c.JupyterHub.services if service["name"] == "jupyterhub-idle-culler"]
    return dict(service)


def test_every_setting_is_a_trait_and_has_a_right_value(c: Config) -> None:
    configure(c)

    for section, owner in (("JupyterHub", JupyterHub), ("GenkanSpawner", GenkanSpawner)):
        traits = owner.class_traits(config=True)
        assert set(c[section]) <= set(traits)
    hub = JupyterHub(config=c)
    assert hub.spawner_class is GenkanSpawner
    assert hub.allow_named_servers
    assert hub.named_server_limit_per_user == 2
    assert not hub.cleanup_servers


def test_what_the_spawner_logs_is_in_the_hubs_log(c: Config) -> None:
    configure(c)
    hub = JupyterHub(config=c, log_level="WARN")

    assert hub.log.handlers
    (handler,) = logging.getLogger("genkan_spawner").handlers
    assert handler in hub.log.handlers
    assert handler.level == logging.WARNING


def test_the_catalogue_wins_over_the_empty_list_of_the_chart(c: Config) -> None:
    c.KubeSpawner.profile_list = []

    configure(c)

    assert c.GenkanSpawner.profile_list is offered_profiles


def test_a_home_is_one_claim_for_all_servers_of_a_user(c: Config) -> None:
    configure(c, home_capacity="50Gi")

    spawner = c.GenkanSpawner
    assert spawner.pvc_name_template == "home-{username}"
    assert spawner.storage_capacity == "50Gi"
    assert spawner.storage_access_modes == ["ReadWriteMany"]
    assert "storage_class" not in spawner
    assert spawner.volumes["home"]["persistentVolumeClaim"] == {"claimName": "{pvc_name}"}
    assert spawner.volume_mounts["home"]["mountPath"] == spawner.working_dir == "/home/jovyan"


async def test_variables_that_a_site_sets_for_kubespawner_stay(
    c: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c.KubeSpawner.environment = {"HTTPS_PROXY": "proxy.example.org"}
    configure(c)

    async with spawners(tmp_path, monkeypatch) as (_, make):
        assert make(c).environment == {"HTTPS_PROXY": "proxy.example.org", "HOME": "/home/jovyan"}


def test_failed_starts_never_stop_the_hub(c: Config) -> None:
    configure(c)

    assert c.GenkanSpawner.consecutive_failure_limit == 0


def test_the_culler_has_the_rights_it_needs_and_no_more(c: Config) -> None:
    configure(c)

    (role,) = [role for role in c.JupyterHub.load_roles if role["services"] == ["jupyterhub-idle-culler"]]
    assert role["scopes"] == ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    assert set(role["scopes"]) <= set(scope_definitions)


@pytest.mark.parametrize(
    ("timeout", "flags"),
    [
        (3600, ["--timeout=3600", "--cull-every=600"]),
        (120, ["--timeout=120", "--cull-every=60"]),
        (1, ["--timeout=1", "--cull-every=1"]),
    ],
)
def test_idle_servers_are_stopped_after_the_timeout(c: Config, timeout: int, flags: list[str]) -> None:
    configure(c, idle_timeout=timeout)

    assert the_culler(c)["command"] == [sys.executable, "-m", "jupyterhub_idle_culler", *flags]
    culler = import_module("jupyterhub_idle_culler").IdleCuller
    assert {"timeout", "cull_every"} <= set(culler.class_traits(config=True))


def test_a_timeout_of_nothing_lets_idle_servers_run(c: Config) -> None:
    configure(c, idle_timeout=0, cluster_page="")

    assert "services" not in c.JupyterHub
    assert "load_roles" not in c.JupyterHub


def test_services_and_roles_of_a_site_stay(c: Config) -> None:
    c.JupyterHub.services = [{"name": "mine"}]
    c.JupyterHub.load_roles.append({"name": "mine", "scopes": ["self"]})

    configure(c)

    assert [service["name"] for service in c.JupyterHub.services] == ["mine", "jupyterhub-idle-culler", "cluster"]
    assert [role["name"] for role in c.JupyterHub.load_roles] == ["mine", "jupyterhub-idle-culler", "genkan-cluster"]


def test_the_culler_of_the_chart_is_left_alone(c: Config) -> None:
    c.JupyterHub.services = [{"name": "jupyterhub-idle-culler", "command": ["theirs"]}]

    configure(c)

    assert the_culler(c)["command"] == ["theirs"]
    assert [role["name"] for role in c.JupyterHub.load_roles] == ["genkan-cluster"]


def test_configuring_twice_is_configuring_once(c: Config) -> None:
    configure(c)
    configure(c)

    assert len(c.JupyterHub.services) == len(c.JupyterHub.load_roles) == 2


def test_no_named_servers_can_be_had(c: Config) -> None:
    configure(c, named_servers=0)

    assert c.JupyterHub.allow_named_servers is False


def test_a_broken_catalogue_stops_the_hub_at_its_start(c: Config, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("hardware: []\n")

    with pytest.raises(DocumentError, match=r"catalogue\.yaml:1:1: images: This field is missing\."):
        configure(c, catalogue_file=file)


def test_a_wrong_capacity_is_refused(c: Config) -> None:
    with pytest.raises(QuantityError, match="write G or Gi instead of GB"):
        configure(c, home_capacity="10GB")


def test_the_shipped_configuration_file_is_that_call() -> None:
    c = Config()

    runpy.run_path(str(ROOT / "hub/jupyterhub_config.py"), init_globals={"c": c})

    assert c.JupyterHub.spawner_class == "genkan"


@pytest.mark.parametrize("name", ["idle_timeout", "named_servers"])
@pytest.mark.parametrize("value", [-1, "3600", 0.5, True])
def test_a_number_that_is_no_count_is_refused(c: Config, name: str, value: object) -> None:
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=rf"^{name} must be a whole number of .*, 0 .*; it is {value!r}\.$"):
        configure(c, **arguments)
