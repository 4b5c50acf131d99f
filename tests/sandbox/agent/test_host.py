import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from genkan_sandbox.agent.host import HostView, private_directories, search_path
from genkan_sandbox.agent.sandboxing import Isolation

from ...support.sandbox import require
from .test_processes import Runner


@pytest.fixture
def opt() -> Iterator[Path]:
    """A directory below one whose programs containers see."""
    try:
        made = tempfile.TemporaryDirectory(dir="/opt", prefix="genkan-test-")
    except OSError as e:
        require(f"/opt cannot be written to: {e}")
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
    assert (found.directories, found.links, found.configuration) == (("/usr",), (("usr/bin", "/bin"),), ())


def test_of_etc_is_seen_what_programs_need_and_nothing_else(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    for name in (
        "hosts",
        "shadow",
        "krb5.keytab",
        "wireguard/wg0.conf",
        "ssl/certs/a.pem",
        "ssl/private/key",
        "magic.mime",
    ):
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text(name)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/resolv.conf").write_text("nameserver")
    (etc / "resolv.conf").symlink_to("../run/resolv.conf")
    (etc / "profile").symlink_to("gone")
    (etc / "localtime").symlink_to("/usr/share")
    (tmp_path / "usr").mkdir()
    host = HostView.read(root=tmp_path)

    assert {path: source.removeprefix(str(tmp_path)) for source, path in host.configuration} == {
        "/etc/hosts": "/etc/hosts",
        "/etc/magic.mime": "/etc/magic.mime",
        "/etc/resolv.conf": "/run/resolv.conf",
        "/etc/ssl/certs": "/etc/ssl/certs",
    }
    assert host.links == (("/usr/share", "/etc/localtime"),)


async def test_a_shell_and_this_python_find_their_configuration(bubblewrap: Isolation, tmp_path: Path) -> None:
    runner = Runner(bubblewrap, tmp_path)
    python = "import socket, ssl; print(open('/etc/hosts').read().strip(), socket.gethostbyname('localhost'))"
    process = await runner.start("bash", "-lc", f'id -u && {sys.executable} -c "{python}"')

    assert await process.exit == 0
    said = runner.log.read_text()
    assert said.startswith("1000\n")
    assert said.endswith(" 127.0.0.1\n")


async def test_files_of_the_administrator_are_not_there(bubblewrap: Isolation, tmp_path: Path) -> None:
    runner = Runner(bubblewrap, tmp_path)
    process = await runner.shell(
        "find /etc -name '*shadow*' -o -name 'ssl-cert*.key' -o -name 'sudoers*'; ls -d /etc/s*"
    )

    assert await process.exit == 0
    assert not any(word in runner.log.read_text() for word in ("shadow", "key", "sudoers", "/etc/ssh"))


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
