"""Homes that are claims: what is asked for, and under which name they are found again."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from kubespawner.slugs import is_valid_label, safe_slug
from traitlets.config import Config

from genkan_hub import configure
from genkan_spawner import GenkanSpawner, Reason, Refusal
from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import OWNER
from genkan_spawner.homes import claims as module
from genkan_spawner.homes.claims import settle_claim
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.kubespawner_seam import claim_is_there, claim_manifest
from genkan_spawner.marks import SERVER_NAME, USER_NAME

from ...support.fake_cluster import FakeCluster
from ...support.spawner import spawners
from ..stage import Refusals, answered, unreachable
from .homes import CLAIM, Site, home_mounts, pod_of


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield Site(make, tmp_path)


def claim(name: str, *, of: str | None, server: str = "", label: str = "") -> JsonObject:
    """A claim as KubeSpawner makes it; without a user as an administrator may."""
    annotations = {} if of is None else {USER_NAME: of, **({SERVER_NAME: server} if server else {})}
    labels = (
        {}
        if of is None
        else {"component": "singleuser-storage", OWNER: label or safe_slug(of, is_valid=is_valid_label)}
    )
    return {"metadata": {"name": name, "namespace": "default", "annotations": annotations, "labels": labels}}


async def claimed(spawner: GenkanSpawner, *there: str, others: Mapping[str, str | None] = {}) -> str:
    """Return the claim that a pod mounts in a namespace where some of its user's are there, and some of `others`."""
    rows = (dict.fromkeys(there, spawner.user.name) | dict(others)).items()
    return await settled(spawner, holding(*(claim(made, of=user) for made, user in rows)))


def holding(*claims: JsonObject) -> FakeCluster:
    cluster = FakeCluster()
    for manifest in claims:
        cluster.put(CLAIMS, manifest)
    return cluster


async def settled(spawner: GenkanSpawner, cluster: FakeCluster) -> str:
    """Return the claim that a pod mounts."""
    spawner.foresees = True
    await spawner.load_user_options()
    await settle_claim(spawner, cluster)
    pod = spawner.api.api_client.sanitize_for_serialization(await spawner.get_pod_manifest())
    (mount,) = [row for row in pod["spec"]["containers"][0]["volumeMounts"] if row["mountPath"] == "/home/jovyan"]
    (volume,) = [row for row in pod["spec"]["volumes"] if row["name"] == mount["name"]]
    manifest = await claim_manifest(spawner)
    assert manifest is not None
    name: str = volume["persistentVolumeClaim"]["claimName"]
    assert manifest["metadata"]["name"] == name
    return name


async def test_a_new_claim_is_as_the_catalogue_has_it(site: Site) -> None:
    spawner = site.spawner({**CLAIM, "storage_class": "fast", "access_mode": "ReadWriteMany"})
    spawner.foresees = True
    pod = await pod_of(spawner)
    manifest = await claim_manifest(spawner)

    assert manifest is not None
    assert manifest["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "20Gi"}},
        "storageClassName": "fast",
    }
    assert home_mounts(pod) == [{"name": "genkan-home", "mountPath": "/home/jovyan"}]
    assert pod["spec"]["volumes"] == [{"name": "genkan-home", "persistentVolumeClaim": {"claimName": "home-alice"}}]


