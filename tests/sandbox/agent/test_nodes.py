import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from genkan_sandbox.agent import nodes
from genkan_sandbox.agent.faults import FaultBoard, fault_entry
from genkan_sandbox.agent.nodes import LEASE_NAMESPACE, NodeKeeper
from genkan_sandbox.agent.records import Endpoint, NodeRecord, project_node
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import UnreachableError
from genkan_spawner.kinds import LEASES, NODES
from genkan_spawner.watching import Changed, ChangeType, Listed

from ...support.fake_cluster import FakeCluster
from .manifests import node

HERE = Endpoint("127.254.0.1", 10250)


class Keeper:
    """A node keeper on a fake cluster, told of each change by hand."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.faults = FaultBoard()
        self.seen: list[NodeRecord] = []
        self.nodes = NodeKeeper(self.cluster, endpoint=HERE, faults=self.faults, changed=self.seen.append)

    def list(self) -> None:
        self.nodes.take(Listed(tuple(project_node(found) for found in self.cluster.all(NODES))))

    def add(self, raw: JsonObject) -> None:
        self.nodes.take(Changed(ChangeType.ADDED, project_node(self.cluster.put(NODES, raw))))

    def lease(self, name: str = "a-0") -> JsonObject | None:
        return self.cluster.find(LEASES, name, namespace=LEASE_NAMESPACE)

    async def leased(self, name: str = "a-0") -> JsonObject:
        lease = await self.cluster.until(lambda: self.lease(name))
        assert isinstance(lease, dict)
        return lease

    def ready(self, name: str = "a-0") -> bool:
        found = self.cluster.find(NODES, name)
        return found is not None and project_node(found).ready


@asynccontextmanager
async def keeping() -> AsyncIterator[Keeper]:
    made = Keeper()
    loops = (made.nodes.renew_leases, made.nodes.repair, made.nodes.heed_faults)
    tasks = [asyncio.create_task(loop()) for loop in loops]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def keeper() -> AsyncIterator[Keeper]:
    async with keeping() as made:
        yield made


async def test_managed_nodes_get_a_lease_that_goes_with_the_node(keeper: Keeper) -> None:
    keeper.cluster.put(NODES, node("a-0"))
    keeper.cluster.put(NODES, node("foreign", managed=False))
    keeper.list()
    lease = await keeper.leased()

    assert lease["spec"]["holderIdentity"] == "a-0"
    assert lease["spec"]["leaseDurationSeconds"] == 40
    assert lease["metadata"]["ownerReferences"][0]["uid"] == "uid-a-0"
    assert keeper.lease("foreign") is None
    assert keeper.nodes.managed("foreign") is None
    assert [seen.name for seen in keeper.seen] == ["a-0"]


async def test_leases_are_renewed(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "RENEW_SECONDS", 0.01)
    keeper.add(node())
    first = (await keeper.leased())["spec"]["renewTime"]

    await keeper.cluster.until(lambda: (keeper.lease() or {})["spec"]["renewTime"] > first)


async def test_a_node_that_comes_later_is_taken_on(keeper: Keeper) -> None:
    keeper.list()
    keeper.add(node("late"))

    await keeper.leased("late")
    await keeper.cluster.until(lambda: keeper.ready("late"))


async def test_a_node_that_is_not_ready_is_made_ready(keeper: Keeper) -> None:
    unknown = [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]
    keeper.add(node(conditions=unknown))

    await keeper.cluster.until(keeper.ready)


async def test_a_node_says_where_it_answers_even_if_it_answered_elsewhere_before(keeper: Keeper) -> None:
    def endpoint() -> Endpoint | None:
        return project_node(keeper.cluster.find(NODES, "a-0") or {}).endpoint

    healthy = [{"type": "Ready", "status": "True"}]
    keeper.cluster.put(NODES, node("foreign", managed=False))
    keeper.add(node(conditions=healthy))
    await keeper.cluster.until(lambda: endpoint() == HERE)
    raw = keeper.cluster.objects["nodes", "", "a-0"]
    assert raw["status"]["conditions"] == healthy
    raw["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] = 1
    keeper.list()

    await keeper.cluster.until(lambda: endpoint() == HERE)
    assert project_node(keeper.cluster.objects["nodes", "", "foreign"]).endpoint is None


async def test_a_silent_node_is_left_alone_until_it_answers(keeper: Keeper) -> None:
    keeper.faults.post(fault_entry("silent-node", node="a-.*"))
    keeper.add(node("a-0"))
    keeper.add(node("b-0"))
    await keeper.leased("b-0")
    await keeper.cluster.until(lambda: keeper.ready("b-0"))

    assert keeper.lease("a-0") is None
    assert not keeper.ready("a-0")
    keeper.faults.post({})
    await keeper.leased("a-0")
    await keeper.cluster.until(lambda: keeper.ready("a-0"))


async def test_a_server_that_is_down_for_a_while_hurts_nobody(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "_RETRY_SECONDS", 0.01)
    failures = iter([UnreachableError("no answer")] * 4)
    keeper.cluster.fails = lambda _method, _path: next(failures, None)
    keeper.add(node())

    await keeper.leased()
    await keeper.cluster.until(keeper.ready)


async def test_a_node_that_goes_is_forgotten(keeper: Keeper) -> None:
    keeper.add(node())
    keeper.nodes.take(Changed(ChangeType.DELETED, project_node(node())))

    assert keeper.nodes.managed("a-0") is None


async def test_many_nodes_are_leased_soon(keeper: Keeper) -> None:
    for number in range(130):
        keeper.add(node(f"n-{number}"))

    await keeper.cluster.until(lambda: len(keeper.cluster.all(LEASES)) == 130)
