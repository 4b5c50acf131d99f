"""The list of profiles that all starts share, and none may change."""

import copy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genkan_spawner.offering import offered_profiles

from ..support.spawner import MakeSpawner, spawners
from .catalogues import RICH, VISION, joined


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    async with spawners(tmp_path, monkeypatch) as (_, made):
        yield made


async def test_what_a_start_changes_of_its_profile_is_its_own(make: MakeSpawner, tmp_path: Path) -> None:
    (tmp_path / "rich.yaml").write_text(RICH)
    choice = {"profile": "a100", "image": "pytorch", "priority": "burst", "team": "vision"}

    first, second = (
        joined(make(catalogue_file=str(tmp_path / "rich.yaml"), user_options=choice), VISION) for _ in range(2)
    )
    before = copy.deepcopy(await offered_profiles(first))
    await first.load_user_options()
    for trait in ("volumes", "node_selector", "extra_resource_limits", "environment", "extra_annotations"):
        getattr(first, trait)["of-the-first"] = {"name": "of-the-first"}
    for trait in ("tolerations", "node_affinity_required"):
        found = getattr(first, trait)
        for row in found.values() if isinstance(found, dict) else found:
            row["of-the-first"] = {}
    await second.load_user_options()

    assert await offered_profiles(first) == before
    assert "of-the-first" not in str([getattr(second, name) for name in second.trait_names(config=True)])


async def test_a_list_of_a_site_is_read_anew_each_time(make: MakeSpawner) -> None:
    profiles = [{"display_name": "Small", "kubespawner_override": {"image": "registry.example.org/small:1"}}]
    spawner = make(profile_list=lambda _: profiles)

    await spawner.load_user_options()
    profiles[0]["kubespawner_override"] = {"image": "registry.example.org/small:2"}
    await spawner.load_user_options()

    assert spawner.image == "registry.example.org/small:2"
