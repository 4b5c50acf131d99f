"""What a process of a pod can do to the machine, to the sandbox and to other pods: nothing."""

import asyncio
import os
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path

import pytest

from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import PODS

from ..support.cluster import Cluster
from ..support.sandbox import SandboxRun, sandbox_run
from ..support.shells import HOME, WAIT, Shells, container_status, home_on, waiting

pytestmark = pytest.mark.usefixtures("bubblewrap")

WRITABLE_FOR_MANY = ("/", "/dev", "/etc", "/home", "/opt", "/root", "/run", "/tmp", "/usr", "/usr/bin", "/var")  # noqa: S108  # seen from inside


async def test_a_process_is_an_ordinary_user_without_capabilities(shells: Shells) -> None:
    ended = await shells.run("id -un; id -u; id -g; grep -E '^(CapPrm|CapEff|NoNewPrivs)' /proc/self/status")
    name, user, group, *lines = ended.log.splitlines()
    assert (name, user, group) == ("jovyan", "1000", "1000")
    assert [int(line.split()[1], 16) for line in lines] == [0, 0, 1]


async def test_the_state_of_the_sandbox_cannot_be_seen(shells: Shells, sandbox: SandboxRun) -> None:
    state = sandbox.state.resolve()
    assert (state / "admin.kubeconfig").exists()
    wanted = [state / "admin.kubeconfig", state / "tokens.csv", state / "etcd", state / "volumes", state / "logs"]
    ended = await shells.run(" ".join(["ls -d", *map(str, wanted), "2>/dev/null; true"]))
    assert ended.log == ""


async def test_the_machines_homes_and_secrets_cannot_be_read(shells: Shells, tmp_path: Path) -> None:
    home = Path.home()
    assert home.is_dir()
    ended = await shells.run(
        f"exec 2>/dev/null; ls -A {home} {HOME} /run {tmp_path}; cat /etc/shadow /etc/gshadow; true"
    )
    lines = {line for line in ended.log.splitlines() if line and not line.endswith(":")}
    # A Python that is installed in the home has to be seen, and only that.
    python = {
        Path(path).relative_to(home).parts[0] for path in (sys.prefix, sys.base_prefix) if home in Path(path).parents
    }
    assert lines <= python


async def test_another_pods_home_cannot_be_found(shells: Shells, sandbox: SandboxRun) -> None:
    word = uuid.uuid4().hex
    await shells.add_claim("test-home")
    pod = await shells.begin(f"echo {word} > {HOME}/diary; echo written; {WAIT}", **home_on("test-home"))
    await shells.until_written(pod, "written")
    state = sandbox.state.resolve()
    found = await shells.run(f"grep -rls {word} /home /tmp /run /var /proc/[0-9]*/root/home {state}; true")
    assert found.log == ""
    assert word in {file.read_text().strip() for file in state.glob("volumes/*/diary")}


async def test_other_processes_cannot_be_seen(shells: Shells) -> None:
    await shells.begin(WAIT)
    ended = await shells.run("cat /proc/[0-9]*/comm")
    assert set(ended.log.split()) <= {"sh", "dash", "bash", "cat"}


async def test_nothing_can_be_written_outside_a_pods_volumes(shells: Shells, sandbox: SandboxRun) -> None:
    name = f"genkan-{uuid.uuid4().hex}"
    places = [*WRITABLE_FOR_MANY, sys.prefix, f"{sys.prefix}/bin", str(sandbox.state)]
    ended = await shells.run("".join(f"touch {place}/{name}; " for place in places) + "true")
    assert ended.phase == "Succeeded"
    assert left_behind(places, name) == []


def left_behind(places: Iterable[str], name: str) -> list[str]:
    return [place for place in places if Path(place, name).exists()]


async def test_a_volume_that_is_mounted_to_be_read_cannot_be_written(shells: Shells) -> None:
    mount = {"name": "scratch", "mountPath": "/data", "readOnly": True}
    ended = await shells.run(
        "(touch /data/file) 2>/dev/null || echo refused",
        volumes=[{"name": "scratch", "emptyDir": {}}],
        container={"volumeMounts": [mount]},
    )
    assert ended.log == "refused\n"


async def test_a_part_of_a_volume_above_it_is_refused_by_the_api(cluster: Cluster) -> None:
    mount = {"name": "scratch", "mountPath": "/data", "subPath": "../../etc"}
    with pytest.raises(KubernetesError, match=r"must not contain '\.\.'"):
        await cluster.add_pod(
            volumes=[{"name": "scratch", "emptyDir": {}}], container={"volumeMounts": [mount], "command": ["true"]}
        )


async def test_no_part_of_a_volume_leads_out_of_it(shells: Shells, cluster: Cluster) -> None:
    await shells.add_claim("test-home")
    made = await shells.run(f"ln -s /etc {HOME}/link; mkdir {HOME}/inside", **home_on("test-home"))
    assert made.phase == "Succeeded"

    async def refused(part: str) -> str:
        mount = {"name": "home", "mountPath": "/data", "subPathExpr": "$(PART)"}
        env = [{"name": "PART", "value": part}]
        pod = await shells.start("ls /data", env=env, **home_on("test-home") | {"container": {"volumeMounts": [mount]}})
        found = await cluster.until(
            PODS,
            pod["metadata"]["name"],
            lambda pod: waiting(pod, "CreateContainerConfigError"),
            namespace=cluster.namespace,
        )
        return str(container_status(found)["state"]["waiting"]["message"])

    parts = ("../../../../etc", "/etc", "link", "link/new", "inside/../../..")
    told = await asyncio.gather(*map(refused, parts))
    assert told == [
        "unable to provision SubPath `../../../../etc`: must not contain '..'",
        "error SubPath `/etc` must not be an absolute path",
        'failed to prepare subPath for volumeMount "home" of container "main"',
        'failed to create subPath directory for volumeMount "home" of container "main"',
        "unable to provision SubPath `inside/../../..`: must not contain '..'",
    ]


def test_each_start_tells_anew_whether_servers_are_kept_apart(binaries: None, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with sandbox_run(tmp_path / "state", "--no-hub", "--site", "empty") as run:
        run.wait_ready()
        assert "processes kept apart by bubblewrap" in run.output
        run.stop()
        run.environment = {"PATH": f"{broken.parent}:{os.environ['PATH']}"}
        run.start()
        run.wait_ready()
        assert "processes that are not kept apart" in run.output
