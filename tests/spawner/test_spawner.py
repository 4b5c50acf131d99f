import json
import logging
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.utils import format_exception
from kubernetes_asyncio.client.exceptions import ApiException
from traitlets import TraitError
from traitlets.config import Config

from genkan_hub import configure
from genkan_spawner import GenkanSpawner, Reason, Refusal
from genkan_spawner.spawner import _explanation

from ..support.golden import Golden
from ..support.kubernetes import FakeApiServer
from ..support.spawner import TOKEN, MakeSpawner, spawners

CATALOGUE = """\
hardware:
  - {slug: small, display_name: Small, cpu: 1, memory: 2Gi}
  - {slug: card, display_name: "<script>alert('x')</script>", description: "{{ 7 * 7 }} & <b>", cpu: 2, memory: 8Gi,
     gpu: {count: 1}, default: true}
images:
  - {slug: one, display_name: '"> <img src=x>', image: "registry.example.org/one:1"}
  - {slug: two, display_name: Two, image: "registry.example.org/two:1", default: true}
"""
POD_PATH = "/api/v1/namespaces/default/pods"


@pytest.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[FakeApiServer, MakeSpawner]]:
    async with spawners(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def server(api: tuple[FakeApiServer, MakeSpawner]) -> FakeApiServer:
    return api[0]


@pytest.fixture
def make(api: tuple[FakeApiServer, MakeSpawner]) -> MakeSpawner:
    return api[1]


@pytest.fixture
def configured() -> Config:
    c = Config()
    configure(c)
    return c


@pytest.fixture
def catalogue(tmp_path: Path) -> str:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE)
    return str(file)


async def manifest(spawner: GenkanSpawner) -> dict[str, Any]:
    """The pod as it would be sent to Kubernetes."""
    await spawner.load_user_options()
    pod: dict[str, Any] = spawner.api.api_client.sanitize_for_serialization(await spawner.get_pod_manifest())
    return pod


def environment(pod: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["value"] for row in pod["spec"]["containers"][0]["env"]}


