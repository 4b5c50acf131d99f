"""The board: whatever happens in whatever order, it shows what a fresh look would show."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.board import Board
from genkan_spawner.cluster.projection import (
    limit_range_record,
    node_record,
    pod_record,
    priority_class_record,
    quota_record,
)
from genkan_spawner.cluster.source import Feed
from genkan_spawner.cluster.table import Key, key_of
from genkan_spawner.kinds import LIMIT_RANGES, NODES, PODS, PRIORITY_CLASSES, QUOTAS

from ...support.objects import limit_range, node, pod, priority_class, quota

NAMES = st.sampled_from(["a", "b", "c"])
NAMESPACES = st.sampled_from(["team", "other"])
SMALL = st.integers(0, 2).map(str)

NODE = st.builds(
    node, NAMES, allocatable=st.fixed_dictionaries({"cpu": SMALL}), ready=st.sampled_from(["True", "False"])
)
POD = st.builds(
    pod,
    NAMES,
    namespace=NAMESPACES,
    uid=st.sampled_from(["1", "2"]),
    node=st.none() | NAMES,
    requests=st.fixed_dictionaries({"cpu": SMALL}),
    phase=st.sampled_from(["", "Failed"]),
)
QUOTA = st.builds(quota, NAMES, namespace=NAMESPACES, hard=st.fixed_dictionaries({"pods": SMALL}))
RANGE = st.builds(limit_range, NAMES, namespace=NAMESPACES, max=st.fixed_dictionaries({"cpu": SMALL}))
CLASS = st.builds(priority_class, NAMES, value=st.integers(0, 2))

KINDS = {"nodes": NODE, "pods": POD, "quotas": QUOTA, "limit_ranges": RANGE, "priority_classes": CLASS}
STEP = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.one_of(
        st.tuples(st.just(kind), st.sampled_from(["put", "drop"]), KINDS[kind]),
        st.tuples(st.just(kind), st.just("replace"), st.lists(KINDS[kind], max_size=4, unique_by=key_of)),
        st.tuples(st.just(kind), st.just("look"), st.none()),
    )
)  # fmt: skip


def feeds(board: Board) -> dict[str, Feed[Any]]:
    return {
        "nodes": Feed(NODES, board.nodes, node_record),
        "pods": Feed(PODS, board.pods, pod_record),
        "quotas": Feed(QUOTAS, board.quotas, quota_record),
        "limit_ranges": Feed(LIMIT_RANGES, board.limit_ranges, limit_range_record),
        "priority_classes": Feed(PRIORITY_CLASSES, board.priority_classes, priority_class_record),
    }


def take(feed: Feed[Any], *raws: JsonObject) -> None:
    for raw in raws:
        feed.table.put(feed.item(raw))


@given(st.lists(STEP, max_size=40))
def test_a_view_after_many_changes_is_that_of_a_fresh_list(steps: Sequence[tuple[str, str, Any]]) -> None:
    board = Board()
    live = feeds(board)
    state: dict[str, dict[Key, JsonObject]] = {kind: {} for kind in KINDS}
    for version, (kind, act, what) in enumerate(steps):
        table, there = live[kind].table, state[kind]
        match act:
            case "look":
                board.view()
            case "put":
                there[key_of(what)] = at(what, version)
                table.put(live[kind].item(there[key_of(what)]))
            case "drop":
                there.pop(key_of(what), None)
                table.drop(key_of(what))
            case _:
                there.clear()
                there.update({key_of(raw): at(raw, version) for raw in what})
                take(live[kind], *there.values())
                table.keep(there)
    fresh = Board()
    for kind, feed in feeds(fresh).items():
        take(feed, *state[kind].values())
    assert board.view() == fresh.view()
    assert list(board.view().nodes) == sorted(board.view().nodes)
    assert list(board.view().quotas) == sorted(board.view().quotas)
    assert list(board.view().limit_ranges) == sorted(board.view().limit_ranges)
    assert list(board.view().priority_classes) == sorted(board.view().priority_classes)
    assert board.counts() == fresh.counts()
    assert board.view() is board.view()


def at(raw: JsonObject, version: int) -> JsonObject:
    """Return an object as it is in a version."""
    return {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(version)}}


def filled() -> tuple[Board, dict[str, Feed[Any]]]:
    board = Board()
    live = feeds(board)
    take(live["nodes"], node("a"), node("b"))
    take(live["pods"], pod("x", node="a"), pod("y", node="b"))
    take(live["quotas"], quota(), quota(namespace="other"))
    return board, live


def test_only_what_a_change_concerns_is_made_anew() -> None:
    board, live = filled()
    before = board.view()
    take(live["pods"], pod("z", node="b", metadata={"resourceVersion": "2"}))
    after = board.view()
    assert after.nodes["a"] is before.nodes["a"]
    assert after.nodes["b"].used["pods"] == 2000
    assert after.nodes["b"].used["cpu"] == 2000
    assert after.quotas is before.quotas
    assert after.priority_classes is before.priority_classes
    assert after.pending is before.pending
    assert before.nodes["b"].used["pods"] == 1000


def test_news_without_anything_new_change_nothing() -> None:
    board, live = filled()
    before = board.view()
    heartbeat = at(node("a"), 2)
    heartbeat["status"]["conditions"][0]["lastHeartbeatTime"] = "2026-11-01T12:00:00Z"
    take(live["nodes"], heartbeat)
    take(live["pods"], at(pod("x", node="a"), 2), at(pod("y", node="b"), 2))
    assert board.view() is before


def test_a_pod_that_is_bound_leaves_the_waiting_ones() -> None:
    board, live = filled()
    take(live["pods"], pod("z"))
    assert [found.name for found in board.view().pending] == ["z"]
    take(live["pods"], pod("z", node="a", metadata={"resourceVersion": "2"}))
    view = board.view()
    assert view.pending == ()
    assert [found.name for found in view.nodes["a"].pods] == ["x", "z"]


def test_a_pod_on_a_node_that_comes_later_is_there_when_it_comes() -> None:
    board, live = filled()
    take(live["pods"], pod("z", node="late"))
    assert "late" not in board.view().nodes
    take(live["nodes"], node("late"))
    assert [found.name for found in board.view().nodes["late"].pods] == ["z"]


def test_a_finished_pod_frees_its_node() -> None:
    board, live = filled()
    take(live["pods"], pod("x", node="a", phase="Succeeded", metadata={"resourceVersion": "2"}))
    assert board.view().nodes["a"].used == {"pods": 0}
    assert len(live["pods"].table) == 1


def test_one_namespace_is_emptied_without_touching_the_others() -> None:
    _, live = filled()
    gone = live["quotas"].table.keep((), namespace="team")
    assert [item.key for item in gone] == [("team", "gpus")]
    assert live["quotas"].table.namespaces() == {"other"}


def test_an_object_that_is_not_as_expected_is_left_out() -> None:
    board, live = filled()
    take(live["priority_classes"], priority_class("odd") | {"value": "high"})
    take(live["quotas"], quota("odd", scopeSelector={"matchExpressions": [{"operator": "In"}]}))
    view = board.view()
    assert view.priority_classes == {}
    assert [found.name for found in view.quotas["team"]] == ["gpus"]


def test_views_cannot_be_written_to() -> None:
    board, _ = filled()
    view = board.view()
    for mapping in (view.nodes, view.quotas, view.priority_classes, view.nodes["a"].used, view.nodes["a"].node.labels):
        assert not hasattr(mapping, "__setitem__")
