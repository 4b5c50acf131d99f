import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from genkan_sandbox.agent.host import HostView, private_directories, search_path
from genkan_sandbox.agent.sandboxing import Isolation

from .test_processes import Runner


@pytest.fixture
def opt() -> Iterator[Path]:
    """A directory below one whose programs containers see."""
    try:
        made = tempfile.TemporaryDirectory(dir="/opt", prefix="genkan-test-")
    except OSError as e:
        pytest.skip(f"/opt cannot be written to: {e}")
    with made as directory:
        yield Path(directory)


def test_this_machine_is_seen_as_it_is(tmp_path: Path) -> None:
    host = HostView.read()
    assert "/usr" in host.directories
    for path in (sys.prefix, sys.base_prefix):
        assert any(f"{path}/".startswith(f"{top}/") for top in (*host.directories, *host.interpreter))

    (tmp_path / "usr").mkdir()
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "home").mkdir()
    found = HostView.read(root=tmp_path)
    assert (found.directories, found.links) == (("/usr",), (("usr/bin", "/bin"),))


def test_commands_of_this_python_come_first() -> None:
    assert search_path().split(":")[0] == os.path.join(sys.prefix, "bin")  # noqa: PTH118


def test_private_directories_are_hidden_where_containers_would_see_them(tmp_path: Path, opt: Path) -> None:
    host = HostView.read(private=[tmp_path, opt / "missing", opt])

    assert (host.hidden_early[-1], host.hidden_late) == (str(opt), ())
    assert str(tmp_path) not in host.hidden_directories


def test_this_python_is_seen_though_it_is_in_a_hidden_directory(monkeypatch: pytest.MonkeyPatch, opt: Path) -> None:
    home, python = opt / "ann", opt / "ann/python"
    state = python / "state"
    state.mkdir(parents=True)
    for name in ("prefix", "base_prefix", "exec_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, name, str(python))
    host = HostView.read(private=[state, home])

    assert host.hidden_early[-2:] == (str(home), str(state))
    assert (host.interpreter, host.hidden_late) == ((str(python),), (str(state),))


def test_the_users_home_is_private_unless_it_is_a_directory_of_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    state = Path("/state")
    monkeypatch.setenv("HOME", "/srv/ann")
    assert private_directories(state) == (state, Path("/srv/ann"))
    for system in ("/", "/usr/sbin", "/bin"):
        monkeypatch.setenv("HOME", system)
        assert private_directories(state) == (state,)


async def test_a_container_sees_of_the_state_directory_its_volumes_only(
    bubblewrap: Isolation, tmp_path: Path, opt: Path
) -> None:
    state = opt / "state"
    (state / "volumes/v").mkdir(parents=True)
    (state / "admin.kubeconfig").write_text("secret")
    (state / "volumes/v/file").write_text("data")
    (opt / "program").write_text("program")
    runner = Runner(bubblewrap, tmp_path, host=HostView.read(private=[state]))
    runner.home = state / "volumes/v"
    process = await runner.shell(f"cat file {opt}/program; ls -A {state}; ! cat {state}/admin.kubeconfig 2>/dev/null")

    assert await process.exit == 0
    assert runner.log.read_text() == "dataprogram"


async def test_a_python_in_a_hidden_directory_can_be_run(
    bubblewrap: Isolation, tmp_path: Path, opt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, python = opt / "ann", opt / "ann/python"
    (python / "state").mkdir(parents=True)
    (python / "state/key").write_text("secret")
    (home / "diary").write_text("secret")
    (python / "code").write_text("code")
    for name in ("prefix", "exec_prefix"):
        monkeypatch.setattr(sys, name, str(python))
    runner = Runner(bubblewrap, tmp_path, host=HostView.read(private=[python / "state", home]))
    process = await runner.shell(f"cat {python}/code; ls {home} {python}/state")

    assert await process.exit == 0
    assert "diary" not in runner.log.read_text()
    assert "key" not in runner.log.read_text()
    assert runner.log.read_text().startswith("code")
