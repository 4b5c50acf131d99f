from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.utils import format_exception
from traitlets import TraitError
from traitlets.config import Config

from genkan_hub import configure
from genkan_spawner import GenkanSpawner, Reason, Refusal

from ..support.golden import Golden
from ..support.kubernetes import FakeApiServer
from ..support.spawner import MakeSpawner, spawners

CATALOGUE = """\
hardware: [{slug: small, display_name: Small, cpu: 1, memory: 2Gi}]
images: [{slug: one, display_name: One, image: "registry.example.org/one:1"}]
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


async def manifest(spawner: GenkanSpawner) -> dict[str, Any]:
    """The pod as it would be sent to Kubernetes."""
    await spawner.load_user_options()
    pod: dict[str, Any] = spawner.api.api_client.sanitize_for_serialization(await spawner.get_pod_manifest())
    return pod


def environment(pod: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["value"] for row in pod["spec"]["containers"][0]["env"]}


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


@pytest.mark.parametrize(("when_full", "seconds"), [("wait", 300 + 3600), ("refuse", 300)])
async def test_who_waits_for_a_turn_has_the_time_of_a_start_after_it(
    make: MakeSpawner, tmp_path: Path, *, when_full: str, seconds: int
) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE.replace("memory: 2Gi", f"memory: 2Gi, when_full: {when_full}"))
    spawner = make(catalogue_file=str(file), start_timeout=300, waiting_timeout=3600.0)

    for _ in range(2):
        await spawner._run_apply_user_options({"profile": "small"})
        assert spawner.start_timeout == seconds, "what an earlier attempt was granted is not granted again"

    spawner.clear_state()
    assert spawner.start_timeout == 300


def test_a_broken_catalogue_is_a_configuration_error_with_its_places(make: MakeSpawner, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE.replace("cpu: 1,", "cpu: one,"))

    with pytest.raises(TraitError, match=r"catalogue\.yaml:1:52: hardware\[0\]\.cpu: 'one' is no quantity"):
        make(catalogue_file=str(file))
