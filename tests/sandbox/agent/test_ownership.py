"""Users of containers as users of their own, which only root can make; without it there is nothing to look at."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from genkan_sandbox.agent.host import HostView, search_path
from genkan_sandbox.agent.mounts import Bind
from genkan_sandbox.agent.ownership import FIRST, Owners, separate_owners
from genkan_sandbox.agent.processes import ContainerProcess, Launch, StartError
from genkan_sandbox.agent.sandboxing import Jail, bubblewrap_command, detect_owners, loaders

from ...support.sandbox import require


@pytest.fixture
async def owners() -> Owners:
    found = await detect_owners(HostView.read())
    if not found.separate:
        require("The users of containers are kept apart only where root runs the sandbox with bubblewrap.")
    return found


@pytest.fixture
def machine_root() -> None:
    if os.geteuid() != 0:
        require("Only root gives files away.")


@pytest.fixture
def pretended(machine_root: None) -> Iterator[Owners]:
    """Owners of which only the numbers are used."""
    descriptor = os.open("/", os.O_PATH)
    yield Owners(descriptor, "setpriv")
    os.close(descriptor)


class Box:
    """Runs scripts in a jail as one user after another, in one directory."""

    def __init__(self, owners: Owners, directory: Path) -> None:
        self.owners = owners
        self.shared = directory / "shared"
        self.shared.mkdir(mode=0o700)
        self.log = directory / "logs" / "c.log"

    async def run(
        self, script: str, *, user: int = 1000, group: int = 1000, groups: tuple[int, ...] = (), **environment: str
    ) -> tuple[int, str]:
        return await self.start("sh", "-c", script, user=user, group=group, groups=groups, **environment)

    async def start(
        self,
        *argv: str,
        user: int = 1000,
        group: int = 1000,
        groups: tuple[int, ...] = (),
        **environment: str,
    ) -> tuple[int, str]:
        self.log.unlink(missing_ok=True)
        variables = {"PATH": search_path(), "HOME": "/home/jovyan", **environment}
        jail = Jail(
            "pod",
            "/data",
            user=user,
            group=group,
            groups=groups,
            binds=(Bind(self.shared, "/data"),),
            owners=self.owners,
            variables=loaders(variables),
        )
        launch = Launch(
            log=self.log,
            environment={name: value for name, value in variables.items() if name not in jail.variables},
            jailed=partial(bubblewrap_command, argv, jail=jail, host=HostView.read()),
            namespace=self.owners.namespace,
            owner=self.owners.machine_id(user),
        )
        process = await ContainerProcess.start(launch)
        return await process.exit, self.log.read_text()


@pytest.fixture
def box(owners: Owners, tmp_path: Path) -> Box:
    made = Box(owners, tmp_path)
    owners.give(made.shared, uid=0, gid=0)
    made.shared.chmod(0o1777)
    return made


async def test_a_container_has_its_user_and_groups_and_no_rights(box: Box) -> None:
    code, log = await box.run("id -u; id -g; id -G; grep Cap /proc/self/status", user=1001, group=7, groups=(100, 3000))

    assert code == 0
    assert log.splitlines()[:3] == ["1001", "7", "7 100 3000"]
    assert {line.split()[1] for line in log.splitlines()[3:]} == {"0" * 16}


async def test_files_belong_to_the_containers_user_shifted_out_of_the_machines_own(box: Box) -> None:
    await box.run("echo mine > file", user=1001, group=7)

    found = (box.shared / "file").stat()
    assert (found.st_uid, found.st_gid) == (FIRST + 1001, FIRST + 7)


async def test_rights_keep_users_apart(box: Box) -> None:
    await box.run("umask 077; echo mine > file", user=1001)
    code, log = await box.run("cat file || rm -f file || cat /etc/shadow", user=1002)

    assert code != 0
    assert "mine" not in log
    assert (await box.run("cat file", user=1001)) == (0, "mine\n")


async def test_every_user_can_write_where_programs_do(box: Box) -> None:
    script = 'for place in /tmp /dev/shm /var/tmp "$HOME"; do touch "$place/x" || exit 1; done; ! touch /x /usr/x'

    assert (await box.run(script + " 2>/dev/null", user=54_321))[0] == 0


async def test_standard_output_can_be_opened_anew(box: Box) -> None:
    assert await box.run("echo hello > /dev/stdout", user=1001) == (0, "hello\n")


async def test_no_variable_has_code_loaded_before_rights_are_given_up(box: Box) -> None:
    code, log = await box.run('echo "$LD_PRELOAD" "$GREETING"', LD_PRELOAD="/data/evil.so", GREETING="hello")

    assert code == 0
    assert log.splitlines()[-1] == "/data/evil.so hello"
    # The loader complains for what runs after the change of users: env's command, not setpriv.
    assert log.count("cannot be preloaded") == 1


async def test_a_command_that_is_missing_is_said_as_ever(box: Box) -> None:
    with pytest.raises(StartError, match=r'^exec: "nope": executable file not found in \$PATH$'):
        await box.start("nope")
    (box.shared / "file").touch()
    with pytest.raises(StartError, match=r'^exec: "/data/file": permission denied$'):
        await box.start("/data/file")


def test_without_root_nobody_is_kept_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    owners = separate_owners()
    before = tmp_path.stat()

    owners.give(tmp_path, uid=5, gid=5)
    owners.apply_group(tmp_path, 5, read_only=False, unless_root_matches=False)
    assert not owners.separate
    assert not owners.adopt(tmp_path)
    assert tmp_path.stat() == before


def tree(root: Path) -> Path:
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "file").write_text("x")
    (root / "deep" / "file").chmod(0o600)
    (root / "link").symlink_to("/etc/hostname")
    (root / "folder").symlink_to("/etc")
    (root / "dangling").symlink_to("nowhere")
    return root


def modes(root: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.lstat() for path in (root, *root.rglob("*")) if not path.is_symlink()}
    return {path.name: (row.st_gid, row.st_mode & 0o7777) for path, row in found.items()}


def test_a_pods_group_is_given_to_all_of_a_volume(pretended: Owners, tmp_path: Path) -> None:
    volume = tree(tmp_path / "volume")
    volume.chmod(0o755)
    (volume / "deep").chmod(0o700)
    before = Path("/etc").stat(), Path("/etc/hostname").stat()

    pretended.apply_group(volume, 100, read_only=False, unless_root_matches=True)

    gid = FIRST + 100
    assert modes(volume) == {"volume": (gid, 0o2775), "deep": (gid, 0o2770), "file": (gid, 0o660)}
    assert (volume / "link").lstat().st_gid == (volume / "folder").lstat().st_gid == gid
    assert (Path("/etc").stat(), Path("/etc/hostname").stat()) == before


def test_a_volume_whose_root_matches_is_left_alone_if_asked(pretended: Owners, tmp_path: Path) -> None:
    volume = tree(tmp_path / "volume")
    pretended.apply_group(volume, 100, read_only=False, unless_root_matches=False)
    (volume / "deep" / "file").chmod(0o600)

    pretended.apply_group(volume, 100, read_only=False, unless_root_matches=True)
    assert modes(volume)["file"][1] == 0o600
    pretended.apply_group(volume, 100, read_only=False, unless_root_matches=False)
    assert modes(volume)["file"][1] == 0o660


def test_what_can_only_be_read_is_opened_for_reading(pretended: Owners, tmp_path: Path) -> None:
    volume = tree(tmp_path / "volume")
    (volume / "deep" / "file").chmod(0o400)

    pretended.apply_group(volume, 100, read_only=True, unless_root_matches=False)

    assert modes(volume)["file"][1] == 0o440


def test_files_of_a_sandbox_that_kept_nobody_apart_are_taken_over_and_back(pretended: Owners, tmp_path: Path) -> None:
    volume = tree(tmp_path / "volume")

    assert pretended.adopt(volume)
    assert not pretended.adopt(volume)
    assert {path.lstat().st_uid for path in (volume, *volume.rglob("*"))} == {FIRST + 1000}
    assert Owners().adopt(volume)
    assert {path.lstat().st_uid for path in (volume, *volume.rglob("*"))} == {0}
