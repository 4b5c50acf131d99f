import os
from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.agent.environment import ConfigurationError
from genkan_sandbox.agent.fields import Place
from genkan_sandbox.agent.host import search_path
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.mounts import MountedVolume
from genkan_sandbox.agent.preparation import PodContext, prepare
from genkan_sandbox.agent.processes import Launch, Pipes
from genkan_sandbox.agent.records import project_pod
from genkan_sandbox.agent.sandboxing import Isolation
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import UnreachableError
from genkan_spawner.kinds import SECRETS

from ...support.fake_cluster import FakeCluster
from .machines import machine
from .manifests import container, node_record, pod

GPUS = (("nvidia.com/gpu", ("GPU-1", "GPU-2")),)


async def launch(made: Machine, own: JsonObject, **spec: Any) -> Launch:
    raw = pod("jupyter-ann", containers=[own], **spec)
    place = Place(node_record(), pod_address="127.254.1.1", host_address="127.254.0.1")
    home = made.state / "volumes" / "pv"
    home.mkdir(parents=True, exist_ok=True)
    context = PodContext(project_pod(raw), raw, place, {"home": MountedVolume(home)}, {"notebook": GPUS})
    return await prepare(made, context, own)


def jailed(found: Launch) -> list[str]:
    assert found.jailed is not None
    return list(found.jailed(pipes=Pipes(status=7, arguments=8)))


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def plain(cluster: FakeCluster, tmp_path: Path) -> Machine:
    return machine(cluster, tmp_path)


@pytest.fixture
def walled(cluster: FakeCluster, tmp_path: Path) -> Machine:
    return machine(cluster, tmp_path, isolation=Isolation.BUBBLEWRAP)


async def test_the_environment_begins_with_what_images_have(walled: Machine) -> None:
    found = await launch(walled, container())

    assert found.environment == {
        "PATH": search_path(),
        "HOME": "/home/jovyan",
        "LANG": "C.UTF-8",
        "HOSTNAME": "jupyter-ann",
        "GENKAN_SANDBOX_ID": walled.sandbox,
        "GENKAN_SANDBOX_CONTAINER": "uid-jupyter-ann/notebook",
        "NVIDIA_VISIBLE_DEVICES": "GPU-1,GPU-2",
    }
    assert found.log == walled.state / "logs/pods/default_jupyter-ann_uid-jupyter-ann/notebook.log"


async def test_no_pod_can_take_the_marks_off_its_processes(plain: Machine) -> None:
    found = await launch(plain, container(env=[{"name": "GENKAN_SANDBOX_ID", "value": "x"}]))

    assert found.environment["GENKAN_SANDBOX_ID"] == plain.sandbox


async def test_what_the_pod_says_of_devices_wins(walled: Machine) -> None:
    found = await launch(walled, container(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]))

    assert found.environment["NVIDIA_VISIBLE_DEVICES"] == "void"


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({}, ["jupyterhub-singleuser"]),
        ({"args": ["jupyterhub-singleuser", "--debug"]}, ["jupyterhub-singleuser", "--debug"]),
        ({"command": ["sh", "-c"], "args": ["echo $(A) $$(A) $(B)"]}, ["sh", "-c", "echo 1 $(A) $(B)"]),
    ],
)
async def test_the_command(walled: Machine, fields: dict[str, Any], command: list[str]) -> None:
    found = jailed(await launch(walled, container(env=[{"name": "A", "value": "1"}], **fields)))

    assert found[found.index("--") + 1 :] == command


@pytest.mark.parametrize(
    ("of_pod", "own", "ids"),
    [
        ({}, {}, ("1000", "1000")),
        ({"fsGroup": 100}, {}, ("1000", "100")),
        ({"runAsUser": 7, "runAsGroup": 8, "fsGroup": 100}, {}, ("7", "8")),
        ({"runAsUser": 7}, {"runAsUser": 9, "runAsGroup": 10}, ("9", "10")),
        ({"runAsUser": 0}, {}, ("0", "1000")),
    ],
)
async def test_the_user_is_the_security_contexts(
    walled: Machine, of_pod: dict[str, int], own: dict[str, int], ids: tuple[str, str]
) -> None:
    found = jailed(await launch(walled, container(securityContext=own), securityContext=of_pod))

    assert (found[found.index("--uid") + 1], found[found.index("--gid") + 1]) == ids
    accounts = (walled.volumes.directory("uid-jupyter-ann") / f"passwd-{ids[0]}-{ids[1]}").read_text()
    assert f":x:{ids[0]}:{ids[1]}:" in accounts


