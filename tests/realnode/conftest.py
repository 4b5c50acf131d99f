from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest

from genkan_sandbox.binaries import Source, prepare_kubelet
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import open_progress
from genkan_sandbox.real_node.built import built_images, single_user_images
from genkan_sandbox.real_node.requirements import missing
from genkan_sandbox.state import default_cache_directory

from ..support.cluster import Cluster, cluster_of
from ..support.hub import Person
from ..support.sandbox import SandboxRun, require, sandbox_run
from ..support.single_user import MissingError, single_user_list

READY_SECONDS = 240
"""An image of some gigabytes is imported in a minute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each may be the one that waits for images."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def kubelet(binaries: None) -> None:
    """See that a real node can start at once; `make realnode` gets the kubelet before, with its progress in sight."""
    if reason := missing():
        require(reason)
    sources = frozenset({Source.PATH, Source.CACHE})
    try:
        prepare_kubelet(cache=default_cache_directory(), progress=open_progress(), sources=sources)
    except BinariesError as e:
        require(f"{e} Run `make realnode`.")


@pytest.fixture(scope="session")
def image_list(kubelet: None) -> Path:
    try:
        return single_user_list()
    except MissingError as e:
        require(str(e))


@pytest.fixture(scope="session")
def images(image_list: Path) -> list[str]:
    """The names of the images that the hub offers, of servers for users only."""
    return list(single_user_images(built_images(image_list)))


@pytest.fixture(scope="session")
def real_node(image_list: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """The one sandbox of these tests: a hub, and a node on which pods are containers."""
    state = tmp_path_factory.mktemp("realnode") / "state"
    configuration = Path(__file__).with_name("jupyterhub_config.py")
    options = ["--nodes", "containers", "--images", str(image_list), "--hub-config", str(configuration)]
    with sandbox_run(state, "--port", "0", *options) as run:
        run.wait_ready(READY_SECONDS)
        yield run


@pytest.fixture
async def node_cluster(real_node: SandboxRun) -> AsyncIterator[Cluster]:
    """The cluster of the real node, as it was again after each test."""
    async with cluster_of(real_node.ready) as cluster:
        yield cluster


class Visit(Protocol):
    """Log in as one of the demo users, by name; no server of theirs is left at the end."""

    def __call__(self, name: str) -> AbstractAsyncContextManager[Person]: ...


@pytest.fixture
def visit(real_node: SandboxRun) -> Visit:
    def visit(name: str) -> AbstractAsyncContextManager[Person]:
        return Person.visiting(real_node.url, real_node.user(name))

    return visit
