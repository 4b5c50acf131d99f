from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from genkan_spawner.api import KubernetesApi

from ...support.sandbox import SandboxRun, sandbox_run
from .site import HUB, ON_EXPORT, SITE, offered


@pytest.fixture(scope="package")
def run(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox for all tests of homes; each module changes what its hub offers."""
    folder = tmp_path_factory.mktemp("homes")
    (folder / "catalogue.yaml").write_text(offered(ON_EXPORT))
    (folder / "site.yaml").write_text(SITE)
    config = folder / "jupyterhub_config.py"
    config.write_text(f"c.GenkanSpawner.catalogue_file = {str(folder / 'catalogue.yaml')!r}\n{HUB}")
    with sandbox_run(folder / "state", "--site", str(folder / "site.yaml"), "--hub-config", str(config)) as run:
        run.wait_ready()
        yield run


@pytest.fixture
async def api(run: SandboxRun) -> AsyncIterator[KubernetesApi]:
    assert run.ready is not None
    async with await KubernetesApi.connect(run.ready.kubeconfig) as api:
        yield api


@pytest.fixture
def homes(run: SandboxRun) -> Path:
    """The folder of homes, as the file server has it."""
    return run.state / "exports" / "homes" / "home"
