import pytest
from typer.testing import CliRunner

from genkan_hub.cli import app
from genkan_hub.cluster_page.service import Service

ENVIRONMENT = {
    "JUPYTERHUB_API_TOKEN": "secret",
    "JUPYTERHUB_API_URL": "http://hub:8081/teams/hub/api",
    "JUPYTERHUB_BASE_URL": "/teams/",
    "JUPYTERHUB_SERVICE_PREFIX": "/teams/services/cluster/",
    "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:8085",
    "JUPYTERHUB_CLIENT_ID": "service-cluster",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_a_hub_tells_its_service_everything() -> None:
    found = Service.from_environment()
    assert (found.address, found.port, found.token) == ("127.0.0.1", 8085, "secret")
    assert (found.page, found.hub) == ("/teams/services/cluster/", "/teams/hub/")
    assert found.api_url == "http://hub:8081/teams/hub/api"


def test_a_pod_of_its_own_needs_token_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTERHUB_BASE_URL", "JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_CLIENT_ID"):
        monkeypatch.delenv(name)
    found = Service.from_environment(listen="10.0.0.7:8080")
    assert (found.address, found.port) == ("10.0.0.7", 8080)
    assert (found.page, found.hub, found.client) == ("/services/cluster/", "/hub/", "service-cluster")


def test_an_address_may_be_one_of_ipv6() -> None:
    found = Service.from_environment(listen="[::]:8080")
    assert (found.address, found.port) == ("::", 8080)


@pytest.mark.parametrize("listen", ["8080", "host", "host:", ":8080", "host:99999999", "host:port"])
def test_an_address_that_cannot_be_is_refused(listen: str) -> None:
    with pytest.raises(ValueError, match="give --listen ADDRESS:PORT"):
        Service.from_environment(listen=listen)


@pytest.mark.parametrize("name", ["JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL"])
def test_the_command_says_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    told = CliRunner().invoke(app, ["cluster-page", "--listen", "127.0.0.1:0"])
    assert told.exit_code == 2
    assert f"{name} is not set" in told.output


def test_the_command_says_where_it_cannot_listen() -> None:
    told = CliRunner().invoke(app, ["cluster-page", "--listen", "192.0.2.1:8080"])
    assert told.exit_code == 2
    assert "It cannot listen on 192.0.2.1:8080" in told.output
