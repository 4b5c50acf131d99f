"""Tell people how far a long piece of work is, on a terminal or in a log."""

import errno
import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["PlainProgress", "Progress", "Step", "TerminalProgress", "open_progress", "spell_duration"]

Clock = Callable[[], float]

LINE_EVERY_S = 30.0
"""A log hears at least this often that a step is still at work."""

LINE_EVERY_FRACTION = 0.1
"""A log hears of each tenth that is done, ..."""

LINE_AT_MOST_EVERY_S = 3.0
"""... but not more often than this."""

WORTH_AN_END_S = 5.0
"""A step that took less says nothing at its end in a log: its successor's line says enough."""


class Step(ABC):
    """One piece of work that is under way."""

    @abstractmethod
    def update(self, *, fraction: float | None = None, detail: str | None = None) -> None:
        """Note how much is done (0 to 1) and what is at work now; a call without either is a sign of life.

        Call it often, several times a second if you like: it decides itself what is worth showing.
        """


class Progress(ABC):
    """Where the steps of a long piece of work are shown."""

    @abstractmethod
    def say(self, line: str) -> None:
        """Show one line that stays."""

    @abstractmethod
    def step(self, title: str) -> AbstractContextManager[Step]:
        """Show a step for as long as the block runs; it counts as done when the block ends without an exception."""


def open_progress(stream: TextIO | None = None, *, clock: Clock = time.monotonic) -> Progress:
    """Choose moving bars for a terminal and plain, sparse lines for everything else.

    The stream is standard error unless given. One that breaks (a closed terminal, a reader that left) silences the
    progress; the work goes on.
    """
    patient = PatientStream(stream if stream is not None else sys.stderr)
    if patient.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return TerminalProgress(patient, clock=clock)
    return PlainProgress(patient, clock=clock)


def spell_duration(seconds: float) -> str:
    """Spell a duration in seconds as people say it: "12 seconds", "2 minutes 5 seconds"."""
    minutes, rest = divmod(round(seconds), 60)
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in ((minutes, "minute"), (rest, "second"))]
    if minutes == 0:
        return parts[1]
    return parts[0] if rest == 0 else " ".join(parts)


class PatientStream:
    """A text stream whose reader may leave at any time: from then on it swallows what is written.

    Python flushes its standard streams once more at the end and would fail there, so the broken descriptor is turned
    towards /dev/null.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        with suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._stream.fileno()

    def write(self, text: str) -> int:
        if self._stream is not None:
            safe = text.encode(self.encoding, "replace").decode(self.encoding, "replace")
            try:
                self._stream.write(safe)
            except (OSError, ValueError):
                self._give_up()
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._give_up()

    def _give_up(self) -> None:
        stream, self._stream = self._stream, None
        with suppress(OSError, ValueError), open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  (a device)
            if stream is not None:
                os.dup2(nowhere.fileno(), stream.fileno())


class PlainProgress(Progress):
    """Sparse lines for logs, files and pipes."""

    def __init__(self, stream: PatientStream, *, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        """Write one line."""
        with self._lock:
            self._stream.write(f"{line}\n")
            self._stream.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Write a line at the beginning, some on the way, and one at the end of a step that took long."""
        self.say(f"{title} ...")
        step = _PlainStep(title=title, say=self.say, clock=self._clock, began=self._clock())
        yield step
        if (took := self._clock() - step.began) >= WORTH_AN_END_S:
            self.say(f"{title}: done after {spell_duration(took)}")


class _PlainStep(Step):
    def __init__(self, *, title: str, say: Callable[[str], None], clock: Clock, began: float) -> None:
        self.began = began
        self._title = title
        self._say = say
        self._clock = clock
        self._line_at = began
        self._line_fraction = 0.0
        self._fraction: float | None = None
        self._detail = ""

    def update(self, *, fraction: float | None = None, detail: str | None = None) -> None:
        self._fraction = self._fraction if fraction is None else fraction
        self._detail = self._detail if detail is None else detail
        if self._is_worth_a_line():
            self._line_at = self._clock()
            self._line_fraction = self._fraction or 0.0
            self._say(f"{self._title}: {self._state()} after {spell_duration(self._clock() - self.began)}")

    def _is_worth_a_line(self) -> bool:
        silent = self._clock() - self._line_at
        gained = (self._fraction or 0.0) - self._line_fraction
        return silent >= LINE_EVERY_S or (silent >= LINE_AT_MOST_EVERY_S and gained >= LINE_EVERY_FRACTION)

    def _state(self) -> str:
        state = "still at work" if self._fraction is None else f"{self._fraction:.0%} done"
        return f"{state}, {self._detail}," if self._detail else state


class TerminalProgress(Progress):
    """A moving line for each step on a terminal; what is done stays above as a line with its duration."""

    def __init__(self, stream: PatientStream, *, clock: Clock = time.monotonic) -> None:
        from rich.console import Console

        self._clock = clock
        self._plain_signs = not stream.encoding.lower().replace("-", "").startswith("utf8")
        self._console: Console = Console(file=cast("IO[str]", stream), highlight=False)
        self._lock = threading.Lock()
        self._live: RichProgress | None = None
        self._running = 0

    def say(self, line: str) -> None:
        """Print one line above what moves."""
        self._console.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a moving line, and leave one that stays at the end."""
        live = self._enter()
        task = live.add_task(title, total=None, detail="")
        began = self._clock()
        done = False
        try:
            yield _TerminalStep(live=live, task=task)
            done = True
        finally:
            live.remove_task(task)
            self._leave()
            sign = ("+" if self._plain_signs else "✓") if done else ("x" if self._plain_signs else "✗")
            self.say(f"{sign} {title} ({spell_duration(self._clock() - began)})")

    def _enter(self) -> "RichProgress":
        with self._lock:
            if self._live is None:
                self._live = _moving_lines(self._console, spinner="line" if self._plain_signs else "dots")
                self._live.start()
            self._running += 1
            return self._live

    def _leave(self) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0 and self._live is not None:
                self._live.stop()
                self._live = None


@dataclass(frozen=True, slots=True)
class _TerminalStep(Step):
    live: "RichProgress"
    task: "TaskID"

    def update(self, *, fraction: float | None = None, detail: str | None = None) -> None:
        if fraction is not None:
            self.live.update(self.task, total=1.0, completed=fraction)
        if detail is not None:
            self.live.update(self.task, detail=detail)


def _moving_lines(console: "Console", *, spinner: str) -> "RichProgress":
    from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
    from rich.table import Column
    from rich.text import Text

    class Percentage(TextColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.total is None else f"{task.percentage:>3.0f} %")

    return Progress(
        SpinnerColumn(spinner),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16, table_column=Column(min_width=8)),
        Percentage("", table_column=Column(min_width=5)),
        TimeElapsedColumn(table_column=Column(min_width=7)),
        TextColumn("{task.fields[detail]}", markup=False, style="dim", table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
    )
