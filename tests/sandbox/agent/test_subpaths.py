import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_sandbox.agent.environment import ConfigurationError
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.subpaths import EscapeError, beneath, prepare_sub_path

PREPARE, CREATE = "failed to prepare subPath for it", "failed to create subPath directory for it"


def prepared(volume: Path, path: str, *, squashed: bool = False) -> Path:
    return prepare_sub_path(volume, path, about="for it", writable=True, squashed=squashed, owners=Owners())


def folder(path: Path, mode: int) -> Path:
    path.mkdir()
    path.chmod(mode)
    return path


@pytest.mark.parametrize("rights", [0o755, 0o2770, 0o1777])
def test_a_missing_subdirectory_has_the_rights_of_the_volume(tmp_path: Path, rights: int) -> None:
    found = prepared(folder(tmp_path / "volume", rights), "home/ann")

    assert found == tmp_path / "volume" / "home" / "ann"
    assert [path.stat().st_mode & 0o7777 for path in (found, found.parent)] == [rights, rights]


def test_a_subdirectory_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    folder(tmp_path / "ann", 0o700)

    assert prepared(tmp_path, "ann").stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../../etc", "unable to provision SubPath `../../etc`: must not contain '..'"),
        ("..", "unable to provision SubPath `..`: must not contain '..'"),
        ("a/../..", "unable to provision SubPath `a/../..`: must not contain '..'"),
        ("/etc", "error SubPath `/etc` must not be an absolute path"),
        ("a\0b", PREPARE),
    ],
)
def test_no_subpath_leads_out_of_its_volume(tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(words)}$"):
        prepared(tmp_path, path)


def test_no_link_leads_out_of_its_volume(tmp_path: Path) -> None:
    volume = folder(tmp_path / "volume", 0o755)
    (tmp_path / "secret").mkdir()
    (volume / "evil").symlink_to("/etc")
    (volume / "up").symlink_to("../secret")
    (volume / "loop").symlink_to("loop")
    (volume / "dangling").symlink_to("../not-yet")
    (volume / "inner").mkdir()
    (volume / "fine").symlink_to("inner")

    for path, words in {
        "evil": PREPARE,
        "evil/new": CREATE,
        "up": PREPARE,
        "up/new": CREATE,
        "dangling": CREATE,
    }.items():
        with pytest.raises(ConfigurationError, match=f"^{words}$"):
            prepared(volume, path)
    with pytest.raises(ConfigurationError):
        prepared(volume, "loop")
    assert not (tmp_path / "not-yet").exists()
    assert not (tmp_path / "secret" / "new").exists()
    assert prepared(volume, "fine/deeper") == volume / "inner" / "deeper"


def test_a_file_can_be_mounted_and_a_pipe_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")

    assert prepared(tmp_path, "file") == tmp_path / "file"
    with pytest.raises(ConfigurationError, match=PREPARE):
        prepared(tmp_path, "pipe")


@pytest.mark.parametrize(
    ("home", "path", "words"),
    [
        # Nobody may look into the folder, whatever is in it.
        (0o1770, "home/ann", PREPARE),
        (0o1770, "home/new", PREPARE),
        # Nobody finds what is there, and may not make what is missing.
        (0o1771, "home/new", CREATE),
        (0o1771, "home/ann", None),
        # Where everybody may write, nobody may too.
        (0o1777, "home/new", None),
    ],
)
def test_on_a_squashed_export_the_kubelet_is_nobody(tmp_path: Path, home: int, path: str, words: str | None) -> None:
    volume = folder(tmp_path / "export", 0o755)
    folder(volume / "home", home)
    folder(volume / "home" / "ann", 0o700)

    if words is None:
        assert prepared(volume, path, squashed=True) == volume / path
    else:
        with pytest.raises(ConfigurationError, match=f"^{words}$"):
            prepared(volume, path, squashed=True)


SEGMENTS = st.sampled_from(["..", ".", "", "a", "b", "out", "in", "~", "a b", "..."])


@given(st.lists(SEGMENTS, max_size=6))
def test_whatever_is_asked_for_stays_inside(tmp_path_factory: pytest.TempPathFactory, segments: list[str]) -> None:
    root = tmp_path_factory.mktemp("volume")
    volume = root / "volume"
    volume.mkdir()
    (volume / "out").symlink_to("..")
    (volume / "in").symlink_to(".")

    try:
        found = beneath(volume, "/".join(segments).lstrip("/"), writable=True, squashed=False, owners=Owners())
    except (EscapeError, FileNotFoundError):
        pass
    else:
        assert found.is_relative_to(volume)
        assert found.resolve() == found
    assert sorted(entry.name for entry in root.iterdir()) == ["volume"]
