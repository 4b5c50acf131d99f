import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from genkan_spawner import hub_view
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.snapshot import Source
from genkan_spawner.hub_view import HubView
from genkan_spawner.kinds import NODES, PODS
from genkan_spawner.orphans import EVERY, GRACE

from ..support.fake_cluster import FakeCluster
from ..support.jumping import in_jumping_time, now
from ..support.objects import pod
from .stage import COMPONENT, NAMESPACE, TOKEN, answered, running, spawners, stage, unreachable

NAME = "jupyter-alice"


@in_jumping_time
async def test_a_hub_has_one_view_of_the_cluster_that_kubespawner_has_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async with spawners(monkeypatch) as make:
        alice, bob = make("alice"), make("bob")
        view = alice.view
        try:
            assert bob.view is view
            assert view.api.client.configuration.host == alice.api.api_client.configuration.host
            # Watches of many namespaces leave room for starts.
            connector = view.api.client.rest_client.pool_manager.connector
            assert connector is not None
            assert connector.limit == 0
            assert alice.api.api_client.configuration.connection_pool_maxsize == 100
        finally:
            await view.close()

        assert alice.view is not view
        await alice.view.close()


@in_jumping_time
async def test_only_pods_of_servers_are_servers_and_all_count_for_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put()
        play.cluster.put(PODS, pod("job", namespace="other"))
        play.put("proxy", metadata={"labels": {"component": "proxy"}})
        await play.seen(lambda: len(play.view.cache.snapshot().pending) == 3)

        assert list(play.view.servers) == [(NAMESPACE, NAME)]
        assert TOKEN not in repr(vars(play.view.servers))
        assert TOKEN not in repr(play.view.cache.snapshot())


@in_jumping_time
async def test_a_server_that_went_unseen_is_gone_with_the_next_list(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        play.put(status=running())
        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
        play.cluster.forget(PODS, NAME, namespace=NAMESPACE)
        play.cluster.break_watches()

        await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME) is None)


