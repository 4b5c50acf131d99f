"""Each component is killed while a user works; the sandbox mends itself and the user notices as little as can be."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import psutil
import pytest

from genkan_sandbox.supervision.leftovers import sandbox_processes
from genkan_spawner.api import KubernetesApi
from genkan_spawner.exceptions import KubernetesError

from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun, sandbox_run

CPU = {"profile": "cpu-small"}
WITHIN = 60


@pytest.fixture(scope="module")
def run(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox of this module's own: nobody else likes their API server killed."""
    with sandbox_run(tmp_path_factory.mktemp("supervised") / "state", "--site", "workstations") as run:
        run.wait_ready()
        yield run


@pytest.fixture
async def alice(run: SandboxRun) -> AsyncIterator[Person]:
    """A user with a server that computes."""
    async with Person.at(run.url, run.user("alice")) as person:
        if not (await person.servers()).get("", {}).get("ready"):
            await person.start(**CPU)
        yield person


async def killed_and_back(run: SandboxRun, name: str) -> None:
    """Kill a component and wait until another process has its place."""
    old = run.component(name)
    old.kill()
    async with asyncio.timeout(WITHIN):
        while run.pid(name) in {0, old.pid}:
            await asyncio.sleep(0.05)
    assert f"{name} ended (killed by SIGKILL); starting it again" in run.output


async def cluster_works(run: SandboxRun) -> None:
    """A pod can be created, is placed and runs: every part of the control plane has a hand in it."""
    assert run.ready is not None
    async with asyncio.timeout(WITHIN), await KubernetesApi.connect(run.ready.kubeconfig) as api:
        cluster = Cluster(api, namespace=run.ready.namespace)
        await patiently(lambda: cluster.add_pod("probe", resources={"cpu": "100m", "memory": "64Mi"}))
        await cluster.until_phase("probe", "Running")
        await cluster.clean_up()


async def patiently(work: Callable[[], Awaitable[object]]) -> None:
    """Try again while the component that was killed comes up."""
    while True:
        try:
            await work()
        except KubernetesError as e:
            if not e.passing:
                raise
            await asyncio.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"])
async def test_a_killed_part_of_the_control_plane_comes_back_and_servers_go_on(
    run: SandboxRun, alice: Person, name: str
) -> None:
    before = await alice.servers()
    await killed_and_back(run, name)
    assert await alice.run("20+22") == "42"
    await cluster_works(run)
    assert (await alice.servers())[""]["started"] == before[""]["started"]


async def test_a_killed_hub_comes_back_and_knows_its_servers(run: SandboxRun, alice: Person) -> None:
    before = await alice.servers()
    culler = [
        process for process in sandbox_processes(run.sandbox_id, component="hub") if "culler" in str(process.cmdline())
    ]
    assert len(culler) == 1
    await killed_and_back(run, "hub")
    async with asyncio.timeout(WITHIN):
        while not (await alice.page("health")).is_success:
            await asyncio.sleep(0.2)
    assert await alice.run("20+22") == "42"
    assert (await alice.servers())[""]["started"] == before[""]["started"]
    assert not culler[0].is_running() or culler[0].status() == psutil.STATUS_ZOMBIE


async def test_a_killed_proxy_comes_back_with_its_routes(run: SandboxRun, alice: Person) -> None:
    await killed_and_back(run, "proxy")
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                if (await alice.lab("GET", "api/status")).is_success:
                    break
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)
    assert await alice.run("20+22") == "42"


async def test_a_killed_node_agent_comes_back_and_its_pods_are_told_of(run: SandboxRun, alice: Person) -> None:
    assert run.ready is not None
    async with await KubernetesApi.connect(run.ready.kubeconfig) as api:
        cluster = Cluster(api, namespace=run.ready.namespace)
        (pod,) = await cluster.pods_of("alice")
        # The hub removes the pod as soon as it has ended.
        async with cluster.kept(pod["metadata"]["name"]) as name:
            await killed_and_back(run, "nodes")
            ended = await cluster.until_phase(name, "Failed")
        (container,) = ended["status"]["containerStatuses"]
        assert container["state"]["terminated"]["exitCode"] == 137
    await cluster_works(run)
    await alice.until(ready=False)
    await alice.start(**CPU)
    assert await alice.run("20+22") == "42"


async def test_a_killed_server_is_started_again_where_it_was(run: SandboxRun, alice: Person) -> None:
    servers = [process for process in run.processes() if "jupyterhub-singleuser" in " ".join(process.cmdline())]
    max(servers, key=lambda process: process.pid).kill()
    async with asyncio.timeout(WITHIN):
        while True:
            if (await alice.lab("GET", "api/status")).is_success:
                break
            await asyncio.sleep(0.2)
    assert await alice.run("20+22") == "42"
