"""What the packages show to the outside, and which way they import."""

import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points, version
from pathlib import Path
from types import ModuleType

import pytest

from .checkout import ROOT

PACKAGES = ["genkan_hub", "genkan_images", "genkan_profiles", "genkan_sandbox", "genkan_spawner"]


def isort_key(name: str) -> tuple[int, str]:
    """Order names as ruff's RUF022 does: constants, classes, the rest."""
    rank = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return rank, name


def public_members(package: ModuleType) -> set[str]:
    members = {name: getattr(package, name) for name in {*dir(package), *package.__all__}}
    return {
        name
        for name, member in members.items()
        if not name.startswith("_") and not inspect.ismodule(member) and name not in {"Any", "TYPE_CHECKING"}
    }


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_sorted_and_names_every_public_member(name: str) -> None:
    package = import_module(name)

    assert list(package.__all__) == sorted(package.__all__, key=isort_key)
    assert set(package.__all__) == public_members(package) | {"__version__"}


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_carries_the_version_of_the_distribution(name: str) -> None:
    assert import_module(name).__version__ == version("genkan")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_is_typed(name: str) -> None:
    assert Path(str(import_module(name).__file__)).with_name("py.typed").is_file()


def test_the_spawner_is_an_entry_point_of_jupyterhub() -> None:
    """JupyterHub only logs an import error here, at debug level."""
    (spawner,) = entry_points(group="jupyterhub.spawners", name="genkan")

    assert spawner.load().__name__ == "GenkanSpawner"


def test_the_door_of_the_cluster_page_is_open_before_the_rest_is_loaded() -> None:
    """A hub ends itself when a service of its own does not answer in time."""
    program = "import sys, genkan_hub.cluster_page.cli; print({'kubernetes_asyncio', 'jupyterhub'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout == "set()\n"


def test_the_way_to_kubernetes_does_not_wait_for_the_hub() -> None:
    """The node agent and each command of the sandbox would start two seconds later."""
    program = "import sys, genkan_spawner.api; print('kubespawner' in sys.modules, 'jupyterhub' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout == "False False\n"


@pytest.mark.parametrize("command", ["genkan", "genkan-sandbox"])
def test_the_commands_load(command: str) -> None:
    (script,) = entry_points(group="console_scripts", name=command)

    assert callable(script.load())


def test_imports_point_one_way() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
