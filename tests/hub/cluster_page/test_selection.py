from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.cluster_page.selection import COLUMNS, Choices, Selection
from genkan_hub.cluster_page.view import ClusterView

from .scenes import Scene


@pytest.fixture
def view() -> ClusterView:
    scene = Scene(idle_after=3600)
    scene.node("rack-1")
    scene.node("rack-2", product="Tesla-T4")
    scene.node("empty", gpus={"nvidia.com/gpu": 2}, product="Tesla-T4")
    scene.server(
        "alice", on="rack-1", devices=("GPU-a",), team="Vision", hardware="1 x A100", priority="High", minutes=200
    )
    scene.server("bob", on="rack-2", devices=("GPU-b",), team="Language", image="JAX", minutes=10)
    scene.server("carol", on="rack-2", gpus=0, team="Vision", minutes=300)
    scene.server("dan", on=None)
    scene.job("nlp", on="rack-1", minutes=5)
    scene.measure("GPU-a", 0.0, nodes=("rack-1",))
    scene.measure("GPU-b", 70.0, nodes=("rack-2",), used=2)
    return scene.view()


def names(view: ClusterView) -> list[str]:
    return [row.user or row.pod for row in view.servers]


def selected(view: ClusterView, **arguments: str) -> ClusterView:
    return Selection.of({name: [value] for name, value in arguments.items()}).applied(view)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ["alice", "bob", "carol", "dan", "nlp"]),
        ({"q": "ALICE"}, ["alice"]),
        ({"q": "vision a100"}, ["alice"]),
        ({"q": "jax rack-2"}, ["bob"]),
        ({"q": "batch/nlp"}, ["nlp"]),
        ({"q": "nowhere"}, []),
        ({"team": "Vision"}, ["alice", "carol"]),
        ({"team": "Vision", "q": "a100"}, ["alice"]),
        ({"priority": "High"}, ["alice"]),
        ({"product": "Tesla-T4"}, ["bob"]),
        ({"state": "waiting"}, ["dan"]),
        ({"state": "idle"}, ["alice"]),
        ({"kind": "other"}, ["nlp"]),
        ({"kind": "gpu"}, ["alice", "bob", "nlp"]),
        ({"kind": "server", "team": "Language"}, ["bob"]),
        ({"team": "Nobody's"}, []),
        ({"unknown": "x"}, ["alice", "bob", "carol", "dan", "nlp"]),
    ],
)
def test_filters(view: ClusterView, arguments: dict[str, str], found: list[str]) -> None:
    assert names(selected(view, **arguments)) == found


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("who", ["alice", "nlp", "bob", "carol", "dan"]),
        ("-who", ["dan", "carol", "bob", "nlp", "alice"]),
        ("since", ["dan", "carol", "alice", "bob", "nlp"]),
        ("-since", ["nlp", "bob", "alice", "carol", "dan"]),
        ("-use", ["bob", "alice", "carol", "dan", "nlp"]),
        ("where", ["dan", "nlp", "alice", "carol", "bob"]),
        ("nonsense", ["alice", "bob", "carol", "dan", "nlp"]),
        ("--who", ["alice", "bob", "carol", "dan", "nlp"]),
    ],
)
def test_order(view: ClusterView, sort: str, found: list[str]) -> None:
    assert names(selected(view, sort=sort)) == found


def machines(view: ClusterView) -> list[str]:
    return [machine.name for machine in view.machines]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ["rack-1", "rack-2", "empty"]),
        ({"q": "alice"}, ["rack-1"]),
        ({"q": "rack-2"}, ["rack-2"]),
        ({"product": "Tesla-T4"}, ["rack-2", "empty"]),
        ({"q": "t4"}, ["rack-2", "empty"]),
        ({"team": "Vision"}, ["rack-1"]),
        ({"team": "Vision", "q": "rack-2"}, []),
        ({"sort": "who"}, ["rack-1", "rack-2", "empty"]),
    ],
)
def test_machines_that_have_to_do_with_it_stay(view: ClusterView, arguments: dict[str, str], found: list[str]) -> None:
    assert machines(selected(view, **arguments)) == found


def test_an_address_says_what_is_shown_and_back() -> None:
    selection = Selection(q="a b&c", team="Vision", sort="-since")
    assert selection.address() == "?q=a+b%26c&team=Vision&sort=-since"
    assert selection.address(sort="who", q="") == "?team=Vision&sort=who"
    assert Selection().address() == ""


def test_a_column_is_sorted_the_other_way_at_the_second_click() -> None:
    assert Selection().sorted_by("who") == "who"
    assert Selection(sort="who").sorted_by("who") == "-who"
    assert Selection(sort="-who").sorted_by("who") == "who"


def test_choices_are_what_there_is(view: ClusterView) -> None:
    assert Choices.of(view) == Choices(
        ("Language", "Vision"), ("High", "Normal"), ("NVIDIA-A100-SXM4-80GB", "Tesla-T4")
    )


TEXTS = st.dictionaries(
    st.sampled_from(["q", "team", "priority", "product", "state", "kind", "sort", "other"]),
    st.lists(st.text(max_size=300), max_size=3),
)


@given(query=TEXTS)
def test_whatever_an_address_holds_is_taken_or_left_out(query: dict[str, Any]) -> None:
    scene = Scene()
    scene.node()
    scene.server("alice")
    selection = Selection.of(query)
    selection.applied(scene.view())
    assert selection.sort.removeprefix("-") in {"", *COLUMNS}
    assert all(len(getattr(selection, name)) <= 200 for name in ("q", "team", "sort"))
