"""The live view of a real cluster, with the rights that the hub has and with fewer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.sites import load_site
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.projection import pod_record
from genkan_spawner.cluster.snapshot import Snapshot, Source
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import PODS
from genkan_spawner.watching import ChangeType

from ..support.accounts import RULES, Account
from ..support.cluster import WITHIN, Cluster
from ..support.sandbox import SandboxRun, sandbox_run

SOON = 1.0
"""Seconds within which a change is seen."""

EVERYTHING = tuple(Source)
GPU = "nvidia.com/gpu"


class Counting(KubernetesApi):
    """The API, with a note of each watch that is opened."""

    def __init__(self, api_client: Any) -> None:
        super().__init__(api_client)
        self.watches: list[str] = []
        self.requests = 0

    def stream(self, path: str, *, query: Any, silence: float) -> Any:
        self.requests += 1
        if "watch" in query:
            self.watches.append(path)
        return super().stream(path, query=query, silence=silence)


@pytest.fixture
async def account(cluster: Cluster) -> Account:
    account = Account(cluster, await cluster.add_namespace())
    await account.create()
    return account


@pytest.fixture
async def hub_api(sandbox: SandboxRun, account: Account, tmp_path: Path) -> AsyncIterator[Counting]:
    """The API as a hub has it that may read everything in all namespaces."""
    await account.may_read(*RULES)
    async with await Counting.connect(await account.kubeconfig(sandbox, tmp_path)) as api:
        yield api


@pytest.fixture
async def cache(hub_api: Counting) -> AsyncIterator[ClusterCache]:
    async with ClusterCache(hub_api) as cache:
        assert await cache.wait_ready(WITHIN)
        yield cache


async def until(cache: ClusterCache, holds: Callable[[Snapshot], bool], *, within: float = WITHIN) -> Snapshot:
    """Wait for a snapshot that is as wanted."""
    found = cache.snapshot()
    try:
        async with asyncio.timeout(within):
            while not holds(found := cache.snapshot()):
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"After {within} s this is not as wanted: {found}") from None
    return found


def pods_on(snapshot: Snapshot, node: str) -> set[tuple[str, str]]:
    return {(pod.namespace, pod.name) for pod in snapshot.nodes[node].pods}


async def test_the_nodes_of_the_site_are_there_with_what_they_offer(cache: ClusterCache) -> None:
    snapshot = cache.snapshot()
    assert snapshot.knows(*EVERYTHING)
    assert not any(health.partial for health in snapshot.health.values())
    for pool in load_site("datacenter").pools:
        for index in range(pool.count):
            node = snapshot.nodes[pool.node_name(index)].node
            assert node.ready
            offered = {name: amount for name, amount in node.allocatable.items() if "/" in name}
            assert offered == {name: amount * 1000 for name, amount in pool.offered.items()}


async def test_the_pod_of_somebody_else_is_seen_at_once_and_on_its_node(cluster: Cluster, cache: ClusterCache) -> None:
    namespace = await cluster.add_namespace()
    node = await cluster.add_node()
    heard: list[tuple[ChangeType, str]] = []
    cache.subscribe(
        lambda change, raw: (
            heard.append((change, raw["status"]["phase"])) if raw["metadata"]["namespace"] == namespace else None
        )
    )
    await cluster.add_pod(
        "foreign", namespace=namespace, resources={"cpu": "500m", "memory": "64Mi"}, nodeSelector=on(node)
    )
    snapshot = await until(cache, lambda seen: bool(pods_on(seen, node)), within=SOON)
    assert pods_on(snapshot, node) == {(namespace, "foreign")}
    assert snapshot.nodes[node].used == {"cpu": 500, "memory": 64 * 2**20 * 1000, "pods": 1000}
    await cluster.until_phase("foreign", "Running", namespace=namespace)
    async with asyncio.timeout(SOON):
        while (ChangeType.MODIFIED, "Running") not in heard:
            await asyncio.sleep(0.01)
    await cluster.api.delete(PODS, "foreign", namespace=namespace, grace_seconds=0)
    await until(cache, lambda seen: not pods_on(seen, node))


def on(node: str) -> dict[str, str]:
    return {"kubernetes.io/hostname": node}


async def test_a_pod_without_a_place_waits_with_its_demand(cluster: Cluster, cache: ClusterCache) -> None:
    namespace = await cluster.add_namespace()
    await cluster.add_pod("large", namespace=namespace, resources={"cpu": "1", "memory": "1Gi", GPU: "64"})
    snapshot = await until(cache, lambda seen: waiting(seen, namespace) != [], within=SOON)
    (pod,) = [found for found in snapshot.pending if found.namespace == namespace]
    assert pod.requests[GPU] == 64_000
    assert pod.demand is not None


def waiting(snapshot: Snapshot, namespace: str) -> list[str]:
    return [pod.name for pod in snapshot.pending if pod.namespace == namespace]


async def test_a_quota_shows_what_is_used(cluster: Cluster, cache: ClusterCache) -> None:
    namespace = await cluster.add_namespace()
    await cluster.add_quota({"requests.cpu": "2", "pods": "3"}, namespace=namespace)
    await until(cache, lambda seen: namespace in seen.quotas, within=SOON)
    await cluster.add_pod("one", namespace=namespace, resources={"cpu": "1500m", "memory": "64Mi"})
    await until(cache, lambda seen: seen.quotas[namespace][0].used == {"requests.cpu": 1500, "pods": 1000}, within=SOON)


async def test_an_assumed_pod_is_there_until_the_real_one_is(cluster: Cluster, cache: ClusterCache) -> None:
    namespace = await cluster.add_namespace()
    manifest: JsonObject = {
        "metadata": {"name": "mine", "namespace": namespace, "uid": "made-up"},
        "spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}]},
    }
    record = pod_record(manifest)
    assert record is not None
    cache.assume(record)
    assert cache.snapshot().assumed == (record,)
    await cluster.add_pod("mine", namespace=namespace, resources={"cpu": "1", "memory": "64Mi"})
    await until(cache, lambda seen: not seen.assumed, within=SOON)


async def test_twenty_that_look_are_one_watch_per_kind(hub_api: Counting, cache: ClusterCache) -> None:
    async def look() -> None:
        for _ in range(10):
            assert cache.snapshot().knows(*EVERYTHING)
            await asyncio.sleep(0.01)

    async with asyncio.timeout(WITHIN):
        while len(hub_api.watches) < len(EVERYTHING):
            await asyncio.sleep(0.01)
    before = hub_api.requests
    await asyncio.gather(*(look() for _ in range(20)))
    assert hub_api.requests == before
    assert sorted(path.rpartition("/")[2] for path in hub_api.watches) == sorted(EVERYTHING)


async def test_a_kind_of_which_nothing_changes_stays_known(hub_api: Counting) -> None:
    """Without a bookmark in time, the watch is opened again and the kind stays healthy all the while."""
    async with ClusterCache(hub_api, silence=1) as cache:
        assert await cache.wait_ready(WITHIN)
        async with asyncio.timeout(WITHIN):
            while sum("priorityclasses" in path for path in hub_api.watches) < 4:
                assert cache.snapshot().knows(*EVERYTHING)
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("missing", list(RULES))
async def test_a_kind_without_rights_is_unknown_until_they_are_given(
    sandbox: SandboxRun, account: Account, tmp_path: Path, missing: str
) -> None:
    source = Source(missing)
    await account.may_read(*(kind for kind in RULES if kind != missing))
    async with account.api(sandbox, tmp_path) as api, ClusterCache(api) as cache:
        await cache.wait_ready(WITHIN)
        snapshot = await until(cache, lambda seen: seen.knows(*(other for other in EVERYTHING if other is not source)))
        health = snapshot.health[source]
        assert (health.loaded, health.healthy) == (False, False)
        assert health.problem.startswith(f"The {missing} cannot be read: the hub lacks the right.")
        await account.may_read(*RULES)
        await until(cache, lambda seen: seen.knows(*EVERYTHING))


async def test_with_rights_in_namespaces_only_those_are_seen(
    sandbox: SandboxRun, cluster: Cluster, account: Account, tmp_path: Path
) -> None:
    team, other = await cluster.add_namespace(), await cluster.add_namespace()
    namespaced = ("pods", "resourcequotas", "limitranges", "persistentvolumeclaims")
    await account.may_read(*(kind for kind in RULES if kind not in namespaced))
    await account.may_read_in(team, *namespaced)
    async with account.api(sandbox, tmp_path) as api, ClusterCache(api, namespaces=[team]) as cache:
        await cache.wait_ready(WITHIN)
        snapshot = await until(cache, lambda seen: seen.knows(*EVERYTHING))
        assert snapshot.health[Source.PODS].partial
        assert snapshot.health[Source.QUOTAS].partial
        for namespace in (other, team):
            await cluster.add_pod(namespace=namespace, resources={"cpu": "1", "memory": "64Mi", GPU: "64"})
        await until(cache, lambda seen: len(waiting(seen, team)) == 1, within=SOON)
        assert waiting(cache.snapshot(), other) == []


@pytest.fixture(scope="module")
def own_sandbox(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox of this module's own: nobody else likes their API server killed."""
    with sandbox_run(tmp_path_factory.mktemp("killed") / "state", "--site", "workstations") as run:
        run.wait_ready()
        yield run