class Pages(FakeCluster):
    """Lists one pod per page, and fails at the second page so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.broken = asyncio.Event()
        self.again = asyncio.Event()

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if path == PODS.path() and "watch" not in query:
            if self.failures and "continue" in query:
                self.failures -= 1
                self.broken.set()
                raise answered(500)
            if self.broken.is_set():
                await self.again.wait()
        async with super().stream(path, query=query, silence=silence) as lines:
            yield lines

    def _list(self, plural: str, namespace: str, query: Mapping[str, str]) -> JsonObject:
        found = super()._list(plural, namespace, query)
        first = int(query.get("continue") or 0)
        if plural == PODS.plural and not self.again.is_set() and first + 1 < len(found["items"]):
            found["metadata"]["continue"] = str(first + 1)
            found["items"] = found["items"][first : first + 1]
        return found


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_only_a_failed_list_has_shown_is_gone_with_the_next(
    monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool
) -> None:
    @in_jumping_time
    async def run() -> None:
        cluster = Pages(failures=1)
        labels = {"labels": {"component": COMPONENT}}
        cluster.put(PODS, pod(NAME, namespace=NAMESPACE, metadata=labels))
        cluster.put(PODS, pod("jupyter-bob", namespace=NAMESPACE, metadata=labels))
        view = HubView(cluster, component=COMPONENT, namespaces=["other" if elsewhere else NAMESPACE])
        try:
            looking = asyncio.create_task(view.ready())
            await cluster.broken.wait()
            assert list(view.servers) == [(NAMESPACE, NAME)]
            cluster.forget(PODS, NAME, namespace=NAMESPACE)
            if elsewhere:
                cluster.fails = lambda _, path: answered(403) if path == PODS.path() else None
            cluster.again.set()
            await looking
            await cluster.until(lambda: view.cache.health()[Source.PODS].loaded)

            assert list(view.servers) == ([] if elsewhere else [(NAMESPACE, "jupyter-bob")])
        finally:
            await view.close()

    run()


@in_jumping_time
async def test_a_namespace_that_comes_later_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    cluster.fails = lambda _, path: answered(403) if path == PODS.path() else None
    cluster.put(PODS, pod(NAME, namespace="late", metadata={"labels": {"component": COMPONENT}}))
    view = HubView(cluster, component=COMPONENT, namespaces=[NAMESPACE])
    try:
        await view.ready()
        assert not view.sees_pods("late")

        view.follow({"late", NAMESPACE})
        assert not view.sees_pods("late")
        await view.ready()

        assert view.sees_pods("late")
        assert list(view.servers) == [("late", NAME)]
    finally:
        await view.close()


@in_jumping_time
async def test_what_is_not_shown_is_gone_only_where_the_view_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        assert play.view.sees_pods(NAMESPACE)
        assert play.view.sees_pods("any-other")
        await play.blind()
        assert not play.view.sees_pods(NAMESPACE)
        await play.sighted()


@in_jumping_time
async def test_where_only_some_namespaces_may_be_read_only_those_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    cluster.fails = lambda _, path: answered(403) if path == "/api/v1/pods" else None
    view = HubView(cluster, component=COMPONENT, namespaces=[NAMESPACE])
    try:
        await view.ready()
        assert view.sees_pods(NAMESPACE)
        assert not view.sees_pods("elsewhere")
        assert not view.standing().known
        assert view.cache.snapshot().knows(Source.PODS, namespace=NAMESPACE)
        assert not view.cache.snapshot().knows(Source.PODS, namespace="elsewhere")
        view.follow({"elsewhere"})
        assert not view.cache.snapshot().knows(Source.PODS, namespace="elsewhere")
        await view.ready()
        assert view.cache.snapshot().knows(Source.PODS, namespace="elsewhere")
    finally:
        await view.close()


@in_jumping_time
async def test_nobody_waits_for_ever_for_the_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FakeCluster):
        async def request(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(10**6)
            return await super().request(*args, **kwargs)

    view = HubView(Slow(), component=COMPONENT, namespaces=[NAMESPACE])
    try:
        began = now()
        await asyncio.gather(*(view.ready() for _ in range(10)))
        assert now() - began == hub_view.FIRST_LOOK
        assert not view.sees_pods(NAMESPACE)
        assert not view.standing().known
    finally:
        await view.close()


@in_jumping_time
async def test_an_api_that_is_down_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    cluster.fails = lambda *_: unreachable()
    view = HubView(cluster, component=COMPONENT, namespaces=[NAMESPACE])
    try:
        began = now()
        await view.ready()
        await view.ready()
        assert now() == began
        cluster.fails = None
        async with asyncio.timeout(600):
            while not view.sees_pods(NAMESPACE):
                await asyncio.sleep(1)
    finally:
        await view.close()


@in_jumping_time
async def test_one_kind_that_may_not_be_read_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    cluster.fails = lambda _, path: answered(403) if path.endswith(NODES.plural) else None
    view = HubView(cluster, component=COMPONENT, namespaces=[NAMESPACE])
    try:
        await view.ready()
        assert view.sees_pods(NAMESPACE)
        assert not view.standing().known
    finally:
        await view.close()


@in_jumping_time
async def test_who_stops_waiting_for_the_first_look_stops_it_for_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    view = HubView(FakeCluster(), component=COMPONENT, namespaces=[NAMESPACE])
    try:
        impatient = asyncio.create_task(view.ready())
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient

        await view.ready()
        assert view.sees_pods(NAMESPACE)
    finally:
        await view.close()


@in_jumping_time
async def test_pods_without_a_record_are_looked_for_as_long_as_the_hub_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []

    async def look(_: object) -> None:
        looks.append(now())

    monkeypatch.setattr("genkan_spawner.orphans.OrphanSweep.look", look)
    async with spawners(monkeypatch) as make:
        view = make().view
        began = now()
        await asyncio.sleep(3.5 * EVERY)
        await view.close()
        await asyncio.sleep(3 * EVERY)

    assert [at - began for at in looks] == [EVERY, 2 * EVERY, 3 * EVERY]
    assert GRACE.total_seconds() > EVERY, "a start that is on its way is not looked at twice"


@in_jumping_time
async def test_a_hub_that_comes_back_to_a_teams_server_sees_its_own_namespace_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with spawners(monkeypatch) as make:
        alice, bob = make("alice"), make("bob")
        alice.namespace, bob.namespace = "team", "hub"
        view = alice.view
        try:
            assert bob.view.cache.snapshot().namespaces == frozenset({"team", "hub"})
        finally:
            await view.close()
