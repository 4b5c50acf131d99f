import asyncio
import os
import resource
import shutil
from functools import partial
from pathlib import Path

import pytest

from genkan_sandbox.agent import processes
from genkan_sandbox.agent.host import HostView, search_path
from genkan_sandbox.agent.leftovers import marked_processes
from genkan_sandbox.agent.mounts import Bind
from genkan_sandbox.agent.processes import ContainerProcess, Launch, StartError, missing_command
from genkan_sandbox.agent.sandboxing import Isolation, Jail, bubblewrap_command

from ...support.sandbox import require

READY = "echo ready; "


class Runner:
    """Starts commands in one of the two ways, with a home that is a directory of the test."""

    def __init__(self, isolation: Isolation, directory: Path, *, host: HostView | None = None) -> None:
        self.host = host or HostView.read()
        self.isolation = isolation
        self.home = directory / "home"
        self.home.mkdir()
        self.open_files: int | None = None
        self.log = directory / "logs" / "c.log"

    async def start(self, *command: str, **environment: str) -> ContainerProcess:
        variables = {"PATH": search_path(), "HOME": "/home/jovyan", **environment}
        if self.isolation is Isolation.NONE:
            return await ContainerProcess.start(
                Launch(
                    log=self.log,
                    environment=variables,
                    command=command,
                    directory=self.home,
                    open_files=self.open_files,
                )
            )
        jail = Jail("pod", "/home/jovyan", binds=(Bind(self.home, "/home/jovyan"),))
        return await ContainerProcess.start(
            Launch(
                log=self.log,
                environment=variables,
                jailed=partial(bubblewrap_command, command, jail=jail, host=self.host),
                open_files=self.open_files,
            )
        )

    async def shell(self, script: str) -> ContainerProcess:
        return await self.start("sh", "-c", script)

    async def until_logged(self, text: str) -> None:
        async with asyncio.timeout(20):
            while text not in self.log.read_text():
                await asyncio.sleep(0.005)


@pytest.fixture
def runner(isolation: Isolation, tmp_path: Path) -> Runner:
    return Runner(isolation, tmp_path)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$; exit 1", None)])
async def test_exit_codes(runner: Runner, script: str, code: int | None) -> None:
    process = await runner.shell(script)
    # The first process of a container cannot be killed from inside it.
    expected = code if code is not None else (137 if runner.isolation is Isolation.NONE else 1)

    assert await process.exit == expected


async def test_output_is_appended_to_the_log(runner: Runner) -> None:
    for text in ("one", "two"):
        process = await runner.shell(f"echo {text}; echo {text} >&2")
        assert await process.exit == 0

    assert runner.log.read_text() == "one\none\ntwo\ntwo\n"
    assert runner.log.stat().st_mode & 0o777 == 0o600


async def test_the_home_is_the_working_directory_and_survives(runner: Runner) -> None:
    assert await (await runner.shell("echo here > file")).exit == 0
    assert (runner.home / "file").read_text() == "here\n"
    assert await (await runner.shell("cat file")).exit == 0


async def test_the_environment_is_only_what_is_given(runner: Runner) -> None:
    process = await runner.start("env", STRANGE="a\nb 'c' $HOME ü")
    assert await process.exit == 0

    text = runner.log.read_text().replace("PWD=/home/jovyan\n", "")
    assert text.startswith(f"PATH={search_path()}\nHOME=/home/jovyan\nSTRANGE=a\nb 'c' $HOME ü\n")
    assert len(text.splitlines()) == 4


async def test_the_limit_of_open_files_is_the_containers_own(runner: Runner) -> None:
    soft, hard = (str(number) for number in resource.getrlimit(resource.RLIMIT_NOFILE))
    os.mkfifo(runner.home / "go")
    # It looks only after its start, as a program without bubblewrap is given its limit just after that.
    script = "read line < go; ulimit -S -n; ulimit -H -n"
    for given, wanted in ((321, "321"), (None, soft)):
        runner.open_files = given
        process = await runner.shell(script)
        await asyncio.to_thread((runner.home / "go").write_text, "\n")
        assert await process.exit == 0
        assert runner.log.read_text().split()[-2:] == [wanted, hard]


