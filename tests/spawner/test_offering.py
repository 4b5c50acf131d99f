from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.handlers.pages import SpawnHandler
from traitlets.config import Config

from genkan_hub import configure
from genkan_spawner import GenkanSpawner, Reason, Refusal
from genkan_spawner.offering import catalogue_source, team_namespaces
from genkan_spawner.origins import was_sent

from ..support.spawner import TOKEN, MakeSpawner, spawners
from .catalogues import LAB, RICH, SPEECH, VISION, joined
from .test_form import form

TAINT = {"key": "site", "operator": "Exists"}


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    async with spawners(tmp_path, monkeypatch) as (_, made):
        yield made


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    file = tmp_path / "rich.yaml"
    file.write_text(RICH)
    return file


class Database:
    """What JupyterHub keeps of one server."""

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        self.user_options = options
        self.commits = 0
        self.name = ""
        self.server = None

    def commit(self) -> None:
        self.commits += 1


class Whoever:
    """Something of a site that must not be copied."""

    def whoever(self, spawner: GenkanSpawner) -> str:
        return str(spawner.pod_name)


def request(kind: type, method: str = "POST", body: bytes = b"", **query: str) -> Any:
    """A request to the hub that starts a server."""
    handler: Any = object.__new__(kind)
    handler.request = SimpleNamespace(method=method, body=body, query_arguments={key: [] for key in query})
    return handler


async def manifest(spawner: GenkanSpawner) -> dict[str, Any]:
    """The pod as it would be sent to Kubernetes."""
    await spawner.load_user_options()
    pod: dict[str, Any] = spawner.api.api_client.sanitize_for_serialization(await spawner.get_pod_manifest())
    return pod


def change(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))
    catalogue_source(str(file))._looked_at = float("-inf")


@pytest.fixture
def site() -> Config:
    """A hub whose site has machines, taints, volumes and rules of its own."""
    c = Config()
    configure(c)
    c.KubeSpawner.node_selector = {"zone": "a", "pool": "any"}
    c.KubeSpawner.tolerations = [TAINT]
    c.KubeSpawner.node_affinity_required = [
        {"matchExpressions": [{"key": "arch", "operator": "In", "values": ["amd64"]}]},
        {"match_fields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
    ]
    c.KubeSpawner.extra_resource_limits = {"nvidia.com/gpu": "1"}
    return c


async def test_all_of_a_profile_is_in_the_pod(make: MakeSpawner, site: Config, rich: Path) -> None:
    choice = {"profile": "a100", "image": "plain", "priority": "normal", "team": "lab"}
    spawner = joined(make(site, catalogue_file=str(rich), user_options=choice), LAB)

    pod = await manifest(spawner)

    spec = pod["spec"]
    assert spawner.namespace == "team-lab"
    assert spawner.dns_name == "jupyter-alice.team-lab.svc.cluster.local"
    assert spec["priorityClassName"] == "genkan-normal"
    assert spec["nodeSelector"] == {"zone": "a", "pool": "gpu"}
    ours = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    assert [row for row in spec["tolerations"] if row["key"] in {"site", "nvidia.com/gpu"}] == [TAINT, ours]
    products = {
        "key": "nvidia.com/gpu.product",
        "operator": "In",
        "values": ["NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-80GB-PCIe"],
    }
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"] == [
        {"matchExpressions": [{"key": "arch", "operator": "In", "values": ["amd64"]}, products]},
        {
            "matchExpressions": [products],
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}],
        },
    ]
    (container,) = spec["containers"]
    assert container["image"] == "registry.example.org/plain:1"
    assert container["resources"]["limits"] == {"cpu": 8.0, "memory": 64 * 2**30, "nvidia.com/gpu": "1"}
    assert {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]} == {
        "/home/jovyan": "home",
        "/dev/shm": "shared-memory",  # noqa: S108  # a mount in the container
        "/data": "catalogue-data",
        "/fast": "catalogue-fast",
    }
    (data,) = [mount for mount in container["volumeMounts"] if mount["mountPath"] == "/data"]
    assert (data["subPath"], data["readOnly"]) == ("public/v1", True)
    sources = {volume.pop("name"): volume for volume in spec["volumes"]}
    assert sources["catalogue-data"] == {"persistentVolumeClaim": {"claimName": "data-sets"}}
    assert sources["catalogue-fast"] == {"emptyDir": {"sizeLimit": "100Gi"}}


async def test_a_start_leaves_nothing_behind_for_the_next(make: MakeSpawner, site: Config, rich: Path) -> None:
    cpu = {"profile": "cpu", "image": "plain"}
    used = joined(make(site, catalogue_file=str(rich), user_options={"profile": "a100", "priority": "burst"}), VISION)
    await manifest(used)
    assert used.namespace == "team-vision"

    used.clear_state()
    used.api_token = TOKEN
    joined(used, SPEECH).user_options = cpu
    fresh = joined(make(site, catalogue_file=str(rich), user_options=cpu), SPEECH)

    assert await manifest(used) == await manifest(fresh)
    assert used.namespace == fresh.namespace == "default"
    affinity = (await manifest(used))["spec"]["affinity"]["nodeAffinity"]
    assert "nvidia.com/gpu.product" not in str(affinity)


