"""`configure(c)` in the chart: values of the chart and of `hub.config` hold, and what cannot be meant is refused."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from traitlets.config import Config

from genkan_hub.chart import configure
from genkan_hub.chart.exceptions import ChartError
from genkan_profiles import DocumentError
from genkan_spawner import offered_profiles

from ...support.helm import merged, read_values

CATALOGUE = Path(__file__).parents[3] / "docs" / "administrators" / "catalogues" / "first.yaml"

DEFAULTS: dict[str, Any] = {
    "custom": {"genkan": {"catalogue": str(CATALOGUE)}},
    "hub": {
        "config": {"JupyterHub": {"authenticator_class": "shared-password"}},
        "allowNamedServers": True,
        "namedServerLimitPerUser": 2,
        "consecutiveFailureLimit": 0,
    },
    "singleuser": {"defaultUrl": "/lab", "startTimeout": 300, "storage": {"type": "none"}},
    "cull": {"enabled": True, "timeout": 3600},
}
"""What `configure` reads of the chart's values where a site has given nothing but helm-values/base.yaml."""

Configured = Callable[..., Config]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Configured:
    """Configure a hub as the chart does, with values beside the defaults."""

    def configured(**values: Any) -> Config:
        everything = merged(DEFAULTS, values)
        module = ModuleType("z2jh")
        module.__dict__["get_config"] = lambda key, default=None: looked_up(everything, key, default)
        monkeypatch.setitem(sys.modules, "z2jh", module)
        monkeypatch.setenv("POD_NAMESPACE", "genkan")
        c = Config()
        # As the chart's jupyterhub_config.py leaves it.
        c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
        c.JupyterHub.hub_connect_url = "http://hub:8081"
        c.JupyterHub.services = [{"name": "jupyterhub-idle-culler", "command": ["python3"]}]
        c.JupyterHub.load_roles = [{"name": "jupyterhub-idle-culler"}]
        c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
        c.KubeSpawner.update({"profile_list": [], "environment": {"TZ": "Asia/Tokyo"}, "start_timeout": 300})
        c.KubeSpawner.volumes = {"extra": {"name": "extra"}}
        c.KubeSpawner.volume_mounts = {"0-extra": {"name": "extra", "mountPath": "/extra"}}
        for section, given in (everything["hub"].get("config") or {}).items():
            c[section].update(given)
        configure(c)
        return c

    return configured


def looked_up(values: Any, key: str, default: Any) -> Any:
    for level in key.split("."):
        if not isinstance(values, dict) or level not in values:
            return default
        values = values[level]
    return values


def test_the_defaults_here_are_those_of_the_values() -> None:
    base = read_values("base")

    assert {key: base["hub"][key] for key in DEFAULTS["hub"] if key != "config"} == {
        key: value for key, value in DEFAULTS["hub"].items() if key != "config"
    }
    assert base["singleuser"]["storage"] == DEFAULTS["singleuser"]["storage"]
    assert merged(base["cull"], DEFAULTS["cull"]) == base["cull"]
    assert list(base["custom"]["genkan"]) == list(DEFAULTS["custom"]["genkan"])


def test_users_choose_from_the_catalogue(configured: Configured) -> None:
    c = configured()

    assert c.JupyterHub.spawner_class == "genkan"
    assert c.GenkanSpawner.profile_list is offered_profiles
    assert c.GenkanSpawner.catalogue_file == str(CATALOGUE)


def test_the_look_of_the_pages_is_a_value(configured: Configured) -> None:
    c = configured(custom={"genkan": {"siteName": "Example Lab", "notice": "Closed on Friday."}})

    (extension,) = c.JupyterHub.jinja_environment_options["extensions"]
    assert extension.values == {"site_name": "Example Lab", "notice": "Closed on Friday."}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sitename": "x"}, r"custom\.genkan\.sitename: There is no such setting\. Did you mean siteName\?"),
        (
            {"zzz": 1},
            r"custom\.genkan\.zzz: There is no such setting\. There are catalogue, siteName, logoFile, notice\.",
        ),
        ({"notice": 5}, r"custom\.genkan\.notice: This must be text, and is 5\."),
    ],
)
def test_a_setting_that_does_not_exist_is_refused(configured: Configured, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ChartError, match=sentence):
        configured(custom={"genkan": given})


def test_a_catalogue_that_is_not_there_is_refused_with_the_mend(configured: Configured, tmp_path: Path) -> None:
    with pytest.raises(ChartError, match=r"--set-file catalogue\.content=catalogue\.yaml"):
        configured(custom={"genkan": {"catalogue": str(tmp_path / "nothing")}})


