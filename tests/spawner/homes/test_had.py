"""Homes that there have been: none is made anew without a word, and none goes with what is not its user."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets.config import Config

from genkan_hub import configure
from genkan_spawner import GenkanSpawner, Reason, Refusal
from genkan_spawner.api import JsonObject
from genkan_spawner.homes.had import STATE, HadHomes
from genkan_spawner.hub_view import HubView

from ...support.fake_cluster import FakeCluster
from ...support.spawner import spawners
from .homes import CLAIM, SHARED, Site, pod_of
from .test_claims import claim, holding, settled


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield Site(make, tmp_path)


def had(*, folder: str = "", **claims: str) -> JsonObject:
    return {"kubespawner_version": "7.1.0", STATE: {"folder": folder, "claims": claims}}


async def missing(spawner: GenkanSpawner) -> str:
    """What becomes of a folder that is missing."""
    pod = await pod_of(spawner)
    word: str = pod["spec"]["initContainers"][0]["command"][5]
    return word


async def test_a_folder_is_made_for_who_never_had_one_and_for_nobody_else(site: Site) -> None:
    spawner = site.spawner(SHARED)
    assert await missing(spawner) == "make"
    spawner.load_state(had(folder="people/alice"))
    assert await missing(spawner) == "refuse"
    assert await missing(site.spawner(SHARED, remake_homes=True)) == "make"


async def test_a_home_of_another_kind_is_a_home_too(site: Site) -> None:
    spawner = site.spawner(SHARED)
    spawner.load_state(had(vision="home-alice"))
    assert await missing(spawner) == "refuse"

    spawner = site.spawner(CLAIM)
    spawner.load_state(had(folder="people/alice", vision="home-alice"))
    with pytest.raises(Refusal, match="Your home was the folder people/alice, and is not there now"):
        await settled(spawner, FakeCluster())


async def test_what_another_server_of_the_user_had_counts(site: Site) -> None:
    spawner = site.spawner(SHARED, server="second")
    rows: Any = {"": SimpleNamespace(state=had(folder="people/alice")), "second": SimpleNamespace(state=None)}
    spawner.user.orm_user = SimpleNamespace(orm_spawners=rows)

    assert await missing(spawner) == "refuse"


async def test_a_claim_that_is_gone_is_told_where_it_was(site: Site) -> None:
    spawner = site.spawner(CLAIM)
    spawner.load_state(had(default="home-alice", vision="files"))

    with pytest.raises(Refusal) as caught:
        await settled(spawner, FakeCluster())

    assert caught.value.reason == Reason.STORAGE
    assert caught.value.jupyterhub_message == (
        "Your home was the storage home-alice, and is not there now; a new one would be empty. "
        "Tell an administrator: the hub's documentation on moving homes says what to do."
    )
    assert await settled(spawner, holding(claim("home-alice", of=None))) == "home-alice"


@pytest.mark.parametrize("homes", [CLAIM, None])
async def test_a_claim_is_made_where_there_was_none_or_where_the_hub_is_set_up_to(
    site: Site, homes: JsonObject | None
) -> None:
    spawner = site.spawner(homes)
    spawner.load_state(had(vision="home-alice"))
    assert await settled(spawner, FakeCluster()) == "home-alice"

    spawner.load_state(had(default="home-alice"))
    spawner.remake_homes = True
    assert await settled(spawner, FakeCluster()) == "home-alice"


async def test_what_there_was_outlives_servers(site: Site) -> None:
    spawner = site.spawner(SHARED)
    spawner.load_state(had(folder="people/alice", vision="home-alice"))
    spawner.clear_state()

    assert spawner.get_state()[STATE] == {"folder": "people/alice", "claims": {"vision": "home-alice"}}
    assert STATE not in site.spawner(SHARED).get_state()


KEPT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([STATE, "folder", "claims", "x"]), inner),
)


@given(st.lists(KEPT, max_size=4))
def test_whatever_was_kept_is_read(states: list[Any]) -> None:
    found = HadHomes.of(states)

    assert HadHomes.of([found.to_state()]) == found


@pytest.fixture
def deleted(site: Site, monkeypatch: pytest.MonkeyPatch) -> "Deleted":
    return Deleted(site, monkeypatch)


class Deleted:
    """Deletes servers of a hub that is set up to delete claims."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self._site = site
        self._monkeypatch = monkeypatch

    async def __call__(
        self, there: JsonObject, *, homes: JsonObject | None, template: str = "home-{user_server}", server: str = ""
    ) -> bool:
        """Return whether a claim goes with a server of alice."""
        config = Config()
        configure(config)
        config.GenkanSpawner.pvc_name_template = template
        config.GenkanSpawner.delete_pvc = True
        spawner = self._site.spawner(homes, config=config, server=server)
        spawner.pvc_name = there["metadata"]["name"]
        view = SimpleNamespace(api=holding(there), disks=SimpleNamespace(follow=lambda _: None))
        self._monkeypatch.setattr(HubView, "of", lambda _: view)
        gone: list[str] = []

        async def delete(name: str, *_: object) -> bool:
            gone.append(name)
            return True

        self._monkeypatch.setattr(spawner, "_make_delete_pvc_request", delete)
        await spawner.delete_forever()
        return gone == [spawner.pvc_name]


@pytest.mark.parametrize("homes", [CLAIM, None])
async def test_a_users_own_claim_goes_where_the_hub_is_set_up_to_and_nobody_elses(
    deleted: Deleted, homes: JsonObject | None
) -> None:
    assert await deleted(claim("home-alice", of="alice"), homes=homes)
    assert not await deleted(claim("home-alice", of="alice@"), homes=homes)
    assert not await deleted(claim("home-alice", of=None), homes=homes)


@pytest.mark.parametrize("template", ["home-{user_server}", "home-{username}", "home-{username}--{servername}"])
async def test_the_home_never_goes_with_a_named_server(deleted: Deleted, template: str) -> None:
    for homes in (CLAIM, None):
        assert not await deleted(claim("home-alice", of="alice"), homes=homes, template=template, server="b")
    assert not await deleted(claim("home-alice--b", of="alice", server="b"), homes=CLAIM, template=template, server="b")


async def test_a_named_servers_own_claim_goes_with_it(deleted: Deleted) -> None:
    assert await deleted(claim("home-alice--b", of="alice", server="b"), homes=None, server="b")
