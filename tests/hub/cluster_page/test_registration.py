from typing import Any

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.scopes import scope_definitions
from traitlets import TraitError
from traitlets.config import Config

from genkan_hub import configure
from genkan_hub.cluster_page.hub_api import HANDLERS
from genkan_hub.cluster_page.registration import URL


@pytest.fixture
def c() -> Config:
    return Config()


def service(c: Config) -> dict[str, Any]:
    (found,) = [row for row in c.JupyterHub.services if row["name"] == "cluster"]
    return dict(found)


def test_the_hub_starts_the_page_and_shows_it_in_its_navigation(c: Config) -> None:
    configure(c)
    found = service(c)
    assert found["url"] == URL
    assert found["command"][1:] == ["-m", "genkan_hub.cluster_page"]
    assert found["display"]
    assert found["oauth_no_confirm"]


def test_the_page_has_the_rights_to_read_and_no_more(c: Config) -> None:
    configure(c)
    (role,) = [row for row in c.JupyterHub.load_roles if row["services"] == ["cluster"]]
    assert role["scopes"] == ["read:servers", "read:users:groups"]
    assert service(c)["oauth_client_allowed_scopes"] == ["read:servers", "delete:servers", "admin-ui"]
    assert {*role["scopes"], *service(c)["oauth_client_allowed_scopes"]} <= set(scope_definitions)


def test_all_users_may_open_it(c: Config) -> None:
    configure(c)
    assert JupyterHub(config=c).extra_user_scopes == {"access:services!service=cluster"}


def test_scopes_of_a_site_stay(c: Config) -> None:
    c.JupyterHub.extra_user_scopes = ["access:services!service=mine"]
    configure(c)
    assert JupyterHub(config=c).extra_user_scopes == {"access:services!service=mine", "access:services!service=cluster"}


def test_it_can_be_left_out(c: Config) -> None:
    configure(c, cluster_page="")
    assert [row["name"] for row in c.JupyterHub.services] == ["jupyterhub-idle-culler"]
    assert not [row for row in c.JupyterHub.extra_handlers if row in HANDLERS]
    assert "extra_user_scopes" not in c.JupyterHub


def test_it_may_listen_elsewhere(c: Config) -> None:
    configure(c, cluster_page="http://10.0.0.1:9000")
    assert service(c)["url"] == "http://10.0.0.1:9000"


def test_a_page_that_runs_by_itself_is_not_started_by_the_hub(c: Config) -> None:
    c.JupyterHub.services = [{"name": "cluster", "url": "http://cluster-page:8080", "api_token": "secret"}]
    configure(c)
    found = service(c)
    assert (found["url"], found["api_token"]) == ("http://cluster-page:8080", "secret")
    assert "command" not in found
    assert found["oauth_no_confirm"]


def test_configuring_twice_is_configuring_once(c: Config) -> None:
    configure(c)
    once = (service(c), set(c.JupyterHub.extra_handlers), list(c.JupyterHub.load_roles))
    configure(c)
    assert (service(c), set(c.JupyterHub.extra_handlers), list(c.JupyterHub.load_roles)) == once
    assert len(c.JupyterHub.extra_handlers) == len(once[1])


def test_what_reaches_the_cluster_is_handed_down(c: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/etc/kubeconfig")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("CONFIGPROXY_AUTH_TOKEN", "secret")
    configure(c)
    environment = service(c)["environment"]
    assert (environment["KUBECONFIG"], environment["KUBERNETES_SERVICE_HOST"]) == ("/etc/kubeconfig", "10.0.0.1")
    assert "CONFIGPROXY_AUTH_TOKEN" not in environment


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prometheus_url", "prometheus:9090"),
        ("prometheus_url", "ftp://prometheus"),
        ("prometheus_url", 9090),
        ("prometheus_labels", {"not-a-label": "x"}),
        ("prometheus_labels", ["cluster"]),
        ("idle_after", 0),
        ("idle_utilisation", 90),
        ("names_for_everyone", "yes"),
    ],
)
def test_a_setting_that_cannot_be_stops_the_hub_at_its_start(c: Config, name: str, value: object) -> None:
    c.ClusterPage[name] = value
    with pytest.raises(TraitError, match=name):
        configure(c)
