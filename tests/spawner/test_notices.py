"""Full disks on the form: a word above all cards, cards that are refused but for rescue, and what is not known."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from genkan_spawner import GenkanSpawner, Refusal
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.reasons import Reason

from ..support.spawner import MakeSpawner, spawners
from .stage import NAMESPACE, Stage, stage
from .test_cards import named, told

CATALOGUE = """\
hardware:
  - {slug: card, display_name: Card, cpu: 2, memory: 8Gi, gpu: {count: 1}, default: true}
  - {slug: tidy, display_name: Cleaning up, cpu: 1, memory: 2Gi, rescue: true}
images:
  - {slug: one, display_name: One, image: "registry.example.org/one:1"}
homes: {kind: shared, claim: homes, folder: home, fill: {hub_path: /srv/homes}}
"""


HUB = {"namespace": NAMESPACE, "storage_pvc_ensure": True, "storage_capacity": "10Gi"}
"""What holds where the catalogue says nothing of homes."""


@pytest.fixture
async def play(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with stage(monkeypatch) as playing:
        spec: dict[str, Any] = {"accessModes": ["ReadWriteMany"], "volumeName": "pv-homes", "storageClassName": ""}
        homes = {"metadata": {"name": "homes", "namespace": NAMESPACE}, "spec": spec, "status": {"phase": "Bound"}}
        playing.cluster.put(CLAIMS, homes)
        await playing.seen(lambda: bool(playing.view.cache.snapshot().storage.claims))
        yield playing


@pytest.fixture
def percent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How full the disk is; -1 for one that fails."""
    found = [50]

    def statvfs(_path: object) -> Any:
        if found[0] < 0:
            raise OSError(116, "Stale file handle")
        left = 1000 - 10 * found[0]
        return SimpleNamespace(f_frsize=2**30, f_blocks=1000, f_bfree=left, f_bavail=left)

    monkeypatch.setattr(os, "statvfs", statvfs)
    return found


@pytest.fixture
async def alice(
    play: Stage, percent: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[GenkanSpawner]:
    assert play.view is not None
    assert percent
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE)
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield made(make, file)


def made(make: MakeSpawner, file: Path) -> GenkanSpawner:
    return named(make(Config({"GenkanSpawner": HUB}), catalogue_file=str(file)), "alice")


async def test_a_disk_with_room_is_no_matter(alice: GenkanSpawner) -> None:
    page = str(await alice.get_options_form())
    assert "Storage:" not in page
    assert "Starts now" in told(page, "card")


async def test_a_disk_that_fills_is_told_once_above_all_cards(alice: GenkanSpawner, percent: list[int]) -> None:
    percent[0] = 90
    page = str(await alice.get_options_form())
    assert page.count("The disk of the homes is 90 % full (900 GB of 1000 GB).") == 1
    assert "Starts now" in told(page, "card")


async def test_on_a_full_disk_only_rescue_starts(alice: GenkanSpawner, percent: list[int]) -> None:
    percent[0] = 98
    page = str(await alice.get_options_form())
    assert "Until there is room again only this starts, for deleting files: Cleaning up." in told(page, "card")
    assert "Starts now" in told(page, "tidy")
    assert "Storage:" not in page


async def test_a_start_on_a_full_disk_is_refused_for_storage(
    alice: GenkanSpawner, play: Stage, percent: list[int]
) -> None:
    percent[0] = 98
    alice.user_options = {"profile": "card"}
    with pytest.raises(Refusal) as refused:
        await alice.start()
    assert refused.value.reason == Reason.STORAGE
    assert "The disk of the homes is 98 % full (980 GB of 1000 GB)." in refused.value.jupyterhub_message
    assert play.pod() is None


@pytest.mark.parametrize("admin", [True, False])
async def test_a_disk_that_cannot_be_read_is_told_to_administrators_alone(
    alice: GenkanSpawner, percent: list[int], admin: bool
) -> None:
    percent[0] = -1
    user: Any = alice.user
    user.admin = admin
    page = str(await alice.get_options_form())
    assert ("/srv/homes cannot be looked at: Stale file handle." in page) is admin
    assert "Starts now" in told(page, "card")
