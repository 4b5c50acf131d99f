import os
from pathlib import Path

import pytest

from genkan_sandbox.binaries.components import Source
from genkan_sandbox.binaries.store import Entry, Store


@pytest.fixture
def store(cache: Path) -> Store:
    return Store(root=cache)


def complete(store: Store, *, text: str = "program") -> Entry:
    with store.work("thing") as work:
        (made := work / "made").mkdir()
        (made / "program").write_text(text)
        (made / "folder").mkdir()
        (made / "folder" / "other").write_text("other")
        (made / "link").symlink_to("program")
        return store.complete("thing", made, made_by=Source.BUILD)


def test_a_complete_entry_is_found(store: Store, cache: Path) -> None:
    entry = complete(store)

    assert entry == Entry(path=cache / "thing", made_by=Source.BUILD)
    assert store.lookup("thing") == entry
    assert (entry.path / "link").read_text() == "program"


def test_a_folder_without_its_seal_is_no_entry(store: Store) -> None:
    (complete(store).path / "complete.json").unlink()

    assert store.lookup("thing") is None


@pytest.mark.parametrize("seal", ["", "{", "{}", '{"made_by": "build", "files": {"program": {}}}', "[]"])
def test_a_broken_seal_is_none(store: Store, seal: str) -> None:
    (complete(store).path / "complete.json").write_text(seal)

    assert store.lookup("thing") is None


def test_a_file_that_is_cut_off_missing_or_replaced_breaks_an_entry(store: Store) -> None:
    program = complete(store).path / "program"

    program.write_text("prog")
    assert store.lookup("thing") is None
    program.unlink()
    assert store.lookup("thing") is None
    program.symlink_to("link")
    assert store.lookup("thing") is None


def test_a_file_of_the_same_size_is_read_again_when_its_time_differs(store: Store) -> None:
    program = complete(store).path / "program"

    os.utime(program, ns=(1, 1))
    assert store.lookup("thing") is not None
    program.write_text("PROGRAM")
    assert store.lookup("thing") is None


def test_a_broken_entry_is_replaced(store: Store) -> None:
    (complete(store).path / "program").unlink()

    complete(store, text="new")

    assert store.lookup("thing") is not None
    assert (store.root / "thing" / "program").read_text() == "new"


def test_work_begins_empty_and_ends_without_a_trace(store: Store, cache: Path) -> None:
    (cache / "work" / "thing" / "left" / "over").mkdir(parents=True)

    with store.work("thing") as work:
        assert list(work.iterdir()) == []
        (work / "half").write_text("")

    assert list((cache / "work").iterdir()) == []
    assert store.lookup("thing") is None


def test_a_lock_is_held_by_one_and_names_its_holder(store: Store) -> None:
    with store.lock("thing") as second:
        with store.lock("thing") as first:
            assert second.holder() is None
            assert first.take()
            assert not second.take()
            assert second.holder() == os.getpid()
        assert second.take()


def test_what_is_forgotten_is_gone(store: Store, cache: Path) -> None:
    complete(store)

    store.forget("thing")
    store.forget("thing")

    assert not (cache / "thing").exists()
