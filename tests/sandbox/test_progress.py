import io
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genkan_sandbox.progress import PatientStream, PlainProgress, TerminalProgress, open_progress, spell_duration


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(log: io.StringIO, clock: Clock) -> PlainProgress:
    return PlainProgress(PatientStream(log), clock=clock)


def test_a_short_step_is_one_line(progress: PlainProgress, log: io.StringIO, clock: Clock) -> None:
    with progress.step("Starting etcd"):
        clock.now += 4

    assert log.getvalue() == "Starting etcd ...\n"


def test_a_long_step_says_now_and_then_that_it_lives(progress: PlainProgress, log: io.StringIO, clock: Clock) -> None:
    with progress.step("Building") as step:
        for _ in range(700):
            clock.now += 0.1
            step.update()

    assert log.getvalue().splitlines() == [
        "Building ...",
        "Building: still at work after 30 seconds",
        "Building: still at work after 1 minute",
        "Building: done after 1 minute 10 seconds",
    ]


def test_each_tenth_is_a_line_unless_it_goes_fast(progress: PlainProgress, log: io.StringIO, clock: Clock) -> None:
    with progress.step("Downloading") as step:
        for done in range(1, 41):
            clock.now += 0.25
            step.update(fraction=done / 40, detail="etcd")

    assert log.getvalue().splitlines() == [
        "Downloading ...",
        "Downloading: 30% done, etcd, after 3 seconds",
        "Downloading: 60% done, etcd, after 6 seconds",
        "Downloading: 90% done, etcd, after 9 seconds",
        "Downloading: done after 10 seconds",
    ]


def raise_after(clock: Clock, *, seconds: float) -> None:
    clock.now += seconds
    raise KeyboardInterrupt


def test_a_step_that_fails_is_not_called_done(progress: PlainProgress, log: io.StringIO, clock: Clock) -> None:
    with pytest.raises(KeyboardInterrupt), progress.step("Building"):
        raise_after(clock, seconds=60)

    assert log.getvalue() == "Building ...\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1.2, "1 second"),
        (59.6, "1 minute"),
        (120, "2 minutes"),
        (125, "2 minutes 5 seconds"),
    ],
)
def test_durations_are_spelled(seconds: float, words: str) -> None:
    assert spell_duration(seconds) == words


def test_a_stream_that_is_closed_or_missing_is_no_reason_to_fail(clock: Clock) -> None:
    closed = io.StringIO()
    closed.close()

    for stream in (closed, None):
        progress = PlainProgress(PatientStream(stream), clock=clock)
        with progress.step("Building") as step:
            clock.now += 60
            step.update()
        progress.say("Done.")


def test_letters_that_a_stream_cannot_write_are_replaced() -> None:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding="ascii")

    PlainProgress(PatientStream(stream)).say("Ready: 玄関")

    assert content.getvalue() == b"Ready: ??\n"


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_that_leaves_does_not_end_the_work(name: str) -> None:
    script = (
        "import sys; from genkan_sandbox.progress import open_progress\n"
        f"progress = open_progress(sys.{name})\n"
        "sys.stdin.readline()\n"
        "for number in range(10): progress.say('x' * 10000)\n"
        "sys.exit(7)\n"
    )
    reading, writing = os.pipe()
    streams = {"stdout": writing, "stderr": None} if name == "stdout" else {"stdout": None, "stderr": writing}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=streams["stdout"],
        stderr=streams["stderr"],
        text=True,
    ) as process:
        os.close(writing)
        os.close(reading)
        process.communicate("go\n")

    assert process.returncode == 7


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, io.TextIOWrapper]]:
    """The two ends of a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    reading, writing = pty.openpty()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield reading, stream
    os.close(reading)


def read_all(terminal: int) -> str:
    pieces: list[bytes] = []
    while select.select([terminal], [], [], 0)[0]:
        pieces.append(os.read(terminal, 1 << 16))
    return b"".join(pieces).decode()


def test_a_terminal_gets_moving_lines_and_keeps_what_is_done(
    terminal: tuple[int, io.TextIOWrapper], clock: Clock
) -> None:
    reading, stream = terminal
    progress = open_progress(stream, clock=clock)
    assert isinstance(progress, TerminalProgress)

    with progress.step("Building [etcd]") as step:
        clock.now += 65
        step.update(fraction=0.5, detail="compiling [x]")
        step.update()
    progress.say("Ready.")

    shown = read_all(reading)
    assert "Building [etcd]" in shown
    assert "✓ Building [etcd] (1 minute 5 seconds)\r\n" in shown
    assert shown.rstrip().endswith("Ready.")


def test_steps_of_a_terminal_may_overlap_and_fail(terminal: tuple[int, io.TextIOWrapper], clock: Clock) -> None:
    reading, stream = terminal
    progress = open_progress(stream, clock=clock)

    with pytest.raises(ValueError, match="broken"), progress.step("Outer"), progress.step("Inner"):
        raise ValueError("broken")

    shown = read_all(reading)
    assert "✗ Inner" in shown
    assert "✗ Outer" in shown


def test_a_terminal_that_can_do_nothing_gets_lines(
    terminal: tuple[int, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")

    assert isinstance(open_progress(terminal[1]), PlainProgress)


def test_a_file_gets_lines(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        assert isinstance(open_progress(file), PlainProgress)
