"""The cache against an API server that behaves and misbehaves as a test scripts it."""

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from genkan_spawner import watching
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.liveness import GRACE_SECONDS
from genkan_spawner.cluster.projection import pod_record
from genkan_spawner.cluster.snapshot import Snapshot, Source
from genkan_spawner.watching import ChangeType

from ...support.clocks import FakeClock
from ...support.kubernetes import FakeApiServer
from ...support.objects import node, pod, priority_class, quota
from .paths import ALL, CLASSES, NODES, PODS, QUOTAS, pods_of, quotas_of

EVERYTHING = tuple(Source)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other fast, so that no test waits for one."""
    monkeypatch.setattr(watching, "BACKOFF_FIRST", 0.01)
    monkeypatch.setattr(watching, "BACKOFF_MOST", 0.02)
    monkeypatch.setattr(watching, "BACKOFF_REFUSED", 0.02)
    monkeypatch.setattr(watching, "PAUSE", 0.01)


@asynccontextmanager
async def following(api: KubernetesApi, **options: Any) -> AsyncIterator[ClusterCache]:
    """A cache that has made its first attempts."""
    async with ClusterCache(api, **options) as cache:
        async with asyncio.timeout(10):
            await cache.wait_ready(10)
        yield cache


async def until(cache: ClusterCache, holds: Callable[[Snapshot], bool]) -> Snapshot:
    """Wait for a snapshot that is as wanted."""
    found = cache.snapshot()
    try:
        async with asyncio.timeout(10):
            while not holds(found := cache.snapshot()):
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"This is not as wanted: {found}") from None
    return found


def names(snapshot: Snapshot, on: str = "a") -> list[str]:
    return [found.name for found in snapshot.nodes[on].pods]


async def test_before_it_has_read_anything_all_is_unknown_and_not_empty(api: KubernetesApi) -> None:
    snapshot = ClusterCache(api).snapshot()
    for source in EVERYTHING:
        assert not snapshot.knows(source)
        health = snapshot.health[source]
        assert (health.loaded, health.healthy, health.age) == (False, False, math.inf)


async def test_it_shows_what_there_is_and_then_each_change(server: FakeApiServer, api: KubernetesApi) -> None:
    async with following(api) as cache:
        snapshot = cache.snapshot()
        assert snapshot.knows(*EVERYTHING)
        assert names(snapshot) == ["x"]
        assert list(snapshot.quotas) == ["team"]
        assert list(snapshot.priority_classes) == ["normal"]
        server.change(PODS, "ADDED", pod("z"))
        assert [found.name for found in (await until(cache, lambda seen: bool(seen.pending))).pending] == ["z"]
        server.change(PODS, "MODIFIED", pod("z", node="a"))
        assert names(await until(cache, lambda seen: not seen.pending)) == ["x", "z"]
        server.change(PODS, "DELETED", pod("z", node="a"))
        await until(cache, lambda seen: names(seen) == ["x"])
        server.change(QUOTAS, "MODIFIED", quota(used={"requests.nvidia.com/gpu": "3"}))
        await until(cache, lambda seen: seen.quotas["team"][0].used["requests.nvidia.com/gpu"] == 3000)
        server.change(NODES, "DELETED", node("b"))
        await until(cache, lambda seen: list(seen.nodes) == ["a"])
        server.change(CLASSES, "ADDED", priority_class("high", value=9))
        await until(cache, lambda seen: len(seen.priority_classes) == 2)
    assert names(snapshot) == ["x"]


async def test_one_watch_per_kind_however_many_look(server: FakeApiServer, api: KubernetesApi) -> None:
    async with following(api) as cache:
        before = len(server.requests)
        snapshots = [cache.snapshot() for _ in range(100)]
        await until(cache, lambda _: all(server.open.get(path) for path in ALL))
    assert all(found.nodes is snapshots[0].nodes for found in snapshots)
    assert before <= len(server.requests) == 2 * len(ALL)
    for path in ALL:
        assert (len(server.listing(path)), len(server.watching(path))) == (1, 1)


async def test_closing_ends_every_watch(server: FakeApiServer, api: KubernetesApi) -> None:
    async with following(api) as cache:
        await until(cache, lambda _: all(server.open.get(path) for path in ALL))
    async with asyncio.timeout(10):
        while any(server.open.values()):
            await asyncio.sleep(0.005)
    assert len(server.requests) == 2 * len(ALL)


async def test_a_break_loses_nothing(server: FakeApiServer, api: KubernetesApi) -> None:
    async with following(api) as cache:
        await until(cache, lambda _: all(server.open.get(path) for path in ALL))
        server.failures += [(503, "Unavailable")] * 8
        server.break_watches()
        server.change(PODS, "ADDED", pod("z", node="a"))
        server.change(PODS, "DELETED", pod("x", node="a"))
        snapshot = await until(cache, lambda seen: names(seen) == ["z"])
        assert snapshot.knows(*EVERYTHING)
    assert len(server.listing(PODS)) == 1


async def test_a_lost_place_means_listing_again(server: FakeApiServer, api: KubernetesApi) -> None:
    seen: list[tuple[ChangeType, str]] = []
    async with following(api) as cache:
        await until(cache, lambda _: bool(server.open.get(PODS)))
        kept = cache.snapshot().nodes["b"]
        cache.subscribe(lambda change, raw: seen.append((change, raw["metadata"]["uid"])))
        server.objects[PODS] = [pod("y", node="b"), pod("z", node="a")]
        server.send(PODS, {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}})
        snapshot = await until(cache, lambda found: names(found) == ["z"])
        assert snapshot.nodes["b"] is kept
    assert seen == [(ChangeType.ADDED, "uid-y"), (ChangeType.ADDED, "uid-z"), (ChangeType.DELETED, "uid-x")]


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_a_failed_first_list_is_made_up_for(server: FakeApiServer, api: KubernetesApi, status: int) -> None:
    server.failures += [(status, "Whatever")] * 10
    async with following(api) as cache:
        await until(cache, lambda seen: seen.knows(*EVERYTHING))


@pytest.mark.parametrize("path", ALL)
async def test_a_kind_that_may_not_be_read_is_unknown_and_the_others_work(
    server: FakeApiServer, api: KubernetesApi, path: str
) -> None:
    source = EVERYTHING[ALL.index(path)]
    server.refused[path] = (403, "Forbidden")
    async with following(api) as cache:
        others = [other for other in EVERYTHING if other is not source]
        snapshot = await until(cache, lambda seen: seen.knows(*others))
        health = snapshot.health[source]
        assert (health.loaded, health.healthy) == (False, False)
        assert f"The {source} cannot be read: the hub lacks the right." in health.problem
        assert not await cache.wait_ready(1)
        del server.refused[path]
        await until(cache, lambda seen: seen.knows(*EVERYTHING))


async def test_rights_that_are_taken_away_make_a_kind_unknown(server: FakeApiServer, api: KubernetesApi) -> None:
    clock = FakeClock()
    async with following(api, clock=clock) as cache:
        server.refused[NODES] = (403, "Forbidden")
        server.break_watches()
        await until(cache, lambda _: len(server.watching(NODES)) > 2)
        assert cache.snapshot().knows(Source.NODES)
        clock.now += GRACE_SECONDS + 1
        health = cache.snapshot().health
        assert (health[Source.NODES].loaded, health[Source.NODES].healthy) == (True, False)
        assert health[Source.PODS].healthy
        assert list(cache.snapshot().nodes) == ["a", "b"]


async def test_without_the_right_to_all_pods_those_of_the_namespaces_are_followed(
    server: FakeApiServer, api: KubernetesApi
) -> None:
    server.refused[PODS] = server.refused[QUOTAS] = (403, "Forbidden")
    server.objects[pods_of("team")] = [pod("x", node="a")]
    server.objects[pods_of("vision")] = [pod("v", namespace="vision", node="a")]
    server.objects[quotas_of("vision")] = [quota(namespace="vision")]
    async with following(api, namespaces=["vision", "team"]) as cache:
        snapshot = cache.snapshot()
        assert snapshot.knows(*EVERYTHING)
        assert {source for source in EVERYTHING if snapshot.health[source].partial} == {Source.PODS, Source.QUOTAS}
        assert names(snapshot) == ["x", "v"]
        assert list(snapshot.quotas) == ["vision"]
        server.change(pods_of("vision"), "DELETED", pod("v", namespace="vision", node="a"))
        await until(cache, lambda seen: names(seen) == ["x"])

        server.refused.clear()
        snapshot = await until(cache, lambda seen: not seen.health[Source.PODS].partial)
        assert snapshot.knows(*EVERYTHING)
        assert (names(snapshot), names(snapshot, "b")) == (["x"], ["y"])
        server.change(PODS, "ADDED", pod("z", node="b"))
        await until(cache, lambda seen: names(seen, "b") == ["y", "z"])
        await until(cache, lambda _: bool(server.open.get(PODS)))


async def test_namespaces_that_become_known_after_the_refusal_are_followed_at_once(
    server: FakeApiServer, api: KubernetesApi
) -> None:
    server.refused[PODS] = (403, "Forbidden")
    server.objects[pods_of("team")] = [pod("x", node="a")]
    async with following(api) as cache:
        assert not cache.snapshot().knows(Source.PODS)
        attempts = len(server.watching(PODS))
        cache.follow(["team"])
        await until(cache, lambda seen: names(seen) == ["x"] and seen.knows(Source.PODS))
        assert len(server.watching(PODS)) == attempts


async def test_when_the_right_to_all_pods_is_taken_away_the_namespaces_are_left(
    server: FakeApiServer, api: KubernetesApi
) -> None:
    clock = FakeClock()
    server.objects[PODS].append(pod("v", namespace="vision", node="a"))
    server.objects[pods_of("team")] = [pod("x", node="a")]
    gone: list[str] = []
    async with following(api, namespaces=["team"], clock=clock) as cache:
        assert names(cache.snapshot()) == ["x", "v"]
        cache.subscribe(lambda change, raw: gone.append(raw["metadata"]["uid"]) if change == "DELETED" else None)
        server.refused[PODS] = (403, "Forbidden")
        server.break_watches()
        await until(cache, lambda _: len(server.watching(PODS)) > 2)
        clock.now += GRACE_SECONDS + 1
        snapshot = await until(cache, lambda seen: seen.health[Source.PODS].partial and seen.knows(Source.PODS))
        assert names(snapshot) == ["x"]
        assert sorted(gone) == ["uid-v", "uid-y"]
        del server.refused[PODS]
        snapshot = await until(cache, lambda seen: not seen.health[Source.PODS].partial)
        assert names(snapshot) == ["x", "v"]
        assert snapshot.knows(Source.PODS)


async def test_a_namespace_that_may_not_be_read_makes_the_kind_unknown(
    server: FakeApiServer, api: KubernetesApi
) -> None:
    server.refused[PODS] = server.refused[pods_of("nowhere")] = (403, "Forbidden")
    async with following(api, namespaces=["team", "nowhere"]) as cache:
        health = cache.snapshot().health[Source.PODS]
        assert not health.healthy
        assert "The pods in the namespace nowhere cannot be read" in health.problem


async def test_a_watch_that_goes_silent_and_cannot_be_opened_again_is_unhealthy_until_it_can(
    server: FakeApiServer, api: KubernetesApi
) -> None:
    clock = FakeClock()
    async with following(api, silence=0.1, clock=clock) as cache:
        await until(cache, lambda _: len(server.watching(NODES)) > 2)
        assert cache.snapshot().knows(Source.NODES)
        server.refused[NODES] = (503, "Unavailable")
        attempts = len(server.watching(NODES))
        await until(cache, lambda _: len(server.watching(NODES)) > attempts + 1)
        clock.now += GRACE_SECONDS + 1
        snapshot = cache.snapshot()
        assert not snapshot.knows(Source.NODES)
        assert snapshot.health[Source.NODES].loaded
        assert list(snapshot.nodes) == ["a", "b"]
        del server.refused[NODES]
        await until(cache, lambda seen: seen.knows(Source.NODES))


async def test_a_bookmark_is_a_sign_of_life(server: FakeApiServer, api: KubernetesApi) -> None:
    clock = FakeClock()
    async with following(api, clock=clock) as cache:
        server.change(NODES, "ADDED", node("c"))
        server.change(PODS, "ADDED", pod("z", node="c"))
        await until(cache, lambda seen: "c" in seen.nodes and names(seen, "c") == ["z"])
        clock.now += 80
        assert cache.snapshot().health[Source.NODES].age == 80
        server.send(NODES, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "99"}}})
        snapshot = await until(cache, lambda seen: seen.health[Source.NODES].age == 0)
        assert snapshot.health[Source.PODS].age == 80
        clock.now += 30
        assert cache.snapshot().knows(Source.NODES)
        assert not cache.snapshot().knows(Source.PODS)


async def test_waiting_has_an_end(server: FakeApiServer, api: KubernetesApi) -> None:
    async with ClusterCache(api) as cache:
        assert not await cache.wait_ready(0)
        assert await cache.wait_ready(10)


def creating(name: str = "new") -> JsonObject:
    return pod(name, uid="made-up", requests={"nvidia.com/gpu": "1"})


async def test_an_assumed_pod_counts_as_pending_until_the_watch_shows_it(
    server: FakeApiServer, api: KubernetesApi
) -> None:
    record = pod_record(creating())
    assert record is not None
    async with following(api) as cache:
        cache.assume(record)
        snapshot = cache.snapshot()
        assert snapshot.pending == snapshot.assumed == (record,)
        server.change(PODS, "ADDED", creating() | {"metadata": creating()["metadata"] | {"uid": "real"}})
        snapshot = await until(cache, lambda seen: not seen.assumed)
        assert [found.uid for found in snapshot.pending] == ["real"]
        cache.assume(replace(record, name="other"))
        cache.forget("made-up")
        assert not cache.snapshot().assumed


async def test_a_pod_that_leaves_under_the_same_name_does_not_end_an_assumption(
    server: FakeApiServer, api: KubernetesApi
) -> None:
    record = pod_record(pod("x", uid="made-up"))
    assert record is not None
    async with following(api) as cache:
        await until(cache, lambda _: bool(server.open.get(PODS)))
        cache.assume(record)
        server.change(PODS, "DELETED", pod("x", node="a"))
        snapshot = await until(cache, lambda seen: names(seen) == [])
        assert snapshot.assumed == (record,)
        server.change(PODS, "ADDED", pod("x", uid="real", node="b"))
        await until(cache, lambda seen: not seen.assumed)


async def test_listeners_hear_of_pods_at_once_and_a_bad_one_harms_nobody(
    server: FakeApiServer, api: KubernetesApi, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[tuple[str, str]] = []

    def bad(change: ChangeType, raw: JsonObject) -> None:
        raise RuntimeError

    cache = ClusterCache(api)
    cache.subscribe(bad)
    leave = cache.subscribe(lambda change, raw: heard.append((change, raw["status"]["phase"])))
    async with cache:
        await cache.wait_ready(10)
        server.change(PODS, "MODIFIED", pod("x", node="a", phase="Failed"))
        await until(cache, lambda seen: names(seen) == [])
        leave()
        server.change(PODS, "MODIFIED", pod("y", node="b", phase="Failed"))
        await until(cache, lambda seen: names(seen, "b") == [])
    assert heard == [("ADDED", "Running"), ("ADDED", "Running"), ("MODIFIED", "Failed")]
    assert "A listener failed at a change of a pod." in caplog.text


async def test_a_defect_ends_no_watch_for_good(
    server: FakeApiServer, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("genkan_spawner.cluster.source.REST_SECONDS", 0.2)
    async with following(api) as cache:
        await until(cache, lambda _: bool(server.open.get(NODES)))
        server.send(NODES, {"type": "NEW", "object": {"metadata": {"name": "c", "resourceVersion": "9"}}})
        await until(cache, lambda _: "The watch of nodes met something unexpected." in caplog.text)
        server.objects[NODES] = [node("c")]
        await until(cache, lambda seen: list(seen.nodes) == ["c"] and seen.knows(Source.NODES))


async def test_the_log_speaks_of_each_change_once_and_of_no_object(
    server: FakeApiServer, api: KubernetesApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "genkan_spawner")
    server.refused[NODES] = (403, "Forbidden")
    async with following(api) as cache:
        await until(cache, lambda _: len(server.listing(NODES)) > 5)
        del server.refused[NODES]
        await until(cache, lambda seen: seen.knows(*EVERYTHING))
    told = [record.getMessage() for record in caplog.records if record.name.startswith("genkan_spawner")]
    assert sorted(told) == [
        "The csidrivers are followed.",
        "The limitranges are followed.",
        "The nodes are followed.",
        "The nodes cannot be read: the hub lacks the right. Allow its service account to list and watch them.",
        "The persistentvolumeclaims are followed.",
        "The persistentvolumes are followed.",
        "The pods are followed.",
        "The priorityclasses are followed.",
        "The resourcequotas are followed.",
        "The storageclasses are followed.",
    ]


@pytest.mark.parametrize("seed", range(5))
async def test_after_many_changes_and_breaks_it_shows_what_a_new_one_shows(
    server: FakeApiServer, api: KubernetesApi, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  # a story that can be told again
    async with following(api) as cache:
        for _ in range(150):
            name, namespace = chance.choice("abcd"), chance.choice(["team", "vision"])
            match chance.randrange(6):
                case 0:
                    server.change(NODES, chance.choice(["MODIFIED", "DELETED"]), node(name))
                case 1:
                    server.change(QUOTAS, chance.choice(["MODIFIED", "DELETED"]), quota(name, namespace=namespace))
                case 2 if chance.random() < 0.2:
                    server.break_watches()
                case 3 if chance.random() < 0.2:
                    server.send(PODS, {"type": "ERROR", "object": {"code": 410, "reason": "Expired"}})
                case 4:
                    server.change(PODS, "DELETED", pod(name, namespace=namespace))
                case _:
                    on = chance.choice([None, "a", "b"])
                    server.change(PODS, "MODIFIED", pod(name, namespace=namespace, uid=chance.choice("12"), node=on))
            if chance.random() < 0.3:
                cache.snapshot()
                await asyncio.sleep(0)
        async with following(api) as other:
            fresh = other.snapshot()
            await until(cache, lambda seen: same(seen, fresh))


def same(one: Snapshot, other: Snapshot) -> bool:
    return replace(one, health={}) == replace(other, health={})
