from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from genkan_spawner import Reason, Refusal
from genkan_spawner.api import JsonObject

from ...support.spawner import spawners
from .homes import CLAIM, SHARED, Site, home_mounts, pod_of

FROM_CLAIMS = {"uid_claim": "uidNumber", "gid_claim": "gidNumber"}


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield Site(make, tmp_path)


async def numbers(site: Site, homes: JsonObject, auth_state: JsonObject | None = None) -> list[Any]:
    """The user and group of each container of the pod."""
    pod = await pod_of(site.spawner(homes, auth_state=auth_state))
    containers = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    return [(row["securityContext"]["runAsUser"], row["securityContext"].get("runAsGroup")) for row in containers]


async def test_without_a_word_servers_run_as_the_hub_says(site: Site) -> None:
    assert await numbers(site, SHARED) == [(1000, 100), (1000, 100)]
    assert await numbers(site, CLAIM) == [(1000, None)]


async def test_everybody_may_have_the_same_numbers(site: Site) -> None:
    assert await numbers(site, {**SHARED, "ownership": {"uid": 2000, "gid": 50}}) == [(2000, 50), (2000, 50)]


@pytest.mark.parametrize(
    "auth_state",
    [
        {"uidNumber": 12345, "gidNumber": 3000},
        {"oauth_user": {"uidNumber": "12345", "gidNumber": "3000"}},
        {"user_attributes": {"uidNumber": ["12345"], "gidNumber": [3000]}},
        {"access_token": "x", "uidNumber": "12345", "oauth_user": {"gidNumber": 3000, "uidNumber": 7}},
    ],
)
@pytest.mark.parametrize("homes", [SHARED, CLAIM])
async def test_the_authenticator_may_say_the_numbers(site: Site, homes: JsonObject, auth_state: JsonObject) -> None:
    found = await numbers(site, {**homes, "ownership": FROM_CLAIMS}, auth_state)

    assert set(found) == {(12345, 3000)}


@pytest.mark.parametrize("auth_state", [None, {}, {"gidNumber": 3000}, {"oauth_user": {"uidNumber": None}}])
async def test_a_number_that_is_missing_is_told(site: Site, auth_state: JsonObject | None) -> None:
    with pytest.raises(Refusal) as caught:
        await numbers(site, {**SHARED, "ownership": FROM_CLAIMS}, auth_state)

    assert caught.value.reason == Reason.STORAGE
    assert caught.value.jupyterhub_message == (
        "Your home cannot be mounted: the sign-in does not tell your number as a user (uidNumber). "
        "Tell an administrator."
    )


async def test_a_number_that_is_missing_does_not_matter_for_what_is_foreseen(site: Site) -> None:
    spawner = site.spawner({**SHARED, "ownership": FROM_CLAIMS})
    spawner.foresees = True

    assert home_mounts(await pod_of(spawner))


@pytest.mark.parametrize(
    "number", [0, 999, "0", "-1", "1e4", "1000.5", 1000.5, True, [1000, 2000], 2**31, "9" * 5000, {}, "٣٠٠٠", ""]
)
async def test_a_number_that_cannot_be_a_users_is_told(site: Site, number: Any) -> None:
    with pytest.raises(Refusal, match="is no whole number from 1000 on"):
        await numbers(site, {**SHARED, "ownership": FROM_CLAIMS}, {"uidNumber": number, "gidNumber": 3000})


async def test_a_claim_may_be_given_to_a_group(site: Site) -> None:
    homes = {**CLAIM, "ownership": {"uid": 1000, "gid": 100, "fs_gid": 4000}}

    assert (await pod_of(site.spawner(homes)))["spec"]["securityContext"]["fsGroup"] == 4000


async def test_servers_that_mount_a_share_are_in_its_group(site: Site) -> None:
    share = {"slug": "share", "display_name": "Share", "mount_path": "/share", "claim": "share", "gid": 3001}

    spawner = site.spawner(SHARED, catalogue={"volumes": [share]}, supplemental_gids=lambda _spawner: [5, 3001])
    pod = await pod_of(spawner)

    assert pod["spec"]["securityContext"]["supplementalGroups"] == [5, 3001]
    assert (await pod_of(site.spawner(SHARED, catalogue={"volumes": [share]}, supplemental_gids=[7])))["spec"][
        "securityContext"
    ]["supplementalGroups"] == [7, 3001]