def test_a_broken_catalogue_is_refused(configured: Configured, tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text("hardware: 5")

    with pytest.raises(DocumentError, match="hardware"):
        configured(custom={"genkan": {"catalogue": str(tmp_path)}})


def test_the_chart_keeps_its_culler_and_says_when_servers_are_stopped(configured: Configured) -> None:
    c = configured(cull={"timeout": 7200})

    assert [service["name"] for service in c.JupyterHub.services].count("jupyterhub-idle-culler") == 1
    assert c.GenkanSpawner.idle_timeout == 7200


def test_without_the_charts_culler_nobody_culls(configured: Configured) -> None:
    c = configured(cull={"enabled": False})

    assert "idle_timeout" not in c.GenkanSpawner


def test_values_of_the_chart_hold(configured: Configured) -> None:
    c = configured(singleuser={"startTimeout": 900})

    assert "start_timeout" not in c.GenkanSpawner
    assert "default_url" not in c.GenkanSpawner
    assert c.GenkanSpawner.http_timeout == 120


def test_where_the_chart_says_nothing_genkan_does(configured: Configured) -> None:
    assert configured(singleuser={"defaultUrl": None}).GenkanSpawner.default_url == "/lab"


@pytest.mark.parametrize(("allowed", "limit"), [(True, 5), (False, None)])
def test_named_servers_are_the_charts(configured: Configured, allowed: bool, limit: int | None) -> None:
    c = configured(hub={"allowNamedServers": allowed, "namedServerLimitPerUser": limit})

    assert c.JupyterHub.allow_named_servers is allowed
    assert c.JupyterHub.named_server_limit_per_user == (limit or 0)


def test_hub_config_has_the_last_word(configured: Configured) -> None:
    c = configured(
        hub={
            "config": {
                "GenkanSpawner": {"start_timeout": 777, "environment": {"LANG": "ja_JP.UTF-8"}},
                "KubeSpawner": {"http_timeout": 33},
                "JupyterHub": {"named_server_limit_per_user": 9},
            }
        }
    )

    assert c.GenkanSpawner.start_timeout == 777
    assert "http_timeout" not in c.GenkanSpawner
    assert c.KubeSpawner.http_timeout == 33
    assert c.JupyterHub.named_server_limit_per_user == 9


def test_environments_are_joined(configured: Configured) -> None:
    c = configured(hub={"config": {"GenkanSpawner": {"environment": {"LANG": "ja_JP.UTF-8"}}}})

    assert c.GenkanSpawner.environment == {"HOME": "/home/jovyan", "TZ": "Asia/Tokyo", "LANG": "ja_JP.UTF-8"}


def test_other_volumes_of_the_chart_stay_beside_the_home(configured: Configured) -> None:
    c = configured()

    assert set(c.GenkanSpawner.volumes) == {"extra", "home"}
    assert {mount["name"] for mount in c.GenkanSpawner.volume_mounts.values()} == {"extra", "home"}


@pytest.mark.parametrize("storage", ["dynamic", "static"])
def test_homes_that_the_chart_keeps_are_left_to_it(configured: Configured, storage: str) -> None:
    """A hub that comes from the plain chart must mount the homes that its users have."""
    c = configured(singleuser={"storage": {"type": storage}})

    ours = {"volumes", "volume_mounts", "storage_pvc_ensure", "pvc_name_template", "storage_capacity"}
    assert ours & set(c.GenkanSpawner) == set()


def test_the_charts_settings_of_tornado_stay(configured: Configured) -> None:
    assert configured().JupyterHub.tornado_settings["slow_spawn_timeout"] == 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://hub:8081", "http://hub.genkan.svc:8081"),
        ("http://hub.example.org:8081", "http://hub.example.org:8081"),
    ],
)
def test_servers_in_other_namespaces_find_the_hub(configured: Configured, url: str, expected: str) -> None:
    c = configured(hub={"config": {"JupyterHub": {"hub_connect_url": url}}})

    assert c.JupyterHub.hub_connect_url == expected


@pytest.mark.parametrize(
    ("hub_config", "sentence"),
    [
        ({"load_roles": []}, r"hub\.config\.JupyterHub\.load_roles: .* Write hub\.loadRoles instead\."),
        ({"services": []}, r"hub\.config\.JupyterHub\.services: .* Write hub\.services instead\."),
        ({"tornado_settings": {}}, r"hub\.config\.JupyterHub\.tornado_settings: "),
        ({"spawner_class": "kubespawner.KubeSpawner"}, r"hub\.config\.JupyterHub\.spawner_class: "),
    ],
)
def test_what_would_take_away_more_than_it_seems_is_refused(
    configured: Configured, hub_config: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ChartError, match=sentence):
        configured(hub={"config": {"JupyterHub": hub_config}})


@pytest.mark.parametrize("name", ["dummy", "jupyterhub.auth.DummyAuthenticator"])
def test_the_charts_open_door_is_refused(configured: Configured, name: str) -> None:
    with pytest.raises(ChartError, match="lets in anybody as anybody"):
        configured(hub={"config": {"JupyterHub": {"authenticator_class": name}}})


def test_a_list_of_profiles_beside_the_catalogue_is_refused(configured: Configured) -> None:
    with pytest.raises(ChartError, match=r"singleuser\.profileList: "):
        configured(singleuser={"profileList": [{"display_name": "x"}]})


def test_everything_that_is_wrong_is_told_at_once(configured: Configured) -> None:
    with pytest.raises(ChartError) as raised:
        configured(hub={"config": {"JupyterHub": {"services": [], "load_roles": []}}})

    assert len(str(raised.value).splitlines()) == 2
