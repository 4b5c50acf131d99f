from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genkan_spawner.api import KubernetesApi

from ...support.kubernetes import FakeApiServer, fake_api_server
from ...support.objects import node, pod, priority_class, quota
from .paths import CLASSES, NODES, PODS, QUOTAS

Connection = tuple[FakeApiServer, KubernetesApi]


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    """A small cluster: two nodes, a pod on each, a quota and a priority class."""
    async with fake_api_server(tmp_path) as (server, api):
        server.objects = {
            NODES: [node("a"), node("b")],
            PODS: [pod("x", node="a"), pod("y", node="b")],
            QUOTAS: [quota()],
            CLASSES: [priority_class()],
        }
        yield server, api


@pytest.fixture
def server(connection: Connection) -> FakeApiServer:
    return connection[0]


@pytest.fixture
def api(connection: Connection) -> KubernetesApi:
    return connection[1]
