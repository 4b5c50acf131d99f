from collections.abc import AsyncIterator, Iterator

import pytest

from genkan_sandbox.binaries import Source, prepare, prepare_helm
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import open_progress
from genkan_sandbox.state import default_cache_directory

from .support.cluster import Cluster, cluster_of
from .support.golden import Golden
from .support.helm import Helm
from .support.keycloak import Keycloak, MissingError, prepared, running
from .support.sandbox import SandboxRun, require, sandbox_run
from .support.sign_in import SignInHub, sign_in_hub


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what the tests compute into the golden files instead of comparing with them",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.path.parent / "golden", update=bool(request.config.getoption("--update-golden")))


@pytest.fixture(scope="session")
def binaries() -> None:
    """See that a sandbox can start at once; `make test` gets the binaries before, with its progress in sight."""
    try:
        prepare(
            cache=default_cache_directory(),
            progress=open_progress(),
            sources=frozenset({Source.PATH, Source.CACHE}),
        )
    except BinariesError as e:
        require(f"{e} Run `genkan-sandbox binaries` first.")


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm on PATH or in the cache; `make test` gets it before, with its progress in sight."""
    try:
        found = prepare_helm(
            cache=default_cache_directory(),
            progress=open_progress(),
            sources=frozenset({Source.PATH, Source.CACHE}),
        )
    except BinariesError as e:
        require(f"{e} Run `genkan-sandbox binaries --with-helm` first.")
    return Helm(found.command[0], tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def sandbox(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """The one sandbox of the run: the default site with its hub. Tests leave it as they found it."""
    with sandbox_run(tmp_path_factory.mktemp("sandbox") / "state") as run:
        run.wait_ready()
        yield run


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """The one Keycloak of the run. Tests leave its realm as they found it, but for the address of their hub."""
    try:
        home = prepared()
    except MissingError as e:
        require(str(e))
    with running(home, tmp_path_factory.mktemp("keycloak")) as keycloak:
        yield keycloak


@pytest.fixture(scope="session")
def sign_in(binaries: None, keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInHub]:
    """The sandbox of the run whose users come from Keycloak. Tests leave no server running."""
    with sign_in_hub(tmp_path_factory.mktemp("sign-in"), keycloak) as hub:
        yield hub


@pytest.fixture
async def cluster(sandbox: SandboxRun) -> AsyncIterator[Cluster]:
    """The sandbox's cluster, as it was again after each test."""
    async with cluster_of(sandbox.ready) as cluster:
        yield cluster