async def test_the_working_directory_is_the_pods_or_the_home(walled: Machine) -> None:
    found = jailed(await launch(walled, container()))
    assert found[found.index("--chdir") + 1] == "/home/jovyan"
    found = jailed(await launch(walled, container(workingDir="/srv/x")))
    assert found[found.index("--chdir") + 1] == "/srv/x"
    found = jailed(await launch(walled, container(env=[{"name": "HOME", "value": "/home/ann"}])))
    assert found[found.index("--chdir") + 1] == "/home/ann"


async def test_a_home_that_is_no_path_is_no_home(walled: Machine) -> None:
    found = jailed(await launch(walled, container(env=[{"name": "HOME", "value": "ann:x\ny"}])))

    assert found[found.index("--chdir") + 1] == "/home/jovyan"


async def test_a_home_with_a_line_break_does_not_reach_the_accounts(walled: Machine) -> None:
    await launch(walled, container(env=[{"name": "HOME", "value": "/a\nroot::0:0::/:/bin/sh"}]))

    assert list(walled.volumes.directory("uid-jupyter-ann").glob("passwd-*")) == []


async def test_a_host_name_is_no_longer_than_the_kernel_allows(walled: Machine) -> None:
    found = await launch(walled, container(), hostname="")
    assert found.environment["HOSTNAME"] == "jupyter-ann"
    found = await launch(walled, container(), hostname="h" * 62 + ".x")
    assert found.environment["HOSTNAME"] == "h" * 62


async def test_without_bubblewrap_the_home_is_the_volumes_directory(plain: Machine) -> None:
    mount = [{"name": "home", "mountPath": "/home/jovyan"}]
    env = [{"name": "JUPYTERHUB_ROOT_DIR", "value": "/home/jovyan/work"}, {"name": "OTHER", "value": "/home/jovyanne"}]
    found = await launch(
        plain, container(volumeMounts=mount, env=env, command=["ls", "/home/jovyan/x", "--a=/home/jovyan"])
    )

    home = plain.state / "volumes" / "pv"
    assert found.directory == home
    assert found.environment["HOME"] == str(home)
    assert found.environment["JUPYTERHUB_ROOT_DIR"] == f"{home}/work"
    assert found.environment["OTHER"] == "/home/jovyanne"
    assert found.command == ["ls", f"{home}/x", "--a=/home/jovyan"]


async def test_without_bubblewrap_a_mount_above_the_home_holds_it(plain: Machine) -> None:
    found = await launch(plain, container(volumeMounts=[{"name": "home", "mountPath": "/home"}]))

    assert found.directory == plain.state / "volumes" / "pv" / "jovyan"
    assert found.directory is not None
    assert found.directory.is_dir()


async def test_without_a_volume_the_home_goes_with_the_pod(plain: Machine) -> None:
    found = await launch(plain, container(env=[{"name": "HOME", "value": "/root/../etc"}]))

    assert found.directory == plain.state / "pods" / "uid-jupyter-ann" / "home"


async def test_an_administrators_server_is_told_so(plain: Machine) -> None:
    found = await launch(plain, container())

    assert found.command == ["jupyterhub-singleuser", *(["--allow-root"] if os.geteuid() == 0 else [])]


async def test_values_that_are_no_text_stay_what_they_are(walled: Machine, cluster: FakeCluster) -> None:
    cluster.put(SECRETS, {"metadata": {"name": "keys"}, "data": {"k": "//4="}})
    env = [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}]

    assert os.fsencode((await launch(walled, container(env=env))).environment["K"]) == b"\xff\xfe"


async def test_a_server_that_does_not_answer_is_told_of(walled: Machine, cluster: FakeCluster) -> None:
    cluster.fails = lambda _method, _path: UnreachableError("The Kubernetes API server did not answer.")

    with pytest.raises(ConfigurationError, match="did not answer"):
        await launch(walled, container(envFrom=[{"secretRef": {"name": "keys"}}]))
