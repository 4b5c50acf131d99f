import asyncio
import resource
import shutil
from pathlib import Path

import pytest

from genkan_sandbox.agent.host import HostView
from genkan_sandbox.agent.mounts import Bind
from genkan_sandbox.agent.processes import Pipes
from genkan_sandbox.agent.sandboxing import Isolation, Jail, bubblewrap_command, detect_isolation

HOST = HostView(
    directories=("/opt", "/usr"),
    links=(("usr/bin", "/bin"),),
    configuration=(("/run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf"),),
    hidden_directories=("/home/ann/venv/state", "/opt/state"),
    interpreter=("/home/ann/venv",),
)


def words(*binds: Bind, host: HostView = HOST, directory: str = "/home/jovyan") -> list[str]:
    jail = Jail(hostname="pod", working_directory=directory, binds=binds)
    return bubblewrap_command(["lab", "--x"], jail=jail, host=host, pipes=Pipes(status=7, arguments=8))


def position(command: list[str], *part: str) -> int:
    found = [index for index in range(len(command)) if tuple(command[index : index + len(part)]) == part]
    assert len(found) == 1, (part, command)
    return found[0]


def test_the_root_is_empty_but_for_the_machines_programs() -> None:
    command = words()

    assert command[-3:] == ["--", "lab", "--x"]
    root = position(command, "--tmpfs", "/")
    assert root < position(command, "--ro-bind", "/usr", "/usr")
    assert root < position(command, "--ro-bind-try", "/run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf")
    assert position(command, "--symlink", "usr/bin", "/bin")
    assert position(command, "--ro-bind", "/opt", "/opt") < position(command, "--tmpfs", "/opt/state")
    interpreter = position(command, "--ro-bind", "/home/ann/venv", "/home/ann/venv")
    assert interpreter < position(command, "--tmpfs", "/home/ann/venv/state")
    assert position(command, "--args", "8", "--json-status-fd", "7")
    assert "/" not in [command[index + 1] for index, word in enumerate(command) if word.endswith("bind")]


def test_user_and_namespaces() -> None:
    command = words()

    assert position(command, "--unshare-user", "--uid", "1000", "--gid", "1000")
    assert position(command, "--hostname", "pod")
    assert {"--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts", "--die-with-parent"} <= set(command)
    assert "--unshare-net" not in command


def test_this_python_is_there_even_under_a_home() -> None:
    command = words(Bind(Path("/v"), "/home/jovyan"), Bind(Path("/data"), "/data", read_only=True))

    interpreter = position(command, "--ro-bind", "/home/ann/venv", "/home/ann/venv")
    assert position(command, "--tmpfs", "/home") < interpreter < position(command, "--bind", "/v", "/home/jovyan")
    assert position(command, "--ro-bind", "/data", "/data") < position(command, "--chdir", "/home/jovyan")


def test_a_volume_that_would_hide_this_python_comes_before_it() -> None:
    command = words(Bind(Path("/v"), "/home"), Bind(Path("/w"), "/home/jovyan"))

    interpreter = position(command, "--ro-bind", "/home/ann/venv", "/home/ann/venv")
    assert position(command, "--bind", "/v", "/home") < interpreter < position(command, "--bind", "/w", "/home/jovyan")


def test_a_volume_that_is_full_is_a_full_file_system_in_its_place() -> None:
    command = words(Bind(Path("/v"), "/home/jovyan", full=True), Bind(Path("/w"), "/home/jovyan/work"))

    place = position(command, "--tmpfs", "/home/jovyan")
    assert command[place - 4 : place] == ["--perms", "0777", "--size", str(resource.getpagesize())]
    assert command[place + 2] == "--symlink"
    assert len(command[place + 3]) > 128
    assert place < position(command, "--bind", "/w", "/home/jovyan/work")
    assert "/v" not in command


def test_names_cannot_become_options() -> None:
    command = words(Bind(Path("/v/--share-net"), "/home/jovyan"), directory="/--bind")

    assert command[-3:] == ["--", "lab", "--x"]
    assert position(command, "--bind", "/v/--share-net", "/home/jovyan")


async def test_isolation_is_found_out_by_trying(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = shutil.which("bwrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    isolation, reason = await detect_isolation(HostView.read())
    assert (isolation, "not installed" in reason) == (Isolation.NONE, True)

    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    isolation, reason = await detect_isolation(HostView.read())
    assert isolation is Isolation.NONE
    assert "user namespaces" in reason
    assert "No permissions to create new namespace" in reason

    broken.write_text("no program")
    isolation, reason = await detect_isolation(HostView.read())
    assert isolation is Isolation.NONE
    assert "exec format error" in reason.lower()

    if real is not None:
        monkeypatch.setenv("PATH", str(Path(real).parent))
        assert await detect_isolation(HostView.read()) in {(Isolation.BUBBLEWRAP, ""), (Isolation.NONE, reason)}
    await asyncio.sleep(0)
