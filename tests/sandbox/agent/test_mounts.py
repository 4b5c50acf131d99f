import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_sandbox.agent.environment import ConfigurationError
from genkan_sandbox.agent.mounts import Bind, EscapeError, beneath, binds

from .manifests import container


def mounted(volume: Path, *mounts: dict[str, Any], read_only: frozenset[str] = frozenset()) -> tuple[Bind, ...]:
    rows = [{"name": "v", **mount} for mount in mounts]
    return binds(container(volumeMounts=rows), {"v": volume}, read_only=read_only, variables={"U": "ann", "UP": "../x"})


def test_outer_mounts_come_before_those_inside_them(tmp_path: Path) -> None:
    found = mounted(tmp_path, {"mountPath": "/home/jovyan/work"}, {"mountPath": "/data"}, {"mountPath": "home/jovyan/"})

    assert [bind.target for bind in found] == ["/data", "/home/jovyan", "/home/jovyan/work"]


def test_a_mount_is_read_only_by_itself_or_by_its_volume(tmp_path: Path) -> None:
    assert mounted(tmp_path, {"mountPath": "/a", "readOnly": True})[0].read_only
    assert mounted(tmp_path, {"mountPath": "/a"}, read_only=frozenset({"v"}))[0].read_only
    assert not mounted(tmp_path, {"mountPath": "/a"})[0].read_only


def test_a_missing_subdirectory_is_made_for_owner_and_group(tmp_path: Path) -> None:
    (bind,) = mounted(tmp_path, {"mountPath": "/home/jovyan", "subPath": "home/ann"})

    assert bind.source == tmp_path / "home" / "ann"
    assert bind.source.stat().st_mode & 0o777 == 0o770


def test_a_subdirectory_may_be_named_by_variables(tmp_path: Path) -> None:
    assert mounted(tmp_path, {"mountPath": "/h", "subPathExpr": "home/$(U)"})[0].source == tmp_path / "home" / "ann"


@pytest.mark.parametrize("path", ["../../etc", "..", "a/../..", "/etc", "a\0b"])
def test_no_subpath_leads_out_of_its_volume(tmp_path: Path, path: str) -> None:
    words = 'failed to prepare subPath for volumeMount "v" of container "notebook"'

    with pytest.raises(ConfigurationError, match=f"^{re.escape(words)}$"):
        mounted(tmp_path / "..", {"mountPath": "/x", "subPath": path})
    with pytest.raises(ConfigurationError):
        mounted(tmp_path, {"mountPath": "/x", "subPathExpr": "$(UP)"})


def test_no_link_leads_out_of_its_volume(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (tmp_path / "secret").mkdir()
    (volume / "evil").symlink_to("/etc")
    (volume / "up").symlink_to("../secret")
    (volume / "loop").symlink_to("loop")
    (volume / "dangling").symlink_to("../not-yet")
    (volume / "inner").mkdir()
    (volume / "fine").symlink_to("inner")

    for path in ("evil", "evil/ssh", "up", "up/new", "dangling", "loop"):
        with pytest.raises((EscapeError, OSError)):
            beneath(volume, path)
    assert not (tmp_path / "not-yet").exists()
    assert not (tmp_path / "secret" / "new").exists()
    assert beneath(volume, "fine/deeper") == volume / "inner" / "deeper"


def test_a_file_can_be_mounted_and_a_pipe_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")

    assert beneath(tmp_path, "file") == tmp_path / "file"
    with pytest.raises(EscapeError):
        beneath(tmp_path, "pipe")


@pytest.mark.parametrize("target", ["/", "/proc", "/proc/self", "/dev", "/home/..", "//"])
def test_the_containers_own_system_is_not_mounted_over(tmp_path: Path, target: str) -> None:
    with pytest.raises(ConfigurationError, match="own system"):
        mounted(tmp_path, {"mountPath": target})


def test_names_with_strange_characters_are_only_names(tmp_path: Path) -> None:
    (bind,) = mounted(tmp_path, {"mountPath": "/a\nb; rm -rf $HOME", "subPath": "-rf\n*"})

    assert bind == Bind(tmp_path / "-rf\n*", "/a\nb; rm -rf $HOME")


def test_a_volume_that_the_pod_does_not_have_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='cannot find volume "w"'):
        mounted(tmp_path, {"mountPath": "/a", "name": "w"})


SEGMENTS = st.sampled_from(["..", ".", "", "a", "b", "out", "in", "~", "a b", "..."])


@given(st.lists(SEGMENTS, max_size=6), st.booleans())
def test_whatever_is_asked_for_stays_inside(
    tmp_path_factory: pytest.TempPathFactory, segments: list[str], absolute: bool
) -> None:
    root = tmp_path_factory.mktemp("volume")
    volume = root / "volume"
    volume.mkdir()
    (volume / "out").symlink_to("..")
    (volume / "in").symlink_to(".")

    try:
        found = beneath(volume, ("/" if absolute else "") + "/".join(segments))
    except EscapeError:
        pass
    else:
        assert found.is_relative_to(volume)
        assert found.resolve() == found
    assert sorted(entry.name for entry in root.iterdir()) == ["volume"]
