"""A catalogue that changes under a running hub."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from genkan_spawner.api import KubernetesApi
from genkan_spawner.kinds import PODS

from ..support.hub import FormInputs, Person
from ..support.sandbox import SandboxRun, sandbox_run

WITHIN = 30
CATALOGUE = """\
hardware:
  - {slug: small, display_name: Small, cpu: 1, memory: 2Gi}
  - {slug: gpu, display_name: One card, cpu: 2, memory: 8Gi, gpu: {count: 1}}
images:
  - {slug: scipy, display_name: SciPy, image: "registry.example.org/genkan/scipy:1"}
  - {slug: pytorch, display_name: PyTorch, image: "registry.example.org/genkan/pytorch:1"}
"""
LARGER = CATALOGUE.replace("images:", "  - {slug: large, display_name: Large, cpu: 4, memory: 8Gi}\nimages:")
BROKEN = CATALOGUE.replace("cpu: 2", "cpu: two")


@pytest.fixture(scope="module")
def run(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox whose hub has a catalogue that the tests may change."""
    folder = tmp_path_factory.mktemp("reload")
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    config = folder / "jupyterhub_config.py"
    config.write_text(f"c.GenkanSpawner.catalogue_file = {str(folder / 'catalogue.yaml')!r}\n")
    arguments = ("--simulate", "--site", "workstations", "--hub-config", str(config))
    with sandbox_run(folder / "state", *arguments) as run:
        run.wait_ready()
        yield run


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """The catalogue of the running hub."""

    path: Path

    def write(self, text: str) -> None:
        """Change it as an editor does."""
        self.path.write_text(text)


@pytest.fixture
def file(run: SandboxRun) -> Iterator[CatalogueFile]:
    """The catalogue, which is as it was after the test."""
    file = CatalogueFile(run.state.with_name("catalogue.yaml"))
    yield file
    file.write(CATALOGUE)


async def form_with(person: Person, *slugs: str) -> FormInputs:
    """Open the form until it offers just this hardware; a look at the file may be a second old."""
    async with asyncio.timeout(WITHIN):
        while True:
            form = await person.form()
            if set(form.offered["profile"]) == {*slugs}:
                return form
            await asyncio.sleep(0.1)


async def metric(person: Person, name: str) -> str:
    """Return the value of one of the hub's metrics, as an administrator may read it."""
    answer = await person.page("metrics")
    assert answer.is_success, answer.text
    return next(line.split()[1] for line in answer.text.splitlines() if line.startswith(f"{name} "))


async def until_metric(person: Person, name: str, value: str) -> None:
    async with asyncio.timeout(WITHIN):
        while await metric(person, name) != value:
            await asyncio.sleep(0.1)


async def test_the_next_form_shows_what_was_added_and_it_starts(run: SandboxRun, file: CatalogueFile) -> None:
    async with Person.at(run.url, run.user("alice")) as alice:
        await form_with(alice, "small", "gpu")
        hub = run.pid("hub")
        file.write(LARGER)
        await form_with(alice, "small", "gpu", "large")
        await alice.start(profile="large", image="pytorch")
        await alice.stop()
        assert run.pid("hub") == hub


async def test_a_broken_file_leaves_the_last_good_one_and_is_told_of_everywhere(
    run: SandboxRun, file: CatalogueFile
) -> None:
    async with Person.at(run.url, run.user("carol")) as carol, Person.at(run.url, run.user("alice")) as alice:
        await form_with(carol, "small", "gpu")
        await until_metric(carol, "genkan_catalogue_valid", "1.0")
        file.write(BROKEN)
        await until_metric(carol, "genkan_catalogue_valid", "0.0")

        await form_with(alice, "small", "gpu")
        await alice.start(profile="gpu", image="pytorch")
        await alice.stop()
        problem = f"{file.path}:3:46: hardware[1].cpu: 'two' is no quantity of Kubernetes"
        log = (run.state / "logs" / "hub.log").read_text()
        assert log.count(problem) == 1
        assert problem in (await carol.page("spawn")).text.replace("&#39;", "'")
        assert str(file.path) not in (await alice.page("spawn")).text

        file.write(LARGER)
        await form_with(alice, "small", "gpu", "large")
        assert await metric(carol, "genkan_catalogue_valid") == "1.0"
        assert str(file.path) not in (await carol.page("spawn")).text


async def test_a_saved_choice_whose_rows_are_gone_breaks_neither_form_nor_start(
    run: SandboxRun, file: CatalogueFile
) -> None:
    assert run.ready is not None
    async with Person.at(run.url, run.user("bob")) as bob, await KubernetesApi.connect(run.ready.kubeconfig) as api:
        await form_with(bob, "small", "gpu")
        await bob.start(profile="gpu", image="pytorch")
        await bob.stop()
        form = await bob.form()
        assert form.checked["profile"] == "gpu"
        assert form.checked["profile-option-gpu--image"] == "pytorch"

        lines = CATALOGUE.splitlines(keepends=True)
        file.write("".join(line for line in lines if "slug: gpu" not in line and "slug: pytorch" not in line))
        form = await form_with(bob, "small")
        assert form.checked["profile"] == "small"
        assert form.checked["profile-option-small--image"] == "scipy"

        answer = await bob.api("POST", "users/bob/server")
        assert answer.is_success, answer.text
        await bob.until(ready=True)
        (pod,) = await api.list(PODS, label_selector="hub.jupyter.org/username=bob")
        assert pod["spec"]["containers"][0]["image"] == "registry.example.org/genkan/scipy:1"
        await bob.stop()

        refused = await bob.submit(profile="gpu", image="pytorch")
        assert refused.status_code == httpx.codes.BAD_REQUEST
        assert "There is no profile" in refused.text