class Form(HTMLParser):
    """What a browser would send, what a screen reader would read, and which elements there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._select: str | None = None
        self.selected: dict[str, str | None] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "select":
            self._select = given["name"]
        if tag == "option" and "selected" in given and self._select:
            self.selected[self._select] = given["value"]
        if tag == "input" and "checked" in given:
            self.selected["profile"] = given["value"]

    def handle_data(self, data: str) -> None:
        self.text += data

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.elements if name == tag]


async def form(spawner: GenkanSpawner) -> Form:
    return Form(await spawner.get_options_form())


def test_jupyterhub_finds_the_spawner_by_its_short_name() -> None:
    (entry,) = entry_points(group="jupyterhub.spawners", name="genkan")

    assert entry.load() is GenkanSpawner


async def test_a_server_with_a_gpu_becomes_this_pod(make: MakeSpawner, configured: Config, golden: Golden) -> None:
    pod = await manifest(make(configured, user_options={"profile": "gpu-1", "image": "jax"}))
    for name in ("env", "lifecycle"):
        del pod["spec"]["containers"][0][name]
    del pod["metadata"]["annotations"]

    golden.check("gpu_pod", pod)


async def test_a_server_without_gpus_neither_gets_nor_sees_any(make: MakeSpawner, configured: Config) -> None:
    configured.KubeSpawner.extra_resource_limits = {"nvidia.com/gpu": "1"}

    pod = await manifest(make(configured, user_options={"profile": "cpu-large"}))

    container = pod["spec"]["containers"][0]
    assert container["resources"] == {
        "limits": {"cpu": 4.0, "memory": 8 * 2**30},
        "requests": {"cpu": 4.0, "memory": 8 * 2**30},
    }
    assert environment(pod)["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert environment(pod)["OMP_NUM_THREADS"] == "4"
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["home"]


async def test_a_choice_leaves_nothing_behind_for_the_next(make: MakeSpawner, configured: Config) -> None:
    used = make(configured, user_options={"profile": "gpu-2"})
    await manifest(used)
    used.user_options = {"profile": "cpu-small"}
    assert await manifest(used) == await manifest(make(configured, user_options={"profile": "cpu-small"}))

    used.user_options = {"profile": "gpu-1"}
    assert await manifest(used) == await manifest(make(configured, user_options={"profile": "gpu-1"}))


async def test_pods_meet_the_restricted_standard_without_any_configuration(make: MakeSpawner) -> None:
    spec = (await manifest(make()))["spec"]

    assert spec["securityContext"] == {
        "fsGroup": 100,
        "fsGroupChangePolicy": "OnRootMismatch",
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsUser": 1000,
    }
    assert spec["automountServiceAccountToken"] is False


async def test_the_image_starts_the_server_through_its_own_entrypoint(make: MakeSpawner) -> None:
    container = (await manifest(make()))["spec"]["containers"][0]

    assert container["args"] == ["jupyterhub-singleuser"]
    assert "command" not in container


async def test_a_home_outlives_its_servers_and_its_user(make: MakeSpawner, server: FakeApiServer) -> None:
    spawner = make()

    await spawner.delete_forever()

    assert spawner.delete_pvc is False
    assert [request for request in server.requests if "persistentvolumeclaims" in request.path] == []


async def test_volumes_that_a_site_gives_as_a_list_stay(make: MakeSpawner) -> None:
    config = Config()
    config.KubeSpawner.volumes = [{"name": "data", "emptyDir": {}}]
    config.KubeSpawner.volume_mounts = [{"name": "data", "mountPath": "/data"}, {"name": "data", "mountPath": "/more"}]

    spec = (await manifest(make(config, user_options={"profile": "gpu-1"})))["spec"]

    assert {volume["name"] for volume in spec["volumes"]} == {"data", "shared-memory"}
    assert {mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]} == {"/data", "/more", "/dev/shm"}  # noqa: S108


async def test_the_form_offers_the_catalogue_in_its_order(make: MakeSpawner, catalogue: str) -> None:
    page = await form(make(catalogue_file=catalogue))

    assert [given["value"] for given in page.every("input")] == ["small", "card"]
    assert [given["name"] for given in page.every("select")] == [
        "profile-option-small--image",
        "profile-option-card--image",
    ]
    assert "1 CPU, 2 GB memory" in page.text
    assert page.text.index("CPU") < page.text.index("GPU")


async def test_names_of_the_catalogue_are_text_and_never_markup(make: MakeSpawner, catalogue: str) -> None:
    page = await form(make(catalogue_file=catalogue))

    assert {tag for tag, _ in page.elements} == {
        "div",
        "fieldset",
        "input",
        "label",
        "legend",
        "option",
        "select",
        "span",
        "style",
        "br",
    }
    assert "<script>alert('x')</script>" in page.text
    assert "{{ 7 * 7 }} & <b>" in page.text
    assert '"> <img src=x>' in page.text


async def test_every_field_of_the_form_has_a_label_and_every_reference_a_target(make: MakeSpawner) -> None:
    page = await form(make())
    ids = [given["id"] for _, given in page.elements if "id" in given]

    assert len(ids) == len(set(ids))
    assert {given["id"] for tag in ("input", "select") for given in page.every(tag)} == {
        given["for"] for given in page.every("label")
    }
    assert {given["aria-describedby"] for given in page.every("input")} <= set(ids)
    assert len(page.every("fieldset")) == len(page.every("legend"))
    assert page.every("script") == []


@pytest.mark.parametrize(
    ("saved", "selected"),
    [
        ({}, ("card", "two")),
        ({"profile": "small", "image": "one"}, ("small", "one")),
        ({"profile": "small", "image": "gone"}, ("small", "two")),
        ({"profile": "gone", "image": "one"}, ("card", "two")),
        ({"profile": ["small"]}, ("card", "two")),
    ],
)
async def test_the_last_choice_is_preselected_and_a_vanished_one_does_no_harm(
    make: MakeSpawner, catalogue: str, saved: dict[str, Any], selected: tuple[str, str]
) -> None:
    page = await form(make(catalogue_file=catalogue, user_options=saved))

    profile, image = selected
    assert page.selected["profile"] == profile
    assert page.selected[f"profile-option-{profile}--image"] == image
    assert len(page.selected) == 3


async def test_what_the_form_sends_can_be_started(make: MakeSpawner, catalogue: str) -> None:
    spawner = make(catalogue_file=catalogue)
    sent = {name: [value] for name, value in (await form(spawner)).selected.items()}

    spawner.user_options = spawner.run_options_from_form(sent)

    assert spawner.user_options == {"profile": "card", "image": "two"}
    assert (await manifest(spawner))["spec"]["containers"][0]["image"] == "registry.example.org/two:1"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"profile": "gpu-9"}, "There is no profile 'gpu-9' here (offered: cpu-small, cpu-large, gpu-1, gpu-2)."),
        (
            {"profile": "gpu-1", "image": "evil:latest"},
            "'evil:latest' is not offered as image on 1 GPU (offered: scipy, pytorch, jax).",
        ),
        (
            {"profile": "gpu-1", "image--unlisted-choice": "evil:latest"},
            "'image--unlisted-choice' is nothing that can be chosen here (offered: profile, image).",
        ),
    ],
)
async def test_a_forged_choice_is_refused_before_anything_is_created(
    make: MakeSpawner, server: FakeApiServer, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await make(user_options=options).load_user_options()

    assert refused.value.status_code == 400
    assert refused.value.reason == Reason.ACCESS
    assert format_exception(refused.value) == (sentence, None)
    assert server.requests == []


async def test_where_nothing_is_offered_nothing_starts(make: MakeSpawner) -> None:
    with pytest.raises(Refusal, match="Nothing is offered to you on this hub"):
        await make(profile_list=[]).load_user_options()


async def test_jupyterhub_takes_the_choice_for_handled(make: MakeSpawner, caplog: pytest.LogCaptureFixture) -> None:
    spawner = make(user_options={"profile": "gpu-1"})
    spawner.log.propagate = True

    await spawner._run_apply_user_options(spawner.user_options)

    assert caplog.records == []


def test_a_broken_catalogue_is_a_configuration_error_with_its_places(make: MakeSpawner, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE.replace("cpu: 1,", "cpu: one,"))

    with pytest.raises(TraitError, match=r"catalogue\.yaml:2:45: hardware\[0\]\.cpu: 'one' is no quantity"):
        make(catalogue_file=str(file))


@pytest.mark.parametrize("status", [403, 422, 500])
async def test_a_pod_that_kubernetes_refuses_is_logged_without_its_manifest(
    make: MakeSpawner, server: FakeApiServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    spawner = make()
    spawner.log = logging.getLogger("test")
    await spawner.load_user_options()
    server.failures.append((status, "exceeded quota"))

    with caplog.at_level(logging.DEBUG), pytest.raises(ApiException):
        await spawner._make_create_pod_request(await spawner.get_pod_manifest(), 5)

    assert TOKEN in json.dumps(server.requests[0].body), "the manifest holds the token"
    assert TOKEN not in caplog.text
    assert "Kubernetes does not create pod default/jupyter-alice: because of exceeded quota" in caplog.text


async def test_a_pod_is_created_by_one_request(make: MakeSpawner, server: FakeApiServer) -> None:
    spawner = make()
    await spawner.load_user_options()

    assert await spawner._make_create_pod_request(await spawner.get_pod_manifest(), 5)
    assert [(request.method, request.path) for request in server.requests] == [("POST", POD_PATH)]


async def test_a_request_without_an_answer_is_made_again(make: MakeSpawner) -> None:
    spawner = make()
    await spawner.load_user_options()

    assert not await spawner._make_create_pod_request(await spawner.get_pod_manifest(), 0)


async def test_a_pod_that_is_left_over_makes_room_for_the_new_one(make: MakeSpawner, server: FakeApiServer) -> None:
    stopped: list[bool] = []

    async def stop(now: bool = False) -> None:  # noqa: FBT002  # JupyterHub's own signature
        stopped.append(now)

    spawner = make()
    spawner.stop = stop
    await spawner.load_user_options()
    server.failures.append((409, "AlreadyExists"))

    assert not await spawner._make_create_pod_request(await spawner.get_pod_manifest(), 5)
    assert stopped == [True]


@pytest.mark.parametrize("body", [None, b"", b"<html>", b"[]", b"{}"])
def test_an_answer_that_is_not_kubernetes_is_told_by_its_code(body: bytes | None) -> None:
    error = ApiException(status=502, reason="Bad Gateway")
    error.body = body

    assert _explanation(error) == "502 Bad Gateway"
