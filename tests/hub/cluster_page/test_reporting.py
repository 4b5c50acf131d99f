"""What the hub tells, from a user with real spawners and no hub around them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment
from jupyterhub import orm
from traitlets.config import Config

from genkan_hub.cluster_page.hub_report import CatalogueReport, HubReport, ServerReport
from genkan_hub.cluster_page.reporting import report
from genkan_hub.page_globals import page_globals
from genkan_profiles import SAMPLE
from genkan_spawner import GenkanSpawner
from genkan_spawner.marks import hub_mark

from ...support.spawner import MakeSpawner, spawners

AT = datetime(2026, 11, 1, 10, 0)  # noqa: DTZ001  # as JupyterHub's database has it


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield make


def settings(c: Config, **more: Any) -> dict[str, Any]:
    environment = Environment(autoescape=True, extensions=[page_globals(site_name="Cards", notice="Soon.")])
    base = {"config": c, "spawner_class": GenkanSpawner, "cookie_secret": b"secret", "jinja2_env": environment}
    return base | more


def started(make: MakeSpawner, **options: str) -> Any:
    """Return a user with a server that runs."""
    spawner = make(Config(), namespace="vision", user_options=options)
    record = SimpleNamespace(
        name="",
        display_name="",
        started=AT,
        last_activity=AT,
        server=orm.Server(proto="http", ip="", port=0, base_url="/", cookie_name=""),
        user_options=options,
    )
    spawner.orm_spawner = record
    spawner.user.groups = [SimpleNamespace(name="vision")]
    spawner.user.spawners = {"": spawner}
    return spawner.user


async def told(c: Config, *users: Any, **more: Any) -> HubReport:
    return await report(dict(enumerate(users)), settings(c, **more), metrics_for_everyone=False)


@pytest.fixture
def c(tmp_path: Path) -> Config:
    c = Config()
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(SAMPLE.read_text())
    c.GenkanSpawner.catalogue_file = str(catalogue)
    return c


async def test_a_server_is_told_in_the_catalogues_words(make: MakeSpawner, c: Config) -> None:
    user = started(make, profile="a100-1", image="pytorch", priority="burst", team="vision")
    found = await told(c, user)
    (server,) = found.servers
    at = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
    assert server == ServerReport(
        user="alice",
        groups=("vision",),
        namespace="vision",
        pod="jupyter-alice",
        hardware=server.hardware,
        image=server.image,
        priority=server.priority,
        team="Vision",
        started=at,
        last_activity=at,
    )
    assert "A100" in server.hardware
    assert "PyTorch" in server.image
    assert server.priority.startswith("Burst")


async def test_what_the_catalogue_does_not_know_keeps_its_own_name(make: MakeSpawner, c: Config) -> None:
    options: dict[str, Any] = {"profile": "of-yesterday", "image--unlisted-choice": "example.org/x:1", "team": ["odd"]}
    (server,) = (await told(c, started(make, **options))).servers
    assert (server.hardware, server.image, server.team) == ("of-yesterday", "example.org/x:1", "")


async def test_servers_that_do_not_run_are_not_told(make: MakeSpawner, c: Config) -> None:
    user = started(make)
    user.spawners[""].orm_spawner.server = None
    assert (await told(c, user)).servers == ()


async def test_where_servers_of_teams_run_and_what_classes_are_called(c: Config) -> None:
    found = await told(c)
    assert {"vision", "language"} <= set(found.namespaces)
    assert found.priorities["genkan-normal"] == "Normal"
    assert "nvidia.com/gpu" in found.catalogue.gpu_resources


async def test_the_mark_is_that_of_the_hubs_pods_and_not_its_secret(c: Config) -> None:
    found = await told(c)
    assert found.mark == hub_mark(b"secret")
    assert "secret" not in found.model_dump_json()
    assert (await told(c, cookie_secret=None)).mark == ""


async def test_settings_are_those_of_the_hubs_configuration(c: Config) -> None:
    c.ClusterPage.names_for_everyone = True
    c.ClusterPage.prometheus_labels = {"cluster": "north"}
    found = (await told(c)).settings
    assert (found.names_for_everyone, found.prometheus_labels, found.idle_after) == (True, {"cluster": "north"}, 3600)


async def test_what_the_site_says_on_all_pages_is_told(c: Config) -> None:
    frame = (await told(c)).frame
    assert (frame.site_name, frame.notice) == ("Cards", "Soon.")
    assert (await told(c, jinja2_env=Environment(autoescape=True))).frame.site_name == ""


def break_catalogue(c: Config) -> None:
    Path(c.GenkanSpawner.catalogue_file).write_text("hardware: [}")


async def test_a_catalogue_that_breaks_is_told_with_the_reason(c: Config) -> None:
    assert (await told(c)).catalogue.problems == ()
    break_catalogue(c)
    async with asyncio.timeout(20):
        while not (found := (await told(c)).catalogue).problems:
            await asyncio.sleep(0.1)
    assert found.known
    assert "catalogue.yaml" in found.problems[0]
    assert found.loaded_at is not None


async def test_a_catalogue_that_never_was_is_told(c: Config, tmp_path: Path) -> None:
    c.GenkanSpawner.catalogue_file = str(tmp_path / "nowhere.yaml")
    found = await told(c)
    assert not found.catalogue.known
    assert found.catalogue.problems
    assert found.catalogue == CatalogueReport(problems=found.catalogue.problems, known=False)


async def test_what_is_set_for_all_kubespawners_counts(make: MakeSpawner, c: Config) -> None:
    file = c.GenkanSpawner.pop("catalogue_file")
    c.KubeSpawner.catalogue_file = file
    assert "vision" in (await told(c)).namespaces
