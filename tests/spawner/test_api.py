from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genkan_spawner.api import KubernetesApi, PatchType
from genkan_spawner.exceptions import (
    ConflictError,
    ForbiddenError,
    GoneError,
    KubernetesError,
    NotFoundError,
    UnreachableError,
)
from genkan_spawner.kinds import KINDS, NODES, PODS, PRIORITY_CLASSES, Kind

from ..support.kubernetes import FakeApiServer, fake_api_server, thing

Connection = tuple[FakeApiServer, KubernetesApi]


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    async with fake_api_server(tmp_path) as connection:
        yield connection


@pytest.mark.parametrize(
    ("kind", "parts", "path"),
    [
        (PODS, {}, "/api/v1/pods"),
        (PODS, {"namespace": "a"}, "/api/v1/namespaces/a/pods"),
        (PODS, {"namespace": "a", "name": "b", "subresource": "status"}, "/api/v1/namespaces/a/pods/b/status"),
        (NODES, {"namespace": "a", "name": "b"}, "/api/v1/nodes/b"),
        (PRIORITY_CLASSES, {"name": "x"}, "/apis/scheduling.k8s.io/v1/priorityclasses/x"),
        (PODS, {"namespace": "../..", "name": "a/b?c"}, "/api/v1/namespaces/..%2F../pods/a%2Fb%3Fc"),
    ],
)
def test_paths_are_those_of_the_api_and_names_cannot_leave_them(kind: Kind, parts: dict[str, str], path: str) -> None:
    assert kind.path(**parts) == path


def test_each_kind_is_found_by_its_name() -> None:
    assert all(kind.name == name for name, kind in KINDS.items())


async def test_a_list_is_read_in_pages(connection: Connection) -> None:
    server, api = connection
    server.objects["/api/v1/pods"] = [thing(f"pod-{number}") for number in range(25)]
    server.page = 10
    pods = await api.list(PODS, label_selector="app=x")
    assert [pod["metadata"]["name"] for pod in pods] == [f"pod-{number}" for number in range(25)]
    queries = [request.query for request in server.listing("/api/v1/pods")]
    assert [query.get("continue") for query in queries] == [None, "10", "20"]
    assert all(query["labelSelector"] == "app=x" for query in queries)


async def test_apply_and_patch_say_how_to_merge(connection: Connection) -> None:
    server, api = connection
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}
    await api.apply(manifest, field_manager="someone")
    await api.patch(NODES, "node", {"spec": {}}, subresource="status", patch_type=PatchType.MERGE)
    applied, patched = server.requests
    assert (applied.path, applied.content_type) == ("/api/v1/namespaces/n/pods/p", "application/apply-patch+yaml")
    assert applied.query == {"fieldManager": "someone", "force": "true"}
    assert applied.body == manifest
    assert (patched.path, patched.content_type) == ("/api/v1/nodes/node/status", "application/merge-patch+json")


async def test_a_deletion_can_be_bound_to_one_object(connection: Connection) -> None:
    server, api = connection
    await api.delete(PODS, "p", namespace="n", grace_seconds=0, uid="u")
    assert server.requests[0].body["gracePeriodSeconds"] == 0
    assert server.requests[0].body["preconditions"] == {"uid": "u"}


@pytest.mark.parametrize(
    ("status", "error", "passing"),
    [
        (403, ForbiddenError, False),
        (404, NotFoundError, False),
        (409, ConflictError, False),
        (410, GoneError, False),
        (422, KubernetesError, False),
        (429, KubernetesError, True),
        (503, KubernetesError, True),
    ],
)
async def test_a_refusal_is_an_error_with_status_and_reason(
    connection: Connection, status: int, error: type[KubernetesError], passing: bool
) -> None:
    server, api = connection
    server.failures.append((status, "Because"))
    with pytest.raises(error, match="because of Because") as caught:
        await api.get(PODS, "p", namespace="n")
    assert (caught.value.status, caught.value.reason, caught.value.passing) == (status, "Because", passing)


async def test_no_answer_is_an_error_that_passes_and_names_no_address(tmp_path: Path) -> None:
    async with fake_api_server(tmp_path) as (_, api):
        pass
    async with await KubernetesApi.connect(tmp_path / "kubeconfig") as api:
        with pytest.raises(UnreachableError) as caught:
            await api.get(PODS, "p", namespace="n")
    assert caught.value.passing
    assert "127.0.0.1" not in str(caught.value)
