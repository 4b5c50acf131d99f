import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from genkan_sandbox.binaries.modules import Modules
from genkan_sandbox.binaries.store import Store
from genkan_sandbox.binaries.workshop import Workshop
from genkan_sandbox.progress import PatientStream, PlainProgress

from .official import OfficialHost, official_host
from .toolbox import NOWHERE, Toolbox


@pytest.fixture
def toolbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolbox:
    """An empty PATH, an empty home, and no trace of this machine's Go, npm and proxies in the environment."""
    box = Toolbox(folder=tmp_path / "toolbox")
    box.path.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    for name in list(os.environ):
        if name.startswith(("GO", "PIP_", "UV_", "npm_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(box.path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return box


@pytest.fixture
def log() -> io.StringIO:
    """What the progress says."""
    return io.StringIO()


@pytest.fixture
def progress(log: io.StringIO) -> PlainProgress:
    return PlainProgress(PatientStream(log))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def workshop(cache: Path, progress: PlainProgress) -> Workshop:
    cache.mkdir()
    return Workshop(store=Store(root=cache), progress=progress, modules=Modules.locate(), addresses=NOWHERE)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[OfficialHost]:
    with official_host(tmp_path / "host") as host:
        yield host