async def test_without_a_word_it_is_small_and_of_the_clusters_own_class(site: Site) -> None:
    spawner = site.spawner({"kind": "claim"})
    spawner.foresees = True
    await spawner.load_user_options()
    manifest = await claim_manifest(spawner)

    assert manifest is not None
    assert manifest["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}


@pytest.mark.parametrize("scheme", ["safe", "escape"])
async def test_a_new_name_does_not_depend_on_kubespawner(site: Site, scheme: str) -> None:
    assert await claimed(site.spawner(CLAIM, user="a.b", slug_scheme=scheme)) == (
        "home-a-b--fzztnxeoxkd66rzn6vumgvecvp"
    )


@pytest.mark.parametrize("scheme", ["safe", "escape"])
@pytest.mark.parametrize("name", ["home-a-2eb", "home-a-b---2e7336dc"])
async def test_a_claim_of_an_older_hub_is_found(site: Site, scheme: str, name: str) -> None:
    assert await claimed(site.spawner(CLAIM, user="a.b", slug_scheme=scheme), name) == name


async def test_a_claim_of_another_template_is_found(site: Site) -> None:
    config = Config()
    configure(config)
    config.GenkanSpawner.pvc_name_template = "claim-{username}"

    assert await claimed(site.spawner(CLAIM, config=config), "claim-alice") == "claim-alice"
    assert await claimed(site.spawner(CLAIM, config=config)) == "home-alice"


async def test_a_claim_that_is_remembered_is_found_after_a_hub_is_set_up_anew(site: Site) -> None:
    spawner = site.spawner(CLAIM)
    spawner.load_state({"pvc_name": "old-alice", "kubespawner_version": "7.1.0", "namespace": "default"})

    assert await claimed(spawner, "old-alice") == "old-alice"
    assert await claimed(spawner, "home-alice", "old-alice") == "old-alice"


async def test_the_claim_of_somebody_else_is_not_taken_under_an_earlier_name(site: Site) -> None:
    # That of the user lab-40, which KubeSpawner's earlier rules would have called lab@'s.
    spawner = site.spawner(CLAIM, user="lab@")
    proposed = await claimed(spawner)

    assert await claimed(spawner, others={"home-lab-40": "lab-40"}) == proposed != "home-lab-40"


async def test_the_claim_of_somebody_else_is_not_taken_for_that_of_a_named_server(site: Site) -> None:
    config = Config()
    configure(config)
    config.GenkanSpawner.pvc_name_template = "claim-{username}{servername}"
    spawner = site.spawner(CLAIM, user="a", server="b", config=config)

    assert await claimed(spawner, others={"claim-ab": "ab"}) == "home-a"


@pytest.mark.parametrize("template", ["claim-{user_server}", "claim-{username}--{servername}", "claim-{username}"])
async def test_a_named_server_has_the_home_of_the_default_one(site: Site, template: str) -> None:
    config = Config()
    configure(config)
    config.GenkanSpawner.pvc_name_template = template

    for server in ("", "b"):
        spawner = site.spawner(CLAIM, user="a", server=server, config=config)
        assert await claimed(spawner, "claim-a", "claim-a--b") == "claim-a"


@pytest.mark.parametrize(
    ("user", "there"),
    [
        pytest.param("lab-40", {"home-lab-40": "lab@"}, id="its own name, with another user's mark"),
        pytest.param("lab@", {"home-lab-40": None}, id="an earlier name, without any mark"),
    ],
)
async def test_where_it_is_not_known_whose_a_claim_is_nobody_gets_it(
    site: Site, user: str, there: dict[str, str | None]
) -> None:
    with pytest.raises(Refusal, match="home-lab-40") as caught:
        await claimed(site.spawner(CLAIM, user=user), others=there)

    assert caught.value.reason == Reason.STORAGE


async def test_a_claim_that_was_seen_need_not_be_looked_for_once_more(site: Site) -> None:
    spawner = site.spawner(CLAIM)
    await claimed(spawner, "home-alice")
    assert spawner.seen_claim == (spawner.namespace, "home-alice")
    await claimed(spawner)
    assert spawner.seen_claim is None


async def test_a_claim_that_an_administrator_made_is_taken(site: Site) -> None:
    assert await claimed(site.spawner(CLAIM), others={"home-alice": None}) == "home-alice"


async def test_in_each_namespace_there_is_one(site: Site) -> None:
    spawner = site.spawner(CLAIM)
    spawner.load_state({"pvc_name": "old-alice", "kubespawner_version": "7.1.0", "namespace": "default"})

    assert await claimed(spawner) == "home-alice"


async def test_what_was_found_is_remembered(site: Site) -> None:
    spawner = site.spawner(CLAIM, user="a.b")
    await claimed(spawner, "home-a-2eb")
    claim_is_there(spawner)
    state = spawner.get_state()
    spawner.clear_state()

    assert state["pvc_name"] == spawner.get_state()["pvc_name"] == "home-a-2eb"


async def test_without_a_word_on_homes_a_claim_of_kubespawner_6_is_in_the_pod(site: Site) -> None:
    spawner = site.spawner(None, user="a.b")
    spawner.load_state({"pod_name": "jupyter-a-2eb"})

    assert await claimed(spawner, "home-a-2eb") == "home-a-2eb"


async def test_a_claim_that_is_everybodys_is_not_asked_for(site: Site) -> None:
    config = Config()
    configure(config)
    config.GenkanSpawner.pvc_name_template = "everybody"
    spawner = site.spawner(None, config=config)
    cluster = FakeCluster()
    cluster.fails = Refusals("GET", "", [unreachable()], for_ever=True)
    await spawner.load_user_options()
    await settle_claim(spawner, cluster)

    assert spawner.pvc_name == "everybody"


async def test_without_a_word_on_homes_nobody_gets_the_claim_of_somebody_else_either(site: Site) -> None:
    # KubeSpawner's rules before version 7 called that of lab@ so.
    with pytest.raises(Refusal, match="home-lab-40 should be your home, and is marked as that of another user"):
        await claimed(site.spawner(None, user="lab-40"), others={"home-lab-40": "lab@"})

    assert await claimed(site.spawner(None, user="lab-40"), "home-lab-40") == "home-lab-40"


async def test_a_claim_under_a_name_that_no_rule_tells_is_found_by_its_mark(site: Site) -> None:
    spawner = site.spawner(CLAIM)
    spawner.load_state({"pvc_name": "files-of-alice", "kubespawner_version": "7.1.0", "namespace": "default"})
    cluster = holding(claim("files-of-alice", of="alice"), claim("files-of-bob", of="bob"))
    assert await settled(spawner, cluster) == "files-of-alice"

    # In the namespace of another team the name of the new claim there is remembered in its place.
    assert await settled(spawner, FakeCluster()) == "home-alice"
    claim_is_there(spawner)
    assert await settled(spawner, cluster) == "files-of-alice"


@pytest.mark.parametrize("label", ["a-2eb", safe_slug("a.b", is_valid=is_valid_label)])
async def test_marks_of_older_hubs_are_known_by_either_label(site: Site, label: str) -> None:
    spawner = site.spawner(CLAIM, user="a.b")

    assert await settled(spawner, holding(claim("files", of="a.b", label=label))) == "files"


async def test_a_mark_of_another_user_with_the_same_label_is_none(site: Site) -> None:
    spawner = site.spawner(CLAIM, user="lab@")

    assert (await settled(spawner, holding(claim("files", of="lab-40", label="lab-40")))).startswith("home-lab--")


async def test_of_marked_claims_that_of_the_default_server_comes_first_and_that_of_another_server_never(
    site: Site,
) -> None:
    cluster = holding(claim("files-b", of="a", server="b"))
    assert await settled(site.spawner(CLAIM, user="a"), cluster) == "home-a"
    assert await settled(site.spawner(CLAIM, user="a", server="c"), cluster) == "home-a"
    assert await settled(site.spawner(CLAIM, user="a", server="b"), cluster) == "files-b"
    cluster.put(CLAIMS, claim("files", of="a"))
    assert await settled(site.spawner(CLAIM, user="a", server="b"), cluster) == "files"


async def test_of_several_marked_claims_nobody_chooses(site: Site) -> None:
    with pytest.raises(Refusal, match="Your home may be any of files-1, files-2, and nothing says which"):
        await claimed(site.spawner(CLAIM), "files-2", "files-1")


async def test_a_hub_that_may_not_list_claims_makes_new_ones(site: Site) -> None:
    cluster = holding(claim("files", of="alice"))
    cluster.fails = Refusals("GET", "/persistentvolumeclaims", [answered(403)], for_ever=True)

    assert await settled(site.spawner(CLAIM), cluster) == "home-alice"


async def test_a_question_that_fails_for_a_passing_reason_is_asked_again(site: Site) -> None:
    cluster = holding(claim("home-alice", of="alice"))
    cluster.fails = Refusals("GET", "/home-alice", [unreachable(), answered(503)])

    assert await settled(site.spawner(CLAIM), cluster) == "home-alice"


async def test_a_cluster_that_does_not_answer_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIES_FOR", 0.0)
    cluster = FakeCluster()
    cluster.fails = Refusals("GET", "", [unreachable()], for_ever=True)

    with pytest.raises(Refusal) as caught:
        await settled(site.spawner(CLAIM, user="a.b"), cluster)

    assert caught.value.reason == Reason.UNAVAILABLE
