from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.cluster_page.hub_report import CatalogueReport
from genkan_hub.cluster_page.table import as_csv
from genkan_hub.cluster_page.view import ClusterView, DeviceState, DeviceView
from genkan_hub.cluster_page.viewers import Reach, Viewer
from genkan_hub.cluster_page.viewing import Ages

from .scenes import ADMINISTRATOR, MEASURED, Scene, everything_about, ordinary

LEAD = Viewer.of("lead", ["read:servers!group=vision", "delete:servers!group=vision"], sees_names=False)


def busy() -> Scene:
    """Return a cluster with two servers and a job, all measured."""
    scene = Scene()
    scene.node()
    scene.server("alice", devices=("GPU-a",), groups=("vision",), hardware="1 x A100", team="Vision", image="PyTorch")
    scene.server("bob", name="deep", devices=("GPU-b",), groups=("language",), display_name="Bob's own", team="Words")
    scene.job("secret-project", namespace="rivals", devices=("GPU-c",), priorityClassName="rivals-first")
    for index, device in enumerate("abcd"):
        scene.measure(f"GPU-{device}", 40.0, index=str(index))
    return scene


def devices(view: ClusterView) -> list[DeviceView]:
    return [device for machine in view.machines for kind in machine.kinds for device in kind.devices]


def test_an_administrator_sees_everything() -> None:
    view = busy().view()
    assert view.everything
    assert [row.user or f"{row.namespace}/{row.pod}" for row in view.servers] == [
        "alice",
        "bob",
        "rivals/secret-project",
    ]
    assert [device.server for device in devices(view)] == [
        view.servers[0].key,
        view.servers[1].key,
        view.servers[2].key,
        None,
    ]
    assert [row.stoppable for row in view.servers] == [True, True, False]
    assert view.totals.mean_utilisation == 40
    assert view.servers[2].priority == "rivals-first"


def test_an_ordinary_user_sees_what_is_free_and_their_own_servers() -> None:
    view = busy().view(ordinary("alice"))
    assert not view.everything
    assert [row.user for row in view.servers] == ["alice"]
    assert view.servers[0].stoppable
    assert view.servers[0].utilisation == 40
    assert [device.state for device in devices(view)] == ["held", "held", "held", "free"]
    assert [device.utilisation for device in devices(view)] == [40, None, None, None]
    assert (view.totals.gpus, view.totals.free) == (4, 1)
    assert (view.totals.idle, view.totals.mean_utilisation) == (None, None)


HIDDEN = ["bob", "deep", "Bob's own", "Words", "secret-project", "rivals", "GPU-b", "GPU-c", "jupyter-"]


@pytest.mark.parametrize("word", HIDDEN)
def test_nothing_that_a_user_may_not_see_is_in_what_they_get(word: str) -> None:
    scene = busy()
    assert word in everything_about(scene, ADMINISTRATOR)
    assert word not in everything_about(scene, ordinary("alice"))
    assert word not in as_csv(scene.view(ordinary("alice")).servers)


def test_names_for_everyone_are_names_and_no_more() -> None:
    view = busy().view(ordinary("alice", sees_names=True))
    assert [row.user for row in view.servers] == ["alice", "bob"]
    bob = view.servers[1]
    assert (bob.team, bob.utilisation, bob.last_activity, bob.pod, bob.stoppable) == ("Words", 40, None, "", False)
    assert view.servers[0].last_activity is not None
    text = everything_about(busy(), ordinary("alice", sees_names=True))
    assert "rivals" not in text
    assert "jupyter-" not in text
    assert view.totals.mean_utilisation is None


def test_who_leads_a_group_sees_its_servers() -> None:
    view = busy().view(LEAD)
    assert [(row.user, row.stoppable) for row in view.servers] == [("alice", True)]
    assert not view.everything
    assert view.servers[0].last_activity is not None


def test_who_may_see_all_may_not_thereby_stop_any() -> None:
    watcher = Viewer.of("watcher", ["read:servers"], sees_names=False)
    view = busy().view(watcher)
    assert view.everything
    assert not any(row.stoppable for row in view.servers)


def test_a_server_that_the_hub_does_not_know_cannot_be_stopped_through_it() -> None:
    scene = busy()
    scene.servers.clear()
    assert not any(row.stoppable for row in scene.view().servers)


def test_free_devices_of_a_machine_that_takes_nothing_new_are_not_free() -> None:
    scene = Scene()
    scene.node(unschedulable=True)
    assert {device.state for device in devices(scene.view())} == {DeviceState.UNAVAILABLE}


def test_problems_are_for_administrators() -> None:
    scene = Scene()
    scene.node()
    scene.catalogue = CatalogueReport(problems=("catalogue.yaml, line 3: no.",))
    ages = Ages(
        hub=300, hub_problem="The hub does not answer.", measured=True, measurements_problem="Prometheus is away."
    )
    view = scene.view(ages=ages)
    assert view.sources.problems == ("The hub does not answer.", "Prometheus is away.")
    assert view.sources.catalogue_problems == ("catalogue.yaml, line 3: no.",)
    assert (view.sources.measurements, view.sources.hub_age) == ("missing", 300)
    other = scene.view(ordinary("alice"), ages=ages)
    assert (other.sources.problems, other.sources.catalogue_problems) == ((), ())


def test_a_cluster_that_cannot_be_read_is_told_to_everybody() -> None:
    scene = busy()
    scene.healthy = False
    for viewer in (ADMINISTRATOR, ordinary("alice")):
        assert not scene.view(viewer).sources.cluster_known
    assert "It is away." in scene.view().sources.problems


def test_without_prometheus_nothing_is_missing() -> None:
    view = busy().view(ages=replace(MEASURED, measured=False, measurements=None))
    assert view.sources.measurements == "none"
    assert view.totals.idle is None


@pytest.mark.parametrize(
    ("scopes", "everybody", "covered"),
    [
        (["read:servers"], True, True),
        (["read:servers!user=alice"], False, True),
        (["read:servers!user=bob"], False, False),
        (["read:servers!server=alice/deep"], False, True),
        (["read:servers!server=alice/"], False, False),
        (["read:servers!group=vision"], False, True),
        (["read:servers!group=other", "list:users"], False, False),
        (["read:servers!planet=earth"], False, False),
        (["read:servers!"], False, False),
        (["read:users", "admin:servers"], False, False),
        ([], False, False),
    ],
)
def test_whose_servers_a_scope_is_about(scopes: list[str], everybody: bool, covered: bool) -> None:
    reach = Reach.of("read:servers", scopes)
    assert reach.everybody is everybody
    assert reach.covers("alice", "deep", ["vision"]) is covered


NAMES = st.text(st.characters(codec="utf-8"), min_size=4, max_size=12).filter(lambda name: name.strip() == name)


@given(others=st.lists(NAMES, min_size=1, max_size=4, unique=True), scopes=st.lists(NAMES, max_size=3))
def test_no_name_of_anybody_else_is_in_what_a_user_gets(others: list[str], scopes: list[str]) -> None:
    scene = Scene()
    scene.node(gpus={"nvidia.com/gpu": 8})
    for name in others:
        scene.server(f"«{name}»", groups=(f"g{name}",), hardware=f"h{name}", team=f"t{name}")
    me = Viewer.of(
        "me", ["read:servers!user=me", *(f"read:servers!group={scope}" for scope in scopes)], sees_names=False
    )
    view = scene.view(me)
    assert view.servers == ()
    assert all(device.server is None and not device.device for device in devices(view))