async def test_an_api_server_that_is_killed_is_outlived(own_sandbox: SandboxRun) -> None:
    run = own_sandbox
    assert run.ready is not None
    async with await KubernetesApi.connect(run.ready.kubeconfig) as api, ClusterCache(api) as cache:
        assert await cache.wait_ready(WITHIN)
        before = cache.snapshot()
        old = run.component("kube-apiserver")
        old.kill()
        async with asyncio.timeout(WITHIN):
            while run.pid("kube-apiserver") in {0, old.pid}:
                await asyncio.sleep(0.05)
        assert list(cache.snapshot().nodes) == list(before.nodes)
        cluster = Cluster(api, namespace=run.ready.namespace)
        try:
            async with asyncio.timeout(WITHIN):
                while not await created(cluster, "after"):
                    await asyncio.sleep(0.1)
            await until(cache, lambda seen: "after" in pod_names(seen) and seen.knows(*EVERYTHING))
        finally:
            await cluster.clean_up()


async def created(cluster: Cluster, name: str) -> bool:
    """Create a pod, or tell that the API server is not up yet."""
    try:
        await cluster.add_pod(name, resources={"cpu": "100m", "memory": "64Mi"})
    except KubernetesError as e:
        if not e.passing:
            raise
        return False
    return True


def pod_names(snapshot: Snapshot) -> set[str]:
    bound = {pod.name for view in snapshot.nodes.values() for pod in view.pods}
    return bound | {pod.name for pod in snapshot.pending}
