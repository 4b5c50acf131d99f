"""A hub that dies, or that cannot see the cluster: no server is lost, none is reported dead, and no GPU is leaked."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.exceptions import KubernetesError

from ..support.cluster import Cluster, cluster_of
from ..support.hub import Person
from ..support.sandbox import SandboxRun, sandbox_run
from .test_starts import refusal

CPU = {"profile": "cpu-small"}
IMAGE = "registry.example.org/genkan/pytorch:26.09"
TOLD_OF_MEMORY = re.compile(r"Your last server:</strong> The server [^<]*memory")
WITHIN = 120
ROUND = 2
"""Seconds between two polls of each server."""

CONFIG = f"""
c.GenkanSpawner.poll_interval = {ROUND}
c.GenkanSpawner.placing_timeout = 3
c.GenkanSpawner.mounting_timeout = 3

def odd(spawner, pod):
    # What no check can foresee: a program that fails, and a neighbour that does not exist.
    if spawner.user.name == "bob":
        pod.spec.containers[0].args = ["sh", "-c", "echo token=sesame No module named jupyterlab; exit 3"]
    if spawner.user.name == "dave":
        pod.spec.affinity = {{"podAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": [
            {{"labelSelector": {{"matchLabels": {{"app": "nowhere"}}}}, "topologyKey": "kubernetes.io/hostname"}}]}}}}
    return pod

c.GenkanSpawner.modify_pod_hook = odd
"""


@pytest.fixture(scope="module")
def run(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox of this module's own: nobody else likes their hub killed."""
    folder = tmp_path_factory.mktemp("failing")
    config = folder / "hub_config.py"
    config.write_text(CONFIG)
    with sandbox_run(folder / "state", "--site", "workstations", "--hub-config", str(config)) as run:
        run.wait_ready()
        yield run


@pytest.fixture
async def cluster(run: SandboxRun) -> AsyncIterator[Cluster]:
    async with cluster_of(run.ready) as cluster:
        yield cluster


@pytest.fixture
async def alice(run: SandboxRun) -> AsyncIterator[Person]:
    async with Person.visiting(run.url, run.user("alice")) as person:
        yield person


async def killed_and_back(run: SandboxRun, name: str) -> None:
    old = run.component(name)
    old.kill()
    async with asyncio.timeout(WITHIN):
        while run.pid(name) in {0, old.pid}:
            await asyncio.sleep(0.05)


async def hub_answers(person: Person) -> None:
    async with asyncio.timeout(WITHIN):
        while not (await person.page("health")).is_success:
            await asyncio.sleep(0.2)


async def cluster_answers(cluster: Cluster) -> None:
    """Wait until the API server says that it is ready: it answers earlier, but knows nobody's rights yet."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                await cluster.api.text("/readyz")
            except KubernetesError:
                await asyncio.sleep(0.2)
            else:
                return


async def test_servers_are_not_dead_because_the_cluster_cannot_be_read(
    run: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    await alice.start(**CPU)
    before = (await alice.servers())[""]["started"]
    server = run.component("kube-apiserver")
    server.suspend()
    try:
        await asyncio.sleep(3 * ROUND)
        assert (await alice.servers())[""]["ready"]
        assert await alice.run("20+22") == "42"
    finally:
        server.resume()
    assert (await alice.servers())[""]["started"] == before


async def test_the_form_opens_while_the_cluster_is_away_and_starts_go_on_after_it(
    run: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    await alice.page("spawn")
    server = run.component("kube-apiserver")
    server.kill()
    form = await alice.page("spawn")
    assert form.is_success, form.text
    await cluster_answers(cluster)
    await alice.start(**CPU)
    assert await alice.run("20+22") == "42"


async def hub_dies_while_it_starts(run: SandboxRun, person: Person, cluster: Cluster) -> None:
    """Have the hub killed while it follows the pod of a start, and come back."""
    await person.submit(profile="gpu-1", image="pytorch")
    async with asyncio.timeout(WITHIN):
        while not await cluster.pods_of(person.user.name):
            await asyncio.sleep(0.1)
    await killed_and_back(run, "hub")
    await hub_answers(person)


async def test_a_hub_that_dies_while_it_starts_a_server_takes_it_up_again(
    run: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    fault = await cluster.add_fault(FaultKind.SLOW_PULL, image=IMAGE, seconds=3600)
    await hub_dies_while_it_starts(run, alice, cluster)
    (before,) = await cluster.pods_of("alice")
    assert before["status"]["phase"] == "Pending"
    await cluster.heal(fault)
    await alice.until(ready=True, within=WITHIN)
    await alice.reach(within=WITHIN)
    assert await alice.run("20+22") == "42"
    (after,) = await cluster.pods_of("alice")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    await alice.stop()


async def test_a_start_of_a_dead_hub_that_cannot_go_on_leaves_no_pod_and_is_told_of(
    run: SandboxRun, alice: Person, cluster: Cluster
) -> None:
    slow = await cluster.add_fault(FaultKind.SLOW_PULL, image=IMAGE, seconds=3600)
    await hub_dies_while_it_starts(run, alice, cluster)
    greedy = await cluster.add_fault(FaultKind.OUT_OF_MEMORY, pod="jupyter-alice")
    await cluster.heal(slow)
    await cluster.until_no_pods_of("alice", within=WITHIN)
    async with asyncio.timeout(WITHIN):
        while not TOLD_OF_MEMORY.search((await alice.page("spawn")).text):
            await asyncio.sleep(0.2)
    await cluster.heal(greedy)
    await alice.start(**CPU)


async def test_storage_that_cannot_be_mounted_ends_the_start(alice: Person, cluster: Cluster) -> None:
    await cluster.add_fault(FaultKind.MOUNT_FAILURE, claim="home-alice")
    assert "The storage of this server cannot be mounted" in await refusal(alice, **CPU)
    await cluster.until_no_pods_of("alice")


async def test_a_server_that_needs_more_memory_than_it_has_is_told_so(alice: Person, cluster: Cluster) -> None:
    await cluster.add_fault(FaultKind.OUT_OF_MEMORY, pod="jupyter-alice")
    assert "memory" in await refusal(alice, **CPU)
    await cluster.until_no_pods_of("alice")


async def test_a_server_that_fails_again_and_again_ends_with_its_last_words(run: SandboxRun, cluster: Cluster) -> None:
    async with Person.visiting(run.url, run.user("bob")) as bob:
        page = await refusal(bob, **CPU)
        assert "with exit code 3" in page
        assert "No module named jupyterlab" in page
        assert "sesame" not in page
        await cluster.until_no_pods_of("bob")


async def test_a_pod_that_finds_no_place_in_time_ends_the_start(run: SandboxRun, cluster: Cluster) -> None:
    async with Person.visiting(run.url, run.user("dave")) as dave:
        assert "No machine has had room for this server." in await refusal(dave, **CPU)
        await cluster.until_no_pods_of("dave")
