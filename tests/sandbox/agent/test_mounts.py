import re
from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.agent.environment import ConfigurationError
from genkan_sandbox.agent.mounts import Bind, MountedVolume, binds
from genkan_sandbox.agent.ownership import Owners

from .manifests import container


def mounted(volume: Path, *mounts: dict[str, Any], read_only: bool = False) -> tuple[Bind, ...]:
    rows = [{"name": "v", **mount} for mount in mounts]
    volumes = {"v": MountedVolume(volume, read_only=read_only)}
    return binds(container(volumeMounts=rows), volumes, variables={"U": "ann", "UP": "../x"}, owners=Owners())


def test_outer_mounts_come_before_those_inside_them(tmp_path: Path) -> None:
    found = mounted(tmp_path, {"mountPath": "/home/jovyan/work"}, {"mountPath": "/data"}, {"mountPath": "home/jovyan/"})

    assert [bind.target for bind in found] == ["/data", "/home/jovyan", "/home/jovyan/work"]


def test_a_mount_is_read_only_by_itself_or_by_its_volume(tmp_path: Path) -> None:
    assert mounted(tmp_path, {"mountPath": "/a", "readOnly": True})[0].read_only
    assert mounted(tmp_path, {"mountPath": "/a"}, read_only=True)[0].read_only
    assert not mounted(tmp_path, {"mountPath": "/a"})[0].read_only


def test_a_subdirectory_may_be_named_by_variables(tmp_path: Path) -> None:
    assert mounted(tmp_path, {"mountPath": "/h", "subPathExpr": "home/$(U)"})[0].source == tmp_path / "home" / "ann"


def test_nothing_is_made_in_a_volume_that_can_only_be_read(tmp_path: Path) -> None:
    words = 'failed to create subPath directory for volumeMount "v" of container "notebook"'

    with pytest.raises(ConfigurationError, match=f"^{re.escape(words)}$"):
        mounted(tmp_path, {"mountPath": "/h", "subPath": "home"}, read_only=True)


@pytest.mark.parametrize("target", ["/", "/proc", "/proc/self", "/dev", "/home/..", "//"])
def test_the_containers_own_system_is_not_mounted_over(tmp_path: Path, target: str) -> None:
    with pytest.raises(ConfigurationError, match="own system"):
        mounted(tmp_path, {"mountPath": target})


def test_names_with_strange_characters_are_only_names(tmp_path: Path) -> None:
    (bind,) = mounted(tmp_path, {"mountPath": "/a\nb; rm -rf $HOME", "subPath": "-rf\n*"})

    assert bind == Bind(tmp_path / "-rf\n*", "/a\nb; rm -rf $HOME", volume="v")


def test_a_volume_that_the_pod_does_not_have_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='cannot find volume "w"'):
        mounted(tmp_path, {"mountPath": "/a", "name": "w"})
