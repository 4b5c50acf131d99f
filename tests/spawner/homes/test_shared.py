"""Homes in one export: the same folder in every namespace, made by a container that has the least rights."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from genkan_hub import configure
from genkan_spawner import Reason, Refusal
from genkan_spawner.homes.mounting import with_home

from ...support.golden import Golden
from ...support.spawner import spawners
from .homes import SHARED, Site, home_mounts, pod_of


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield Site(make, tmp_path)


async def test_the_server_has_its_own_folder_of_the_export_and_nothing_else(site: Site, golden: Golden) -> None:
    pod = await pod_of(site.spawner(SHARED))

    (container,) = pod["spec"]["containers"]
    assert container["volumeMounts"] == [
        {"name": "genkan-home", "mountPath": "/home/jovyan", "subPath": "people/alice"}
    ]
    assert pod["spec"]["volumes"] == [{"name": "genkan-home", "persistentVolumeClaim": {"claimName": "homes"}}]
    assert container["workingDir"] == "/home/jovyan"
    golden.check("shared_home_preparation", pod["spec"]["initContainers"])


async def test_nothing_is_claimed_for_the_user(site: Site) -> None:
    spawner = site.spawner(SHARED)
    await spawner.load_user_options()

    assert not spawner.storage_pvc_ensure


@pytest.mark.parametrize("scheme", ["safe", "escape"])
@pytest.mark.parametrize(
    ("user", "folder"),
    [
        ("alice", "alice"),
        ("a.b", "a-b--fzztnxeoxkd66rzn6vumgvecvp"),
        ("../../etc", "etc--otgphrnuygnicz7zupi52y7a4q"),
        ("{username}", "username--57lguqwc34m2uoeotjpmnwb22h"),
    ],
)
async def test_the_folder_is_the_same_whatever_kubespawner_calls_its_objects(
    site: Site, scheme: str, user: str, folder: str
) -> None:
    pod = await pod_of(site.spawner(SHARED, user=user, slug_scheme=scheme))

    assert [row["subPath"] for row in home_mounts(pod)] == [f"people/{folder}"]


async def test_folders_of_an_older_hub_can_be_kept(site: Site) -> None:
    pod = await pod_of(site.spawner({**SHARED, "names": "escaped"}, user="a.b"))

    assert [row["subPath"] for row in home_mounts(pod)] == ["people/a-2eb"]


async def test_a_folder_that_is_somebody_elses_is_refused(site: Site) -> None:
    homes = {**SHARED, "folders": {"bob": "alice"}}

    with pytest.raises(Refusal, match="The folder alice for your home is given to another user") as caught:
        await pod_of(site.spawner(homes))

    assert caught.value.reason == Reason.STORAGE


async def test_a_folder_with_a_dollar_reaches_the_shell_as_it_is(site: Site) -> None:
    pod = await pod_of(site.spawner({**SHARED, "folders": {"alice": "x/$(LC_ALL) $HOME"}}))

    assert [row["subPath"] for row in home_mounts(pod)] == ["people/x/$(LC_ALL) $HOME"]
    assert pod["spec"]["initContainers"][0]["command"][4] == "x/$$(LC_ALL) $$HOME"


async def test_folders_in_the_home_that_volumes_are_mounted_on_are_made_before(site: Site) -> None:
    volumes = [
        {"slug": "a", "display_name": "A", "mount_path": "/home/jovyan/data sets/a", "claim": "a"},
        {"slug": "b", "display_name": "B", "mount_path": "/data", "claim": "a"},
    ]
    pod = await pod_of(site.spawner(SHARED, catalogue={"volumes": volumes}))

    assert pod["spec"]["initContainers"][0]["command"][4:] == ["alice", "make", "data sets/a"]


async def test_the_homes_may_be_all_of_the_export(site: Site) -> None:
    pod = await pod_of(site.spawner({"kind": "shared", "claim": "homes"}))

    assert [row["subPath"] for row in home_mounts(pod)] == ["alice"]
    assert pod["spec"]["initContainers"][0]["volumeMounts"] == [{"name": "genkan-home", "mountPath": "/homes"}]


async def test_every_container_asks_for_what_limits_want(site: Site) -> None:
    pod = await pod_of(site.spawner(SHARED, user_options={"profile": "card"}))

    (first,), (server,) = pod["spec"]["initContainers"], pod["spec"]["containers"]
    for kind in ("requests", "limits"):
        found = server["resources"][kind]
        assert first["resources"][kind] == {name: found[name] for name in ("cpu", "memory")}


async def test_an_image_of_the_users_own_never_sees_the_homes_of_others(site: Site) -> None:
    options = {"profile": "small", "image--unlisted-choice": "registry.example.org/mallory/image:1"}
    pod = await pod_of(site.spawner(SHARED, user_options=options))

    assert pod["spec"]["containers"][0]["image"] == options["image--unlisted-choice"]
    assert pod["spec"]["initContainers"][0]["image"] == "registry.example.org/one:1"


async def test_the_image_of_the_server_prepares_its_home(site: Site) -> None:
    pod = await pod_of(site.spawner(SHARED, user_options={"profile": "small", "image": "two"}))

    assert pod["spec"]["initContainers"][0]["image"] == "registry.example.org/two:2"


async def test_the_export_is_never_given_to_a_group(site: Site) -> None:
    pod = await pod_of(site.spawner(SHARED))

    assert "fsGroup" not in pod["spec"]["securityContext"]


async def test_what_a_site_mounts_stays(site: Site) -> None:
    config = Config()
    configure(config)
    config.GenkanSpawner.volumes = [
        {"name": "old-home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
    ]
    config.GenkanSpawner.volume_mounts = [
        {"name": "old-home", "mountPath": "/home/jovyan/"},
        {"name": "data", "mountPath": "/home/jovyan/data"},
    ]
    config.GenkanSpawner.init_containers = [{"name": "site", "image": "registry.example.org/site:1"}]
    pod = await pod_of(site.spawner(SHARED, config=config))

    assert [row["name"] for row in pod["spec"]["volumes"]] == ["data", "genkan-home"]
    mounts = pod["spec"]["containers"][0]["volumeMounts"]
    assert [row["mountPath"] for row in mounts] == ["/home/jovyan", "/home/jovyan/data"]
    assert [row["name"] for row in pod["spec"]["initContainers"]] == ["prepare-home", "site"]


def test_a_volume_that_others_use_stays() -> None:
    volumes = [{"name": "home", "emptyDir": {}}]
    mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
    others: list[dict[str, Any]] = [{"name": "helper", "volumeMounts": [{"name": "home", "mountPath": "/data"}]}]

    found, _ = with_home(volumes, mounts, claim="homes", path="alice", others=others)

    assert list(found) == ["home", "genkan-home"]


async def test_a_stop_takes_all_of_it_back(site: Site) -> None:
    spawner = site.spawner(SHARED)
    before: dict[str, Any] = {name: getattr(spawner, name) for name in ("volumes", "volume_mounts", "init_containers")}
    await spawner.load_user_options()
    spawner.clear_state()

    assert {name: getattr(spawner, name) for name in before} == before
    assert spawner.storage_pvc_ensure
    assert spawner.fs_gid == 100


async def test_two_starts_are_the_same(site: Site) -> None:
    spawner = site.spawner(SHARED)

    assert await pod_of(spawner) == await pod_of(spawner)


async def test_without_a_word_on_homes_all_is_as_kubespawner_has_it(site: Site) -> None:
    pod = await pod_of(site.spawner(None))

    assert pod["spec"]["volumes"] == [{"name": "home", "persistentVolumeClaim": {"claimName": "home-alice"}}]
    assert "initContainers" not in pod["spec"]
    assert pod["spec"]["securityContext"]["fsGroup"] == 100


async def test_what_is_foreseen_for_many_is_not_refused_for_one(site: Site) -> None:
    spawner = site.spawner({**SHARED, "folders": {"bob": "alice"}})
    twin = spawner.twin({"profile": "small"})

    await twin.load_user_options()

    assert twin.foresees
    assert not spawner.foresees
