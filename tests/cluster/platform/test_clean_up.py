"""`genkan clean-up` as the chart's CronJob runs it, with the account and the rights that the chart gives it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from genkan_spawner.exceptions import NotFoundError
from genkan_spawner.kinds import CONFIG_MAPS, CRON_JOBS, PODS, SERVICE_ACCOUNTS

from ...support.cluster import Cluster
from ...support.sandbox import SandboxRun

ACCOUNT = "genkan-clean-up"


@pytest.fixture
async def kubeconfig(run: SandboxRun, cluster: Cluster, tmp_path: Path) -> Path:
    """A kubeconfig of the clean-up's own account."""
    assert run.ready is not None
    path = SERVICE_ACCOUNTS.path(namespace=cluster.namespace, name=ACCOUNT, subresource="token")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = (await cluster.api.request("POST", path, body=request))["status"]["token"]
    configuration = json.loads(run.ready.kubeconfig.read_text())
    configuration["users"][0]["user"] = {"token": token}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(configuration))
    return file


async def genkan(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from genkan_hub.cli import main; main()", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def ended(cluster: Cluster, name: str, *, phase: str = "Succeeded", namespace: str = "vision") -> str:
    code = "0" if phase == "Succeeded" else "3"
    command = ["sh", "-c", f"exit {code}"]
    await cluster.add_pod(name, namespace=namespace, simulate=False, command=command)
    await cluster.until_phase(name, phase, namespace=namespace)
    return name


async def is_there(cluster: Cluster, name: str, *, namespace: str = "vision") -> bool:
    try:
        await cluster.api.get(PODS, name, namespace=namespace)
    except NotFoundError:
        return False
    return True


async def owned(cluster: Cluster, name: str) -> None:
    """Give a pod an owner, as a Job's pods have."""
    owner = await cluster.add(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "vision"}}
    )
    reference = {
        "apiVersion": "v1",
        "kind": CONFIG_MAPS.name,
        "name": name,
        "uid": owner["metadata"]["uid"],
    }
    await cluster.api.patch(PODS, name, {"metadata": {"ownerReferences": [reference]}}, namespace="vision")


async def test_what_has_ended_goes_and_what_runs_or_has_an_owner_stays(cluster: Cluster, kubeconfig: Path) -> None:
    (container,) = (await cluster.api.get(CRON_JOBS, ACCOUNT, namespace=cluster.namespace))["spec"]["jobTemplate"][
        "spec"
    ]["template"]["spec"]["containers"]
    arguments = [word for word in container["args"] if not word.startswith("--finished-for")]
    await asyncio.gather(
        ended(cluster, "test-done"),
        ended(cluster, "test-failed", phase="Failed"),
        ended(cluster, "test-of-a-job"),
        ended(cluster, "test-elsewhere", namespace="default"),
        cluster.add_pod("test-running", namespace="vision"),
    )
    await owned(cluster, "test-of-a-job")
    base = [*arguments[1:], f"--kubeconfig={kubeconfig}"]

    assert arguments[0] == "genkan"
    assert await genkan(*base, "--finished-for=3600") == (0, "")
    code, told = await genkan(*base, "--finished-for=0", "--dry-run")
    assert (code, told.count("Would remove vision/test-")) == (0, 2)
    code, told = await genkan(*base, "--finished-for=0")

    assert (code, told.count("Removed vision/test-")) == (0, 2), told
    assert not await is_there(cluster, "test-done")
    assert not await is_there(cluster, "test-failed")
    assert await is_there(cluster, "test-of-a-job")
    assert await is_there(cluster, "test-running")
    assert await is_there(cluster, "test-elsewhere", namespace="default")


async def test_where_it_may_not_look_it_says_so(kubeconfig: Path) -> None:
    code, told = await genkan("clean-up", "--namespace=default", f"--kubeconfig={kubeconfig}")

    assert code == 5
    assert 'cannot list resource "pods"' in told
