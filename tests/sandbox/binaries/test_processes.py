import os
from pathlib import Path

import pytest

from genkan_sandbox.binaries.processes import Command, run

from .toolbox import Toolbox


def command(toolbox: Toolbox, script: str) -> Command:
    program = toolbox.program("tool", f"PATH=/usr/bin:/bin\n{script}")
    return Command(
        words=[str(program), "word"], directory=toolbox.folder, environment=os.environ, log=toolbox.folder / "tool.log"
    )


def nothing() -> None:
    pass


def ignore(_line: str) -> None:
    pass


def test_each_line_is_heeded_and_logged(toolbox: Toolbox) -> None:
    heard: list[str] = []

    ended = run(
        command(toolbox, 'echo "$1"; echo error >&2; printf "10 %%\\r20 %%\\nrest"; exit 3'),
        heed=heard.append,
        tick=nothing,
    )

    assert heard == ["word", "error", "10 %", "20 %"]
    assert ended.lines == ("word", "error", "10 %", "20 %", "rest")
    assert ended.code == 3
    assert (toolbox.folder / "tool.log").read_text().splitlines()[1:3] == ["word", "error"]


def test_a_command_has_nothing_to_read(toolbox: Toolbox) -> None:
    assert run(command(toolbox, "cat"), heed=ignore, tick=nothing).lines == ()


def test_a_command_that_is_killed_ends_with_the_shells_code(toolbox: Toolbox) -> None:
    assert run(command(toolbox, "kill -9 $$"), heed=ignore, tick=nothing).code == 128 + 9


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    missing = Command(words=["/nowhere/tool"], directory=tmp_path, environment={}, log=tmp_path / "log")

    ended = run(missing, heed=ignore, tick=nothing)

    assert ended.code == 127
    assert ended.lines == ("/nowhere/tool: No such file or directory",)


def test_a_child_that_stays_behind_does_not_hold_up_the_end(toolbox: Toolbox) -> None:
    ended = run(command(toolbox, "sleep 5 & echo done"), heed=ignore, tick=nothing)

    assert ended.lines == ("done",)


@pytest.mark.parametrize("deaf", ["", "trap '' INT TERM;"])
def test_what_the_tick_raises_ends_the_command_with_its_children(
    toolbox: Toolbox, deaf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genkan_sandbox.binaries.processes.GRACE_S", 0.2)
    hanging = command(toolbox, f"{deaf} {toolbox.hanging()}")
    pipe = os.open(toolbox.pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(pipe, True)
    pieces: list[bytes] = []

    def tick() -> None:
        if not pieces:
            pieces.append(os.read(pipe, 100))
        elif pieces[0]:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        run(hanging, heed=ignore, tick=tick)

    assert os.read(pipe, 100) == b""
    os.close(pipe)
