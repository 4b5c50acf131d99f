from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest

from ..support.hub import Person
from ..support.sandbox import SandboxRun


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the control plane."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("cluster")


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
