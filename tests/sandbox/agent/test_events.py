import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from genkan_sandbox.agent.events import EventRecorder, Happening, Reason, event_manifest
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import EVENTS

from ...support.fake_cluster import FakeCluster
from .machines import told
from .manifests import pod_record

POD = pod_record("jupyter-ann")


@asynccontextmanager
async def recording(cluster: FakeCluster, *, silent: frozenset[str] = frozenset()) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(cluster, silent=silent.__contains__)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_an_event_is_the_kubelets_about_a_container() -> None:
    happening = Happening(POD, Reason.STARTED, "Container started", container="notebook")

    assert event_manifest(happening, name="x", moment="2026-01-01T00:00:00Z") == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "x", "namespace": "default"},
        "involvedObject": {
            "kind": "Pod",
            "apiVersion": "v1",
            "namespace": "default",
            "name": "jupyter-ann",
            "uid": "uid-jupyter-ann",
            "fieldPath": "spec.containers{notebook}",
        },
        "reason": "Started",
        "message": "Container started",
        "type": "Normal",
        "source": {"component": "kubelet", "host": "a-0"},
        "reportingComponent": "kubelet",
        "reportingInstance": "a-0",
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
    }


def test_an_event_about_the_pod_has_no_field_path_and_a_long_message_is_cut() -> None:
    event = event_manifest(Happening(POD, Reason.FAILED_MOUNT, "x" * 5000, warning=True), name="x", moment="")

    assert "fieldPath" not in event["involvedObject"]
    assert (event["type"], len(event["message"])) == ("Warning", 1024)
    init = Happening(POD, Reason.PULLING, "", container="i", init=True)
    assert init.field_path == "spec.initContainers{i}"


async def test_the_same_event_again_is_counted() -> None:
    cluster = FakeCluster()
    async with recording(cluster) as recorder:
        for _ in range(3):
            recorder.record(Happening(POD, Reason.FAILED_MOUNT, "no"))
        recorder.record(Happening(POD, Reason.FAILED_MOUNT, "another"))
        await cluster.until(lambda: len(cluster.all(EVENTS)) == 2)

    assert [event["count"] for event in cluster.all(EVENTS)] == [3, 1]


async def test_an_event_that_expired_is_posted_anew() -> None:
    cluster = FakeCluster()
    async with recording(cluster) as recorder:
        recorder.record(Happening(POD, Reason.BACK_OFF, "x"))
        await cluster.until(lambda: cluster.all(EVENTS))
        cluster.objects.clear()
        recorder.record(Happening(POD, Reason.BACK_OFF, "x"))
        recorder.record(Happening(POD, Reason.BACK_OFF, "x"))
        await cluster.until(lambda: cluster.all(EVENTS))

    assert cluster.all(EVENTS)[0]["count"] == 1


async def test_events_that_are_refused_hold_nothing_up() -> None:
    cluster = FakeCluster()
    refused = ForbiddenError("namespace is being terminated", status=403)
    cluster.fails = lambda _method, path: refused if "default" in path else None
    async with recording(cluster) as recorder:
        recorder.record(Happening(POD, Reason.PULLED, "lost"))
        recorder.record(Happening(pod_record("p", metadata={"namespace": "other"}), Reason.PULLED, "kept"))
        await cluster.until(lambda: cluster.all(EVENTS))

    assert told(cluster) == [("Pulled", "kept")]


async def test_a_silent_node_says_nothing_and_too_many_events_are_dropped() -> None:
    cluster = FakeCluster()
    async with recording(cluster, silent=frozenset({"a-0"})) as recorder:
        for number in range(5000):
            recorder.record(Happening(POD, Reason.PULLED, str(number)))
        await asyncio.sleep(0)
        assert cluster.all(EVENTS) == []