async def test_what_a_hook_sets_before_a_start_is_kept_and_does_not_pile_up(make: MakeSpawner, rich: Path) -> None:
    spawner = make(catalogue_file=str(rich), user_options={"profile": "a100"})
    for number in ("1", "2"):
        spawner.clear_state()
        spawner.environment["START"] = number
        await manifest(spawner)
        assert spawner.environment["START"] == number


async def test_functions_in_the_configuration_of_a_site_are_not_copied(make: MakeSpawner, rich: Path) -> None:
    spawner = make(catalogue_file=str(rich), user_options={"profile": "a100"})
    someone = Whoever()
    spawner.environment = {"WHO": someone.whoever}
    await manifest(spawner)
    spawner.clear_state()

    assert spawner.environment["WHO"].__self__ is someone


async def test_a_mount_of_the_site_for_shared_memory_gives_way(make: MakeSpawner, rich: Path) -> None:
    c = Config()
    c.KubeSpawner.volumes = [{"name": "dshm", "emptyDir": {"medium": "Memory"}}]
    c.KubeSpawner.volume_mounts = [{"name": "dshm", "mountPath": "/dev/shm", "subPath": "x"}]  # noqa: S108  # a mount

    gpu = await manifest(make(c, catalogue_file=str(rich), user_options={"profile": "a100"}))
    cpu = await manifest(make(c, catalogue_file=str(rich), user_options={"profile": "cpu"}))

    def at_shm(pod: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in pod["spec"]["containers"][0]["volumeMounts"] if row["mountPath"].endswith("/shm")]

    assert [row["name"] for row in at_shm(gpu)] == ["shared-memory"]
    assert "subPath" not in at_shm(gpu)[0]
    assert [row["name"] for row in at_shm(cpu)] == ["dshm"]


