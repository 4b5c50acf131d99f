import csv
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.cluster_page.holders import Kind, State
from genkan_hub.cluster_page.table import HEAD, as_csv
from genkan_hub.cluster_page.view import ServerView

from .scenes import Scene


def read(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline="")))


def server(**fields: Any) -> ServerView:
    return ServerView(key="k", kind=Kind.SERVER, state=State.RUNNING, **fields)


def test_a_line_is_a_server() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", devices=("GPU-a",), hardware="1 x A100, fast")
    scene.measure("GPU-a", 91.25)
    head, row = read(as_csv(scene.view().servers))
    assert tuple(head) == HEAD
    found = dict(zip(head, row, strict=True))
    assert (found["user"], found["hardware"], found["node"]) == ("alice", "1 x A100, fast", "a")
    assert (found["since"], found["utilisation_percent"]) == ("2026-11-01T11:00:00+00:00", "91.2")
    assert (found["gpus"], found["gpu_indices"], found["idle_since"]) == ("1", "0", "")


def test_no_rows_are_a_head_alone() -> None:
    assert read(as_csv([])) == [list(HEAD)]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "=cmd|' /C calc'!A0", "\uff1d1", "\uff20a"]
)
def test_what_a_spreadsheet_would_compute_is_text(text: str) -> None:
    _, row = read(as_csv([server(user=text)]))
    assert row[2] == f"'{text}"


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_any_text_comes_back_and_none_begins_a_formula(text: str) -> None:
    _, row = read(as_csv([server(title=text)]))
    assert row[4] in {text, f"'{text}"}
    assert not row[4].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