async def test_a_jail_begins_with_its_limit_of_open_files(
    bubblewrap: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("prlimit") is None:
        require("prlimit of util-linux is not installed.")
    monkeypatch.setattr(processes, "limit_files", lambda *_: None)
    runner = Runner(bubblewrap, tmp_path)
    runner.open_files = 321
    process = await runner.shell("ulimit -S -n")

    assert await process.exit == 0
    assert runner.log.read_text() == "321\n"


async def test_a_process_may_end_in_its_own_way(runner: Runner) -> None:
    process = await runner.shell(f"trap 'echo bye; exit 5' TERM; {READY} while true; do sleep 0.02; done")
    await runner.until_logged("ready")
    process.terminate()

    assert await process.exit == 5
    assert "bye" in runner.log.read_text()


async def test_a_process_that_ignores_the_request_is_killed(runner: Runner) -> None:
    process = await runner.shell(f"trap '' TERM; {READY} while true; do sleep 0.02; done")
    await runner.until_logged("ready")
    process.terminate()
    process.kill()

    assert await process.exit == 137


async def test_signals_after_the_end_hit_nobody(runner: Runner) -> None:
    process = await runner.shell("exit 0")
    await process.exit

    process.terminate()
    process.kill()


async def test_what_a_killed_process_started_ends_with_it(runner: Runner) -> None:
    process = await runner.shell(f"sleep 600 & echo $! > pid; {READY} wait")
    await runner.until_logged("ready")
    children = children_of(process.inner)
    process.kill()
    await process.exit

    async with asyncio.timeout(20):
        while any(alive(pid) for pid in children):
            await asyncio.sleep(0.005)
    assert children


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_no_dead_process_is_left_unburied(runner: Runner) -> None:
    for _ in range(5):
        await (await runner.shell("exit 0")).exit

    assert [pid for pid in children_of(os.getpid()) if not alive(pid)] == []


async def test_a_command_that_is_not_there(runner: Runner) -> None:
    with pytest.raises(StartError, match=r'^exec: "no-such-command": executable file not found in \$PATH$'):
        await runner.start("no-such-command")
    with pytest.raises(StartError, match=r'^exec: "/no/such": stat /no/such: no such file or directory$'):
        await runner.start("/no/such")


async def test_a_command_that_may_not_be_executed(runner: Runner) -> None:
    (runner.home / "data").write_text("x")

    with pytest.raises(StartError, match=r'^exec: "\./data": permission denied$'):
        await runner.start("./data")


async def test_many_at_once(runner: Runner) -> None:
    started = await asyncio.gather(*(runner.shell(f"exit {number}") for number in range(12)))

    assert await asyncio.gather(*(process.exit for process in started)) == list(range(12))


async def test_a_start_that_is_given_up_leaves_no_process(runner: Runner) -> None:
    mark = f"given-up-{os.getpid()}-{runner.isolation}"
    task = asyncio.create_task(runner.start("sleep", "600", MARK=mark))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with asyncio.timeout(20):
        while list(marked_processes(("MARK", mark))):
            await asyncio.sleep(0.01)


async def test_a_jail_whose_volume_is_gone_says_so(bubblewrap: Isolation, tmp_path: Path) -> None:
    runner = Runner(bubblewrap, tmp_path)
    runner.home.rmdir()

    with pytest.raises(StartError, match="No such file or directory"):
        await runner.shell("exit 0")


async def test_a_jail_shows_nothing_else_of_the_machine(bubblewrap: Isolation, tmp_path: Path) -> None:
    runner = Runner(bubblewrap, tmp_path)
    process = await runner.shell(
        f"test -e {tmp_path} && exit 1; grep -s root /etc/shadow && exit 2; touch /usr/x && exit 3; id -u"
    )
    assert await process.exit == 0

    assert runner.log.read_text().splitlines()[-1] == "1000"


def test_reasons_in_the_runtimes_words() -> None:
    assert missing_command("x") == 'exec: "x": executable file not found in $PATH'
    assert missing_command("/x") == 'exec: "/x": stat /x: no such file or directory'
    assert missing_command("/x", "Exec format error") == 'exec: "/x": exec format error'


async def test_a_containers_variables_neither_reach_bubblewrap_nor_its_command_line(
    bubblewrap: Isolation, tmp_path: Path
) -> None:
    runner = Runner(bubblewrap, tmp_path)
    environment = {"PATH": "/bin", "LD_PRELOAD": "/no/such.so", "TOKEN": "s3cret", "GENKAN_SANDBOX_ID": "mark"}
    process = await runner.start("sh", "-c", "echo $TOKEN $LD_PRELOAD; read x < /dev/null; sleep 600", **environment)
    await runner.until_logged("s3cret /no/such.so")
    outer = Path("/proc", str(process.process.pid))
    command, variables = read(outer / "cmdline"), read(outer / "environ")
    process.kill()

    assert await process.exit == 137
    assert b"s3cret" not in command
    assert variables == b"GENKAN_SANDBOX_ID=mark\0"


def read(path: Path) -> bytes:
    return path.read_bytes()