async def test_a_site_may_give_its_volumes_and_tolerations_by_name(make: MakeSpawner, rich: Path) -> None:
    c = Config()
    c.KubeSpawner.volumes = {"01": {"name": "own", "emptyDir": {}}}
    c.KubeSpawner.volume_mounts = {"01": {"name": "own", "mountPath": "/own"}}
    c.KubeSpawner.tolerations = {"01": TAINT}
    c.KubeSpawner.node_affinity_required = {"01": {"matchExpressions": [{"key": "arch", "operator": "Exists"}]}}

    spec = (await manifest(make(c, catalogue_file=str(rich), user_options={"profile": "a100"})))["spec"]

    assert "own" in {volume["name"] for volume in spec["volumes"]}
    assert "/own" in {mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    assert TAINT in spec["tolerations"]
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [[row["key"] for row in term["matchExpressions"]] for term in terms] == [["arch", "nvidia.com/gpu.product"]]


async def test_a_server_that_outlived_its_hub_returns_to_the_hubs_namespace(make: MakeSpawner, rich: Path) -> None:
    spawner = make(catalogue_file=str(rich))
    spawner.load_state({"pod_name": "jupyter-alice", "namespace": "team-lab"})
    assert spawner.namespace == "team-lab"

    spawner.clear_state()

    assert spawner.namespace == "default"
    assert spawner.dns_name == "jupyter-alice.default.svc.cluster.local"


@pytest.mark.parametrize(
    ("groups", "choice"),
    [
        ((), {"profile": "slice"}),
        ((SPEECH,), {"profile": "slice"}),
        ((VISION,), {"profile": "amd"}),
        ((VISION,), {"profile": "cpu", "image": "beta"}),
        ((VISION,), {"profile": "cpu", "priority": "urgent"}),
        ((VISION,), {"profile": "cpu", "team": "lab"}),
        ((), {"profile": "cpu", "team": "vision"}),
        ((LAB,), {"profile": "cpu", "image--unlisted-choice": "registry.example.org/own/a:1"}),
        ((SPEECH,), {"profile": "old", "image": "pytorch"}),
    ],
)
async def test_what_others_are_offered_is_refused(
    make: MakeSpawner, rich: Path, groups: tuple[str, ...], choice: dict[str, str]
) -> None:
    spawner = joined(make(catalogue_file=str(rich), user_options=choice), *groups)

    with pytest.raises(Refusal) as refused:
        await spawner.load_user_options()

    assert (refused.value.status_code, refused.value.reason) == (400, Reason.ACCESS)


async def test_an_administrator_starts_what_the_owner_of_the_server_is_offered(make: MakeSpawner, rich: Path) -> None:
    spawner = joined(make(catalogue_file=str(rich), user_options={"profile": "amd"}), VISION)
    groups = [SimpleNamespace(name=SPEECH)]
    administrator = SimpleNamespace(current_user=SimpleNamespace(admin=True, groups=groups))

    spawner.handler = administrator
    radios = [given["value"] for given in (await form(spawner)).every("input") if given["type"] == "radio"]
    spawner.handler = request(SpawnHandler)
    with pytest.raises(Refusal, match="There is no profile 'amd' here"):
        await spawner.load_user_options()

    assert radios == ["cpu", "a100", "slice", "old"]


async def test_form_and_start_each_look_at_the_groups_and_the_catalogue(make: MakeSpawner, rich: Path) -> None:
    spawner = joined(make(catalogue_file=str(rich)), VISION)
    assert "slice" in str((await form(spawner)).elements)
    spawner.user_options = {"profile": "slice"}

    joined(spawner)
    with pytest.raises(Refusal, match="There is no profile 'slice' here"):
        await spawner.load_user_options()

    joined(spawner, VISION).user_options = {"profile": "slice"}
    await spawner.load_user_options()
    change(rich, "slug: slice,", "slug: part,")
    with pytest.raises(Refusal, match="There is no profile 'slice' here"):
        await spawner.load_user_options()


async def test_a_remembered_choice_that_vanished_starts_with_what_is_left_of_it(make: MakeSpawner, rich: Path) -> None:
    choice = {"profile": "a100", "image": "plain", "priority": "normal"}
    database = Database(dict(choice))
    spawner = make(catalogue_file=str(rich), user_options=choice, orm_spawner=database)
    spawner.user.db = database
    change(rich, "slug: plain,", "slug: bare,")

    spawner.handler = request(UserServerAPIHandler)
    await spawner.load_user_options()

    assert spawner.image == "registry.example.org/pytorch:26.09"
    assert spawner.priority_class_name == "genkan-normal"
    assert spawner.user_options == database.user_options == {"profile": "a100", "priority": "normal"}
    assert database.commits == 1


async def test_a_sent_choice_that_is_refused_is_not_remembered(make: MakeSpawner, rich: Path) -> None:
    before = {"profile": "a100", "image": "plain"}
    database = Database(dict(before))
    spawner = make(catalogue_file=str(rich), user_options=before, orm_spawner=database)
    spawner.user.db = database

    spawner.handler = request(UserServerAPIHandler, body=b'{"user_options": {"profile": "forged"}}')
    database.user_options = spawner.user_options = {"profile": "forged"}
    with pytest.raises(Refusal, match="There is no profile 'forged' here"):
        await spawner.load_user_options()

    assert spawner.user_options == database.user_options == before
    assert database.commits == 1
    spawner.handler = None
    assert (await form(spawner)).selected["profile"] == "a100"


@pytest.mark.parametrize(
    ("handler", "sent"),
    [
        (None, True),
        (request(UserServerAPIHandler), False),
        (request(UserServerAPIHandler, body=b"{}"), False),
        (request(UserServerAPIHandler, body=b'{"display_name": "x"}'), False),
        (request(UserServerAPIHandler, body=b'{"user_options": null}'), False),
        (request(UserServerAPIHandler, body=b'{"user_options": {}}'), True),
        (request(UserServerAPIHandler, body=b'{"profile": "a"}'), True),
        (request(SpawnHandler), True),
        (request(SpawnHandler, "GET"), False),
        (request(SpawnHandler, "GET", next="/", display_name="a"), False),
        (request(SpawnHandler, "GET", profile="a"), False),
        (SimpleNamespace(), False),
    ],
)
def test_a_choice_was_sent_where_the_request_has_one(handler: Any, *, sent: bool) -> None:
    assert was_sent(handler) is sent


@pytest.mark.parametrize("name", ["image", "profile-option-a100--image"])
async def test_a_link_may_name_options_in_short(make: MakeSpawner, rich: Path, name: str) -> None:
    spawner = make(catalogue_file=str(rich))

    assert spawner.choice_of({"profile": ["a100"], name: ["plain"]}) == {"profile": "a100", "image": "plain"}


async def test_a_link_to_what_is_not_offered_is_refused_and_not_read_as_the_default(
    make: MakeSpawner, rich: Path
) -> None:
    spawner = make(catalogue_file=str(rich))

    with pytest.raises(Refusal, match="'nope' is not offered as image"):
        await spawner.options_from_form({"profile": ["cpu"], "image": ["nope"]})


async def test_the_places_of_all_teams_are_watched_those_of_a_changed_catalogue_too(
    make: MakeSpawner, rich: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = make(catalogue_file=str(rich))
    assert spawner.team_namespaces == {"team-vision", "team-lab"}
    view, followed = spawner.view, list[str]()
    monkeypatch.setattr(view.cache, "follow", followed.extend)
    rich.write_text(RICH.replace("team-lab", "team-new"))  # noqa: ASYNC240  # a file of the test's own
    catalogue_source(str(rich))._accept(*catalogue_source(str(rich))._read(None))

    assert spawner.view is view
    assert spawner.view is view
    assert followed == ["team-new"]


def test_a_catalogue_that_was_never_good_names_no_places(tmp_path: Path) -> None:
    assert team_namespaces(str(tmp_path / "none.yaml")) == frozenset()
