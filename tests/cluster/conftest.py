from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest

from genkan_sandbox.agent.isolation import CONFIG_MAP, ISOLATION, NAMESPACE, REASON
from genkan_sandbox.agent.sandboxing import Isolation
from genkan_spawner.kinds import CONFIG_MAPS

from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun, require
from ..support.shells import Shells


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the control plane."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("cluster")


@pytest.fixture
def shells(cluster: Cluster, sandbox: SandboxRun) -> Shells:
    """Scripts as pods of the cluster."""
    return Shells(cluster, sandbox)


@pytest.fixture
async def bubblewrap(cluster: Cluster) -> None:
    """Only where the node agent keeps containers apart from the machine."""
    found = await cluster.api.get(CONFIG_MAPS, CONFIG_MAP, namespace=NAMESPACE)
    if found["data"][ISOLATION] != Isolation.BUBBLEWRAP:
        require(f"Containers are not kept apart here: {found['data'][REASON]}")


class LogIn(Protocol):
    """Log in as one of the demo users, by name."""

    def __call__(self, name: str) -> AbstractAsyncContextManager[Person]: ...


@pytest.fixture
def log_in(sandbox: SandboxRun) -> LogIn:
    """Log in at the hub; what a user has running is stopped by the test that started it."""

    def log_in(name: str) -> AbstractAsyncContextManager[Person]:
        return Person.at(sandbox.url, sandbox.user(name))

    return log_in


@pytest.fixture
async def alice(sandbox: SandboxRun) -> AsyncIterator[Person]:
    """An ordinary user with nothing running before or after the test."""
    async with Person.at(sandbox.url, sandbox.user("alice")) as person:
        yield person
        for name in await person.servers():
            await person.stop(name)
