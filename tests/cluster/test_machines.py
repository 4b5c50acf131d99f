"""Machines of all kinds: ordinary users, no bubblewrap, no user namespaces."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from genkan_sandbox.state import default_cache_directory

from ..support.hub import Person
from ..support.sandbox import SandboxRun, end, require

ROOT = Path(__file__).parents[2]
CPU = {"profile": "cpu-small"}
NOBODY = 65534
INSTALL_SECONDS = 600


async def main_job(run: SandboxRun) -> None:
    async with Person.at(run.url, run.user("alice")) as alice:
        await alice.start(**CPU)
        assert await alice.run("6*7") == "42"
        await alice.write("notes.txt", "kept")
        await alice.stop()
        await alice.start(**CPU)
        assert await alice.read("notes.txt") == "kept"


@pytest.fixture
def path_without_bubblewrap(tmp_path: Path) -> str:
    """Everything on PATH but bwrap."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for place in os.environ["PATH"].split(":"):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name != "bwrap" and not link.exists():
                link.symlink_to(program)
    return str(folder)


@pytest.fixture
def run(binaries: None, tmp_path: Path) -> Iterator[SandboxRun]:
    """A sandbox that is not started yet."""
    run = SandboxRun(state=tmp_path / "state", arguments=("--site", "workstations"))
    yield run
    end(run)


async def test_without_bubblewrap_servers_run_plainly_and_it_says_so(
    run: SandboxRun, path_without_bubblewrap: str
) -> None:
    run.environment = {"PATH": path_without_bubblewrap}
    run.start()
    run.wait_ready()
    await main_job(run)
    assert "not kept apart" in run.output
    run.stop()
    assert run.processes() == []


@pytest.fixture
def without_user_namespaces() -> tuple[str, ...]:
    """Words before a command that take user namespaces away from it."""
    disable = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    words = ("unshare", "--user", "--map-root-user", "sh", "-c", disable, "sh")
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode != 0:
        require("This machine does not let a process take user namespaces away from itself.")
    return words


async def test_with_user_namespaces_disabled_servers_run_plainly_and_it_says_so(
    run: SandboxRun, without_user_namespaces: tuple[str, ...]
) -> None:
    run.prefix = without_user_namespaces
    run.start()
    run.wait_ready()
    await main_job(run)
    assert "not kept apart" in run.output


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach: any run of pytest that starts closes the one of all its runs to them."""
    with tempfile.TemporaryDirectory(prefix="genkan-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.timeout(INSTALL_SECONDS + 300)
async def test_an_ordinary_user_follows_the_readme(open_folder: Path, run: SandboxRun) -> None:
    """`make up` in a copy of the checkout, with an environment of its own; only the binaries are not built again."""
    if os.geteuid() != 0:
        require("Only root can become another user; without root, all of these tests run as an ordinary user.")
    home = open_folder / "home"
    checkout = home / "genkan"
    _copy_checkout(checkout)
    shutil.copytree(default_cache_directory(), home / ".cache" / "genkan", symlinks=True)
    for folder in (home, *home.rglob("*")):
        os.chown(folder, NOBODY, NOBODY, follow_symlinks=False)

    run.state = home / "state"
    run.program = ("make", "--directory", str(checkout))
    run.prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    run.environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    run.arguments = (
        "PYTHON=/usr/bin/python3",
        f"STATE={run.state}",
        f"READY_FILE={run.ready_file}",
        "SITE=workstations",
    )
    run.start_make()
    ready = run.wait_ready(INSTALL_SECONDS)
    assert {process.uids().real for process in run.processes()} == {NOBODY}
    await main_job(run)
    os.kill(ready.pids["supervisor"], signal.SIGINT)
    run.running.wait(10)
    assert run.processes() == []


def _copy_checkout(target: Path) -> None:
    """Copy what git would clone, with the changes of this tree."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
