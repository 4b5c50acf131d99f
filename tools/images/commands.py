"""Commands that work for a while, with their words in a log."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .exceptions import WorkError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks `make images` to stop."""

_SHOWN = 25
_TIDY_S = 15


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs programs in the checkout; what each says goes into a file of its own."""

    checkout: Path
    logs: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    """What is set beside the environment of `make images`."""

    def run(self, name: str, *command: str | Path) -> None:
        """Run a command that has to succeed; raises WorkError with its last words."""
        status = self.status(name, *command)
        if status != 0:
            said = self.said(name).splitlines()[-_SHOWN:]
            message = "\n".join(
                (*said, f"{command[0]} ended with status {status}; its last words are above, all in {self.log(name)}.")
            )
            raise WorkError(message)

    def status(self, name: str, *command: str | Path, environ: Mapping[str, str] | None = None) -> int:
        """Run a command to its end, and return its status; raises WorkError if it cannot be started."""
        log = self.log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        process: subprocess.Popen[bytes] | None = None
        with log.open("wb") as stream:
            try:
                with signals_held_back():
                    process = subprocess.Popen(
                        list(map(str, command)),
                        cwd=self.checkout,
                        env={**os.environ, **self.environ, **(environ or {})},
                        stdin=subprocess.DEVNULL,
                        stdout=stream,
                        stderr=subprocess.STDOUT,
                        # So that one signal reaches all that it has started, from whatever end it comes.
                        start_new_session=True,
                    )
                return process.wait()
            except OSError as error:
                message = f"{command[0]} cannot be started: {error.strerror}."
                raise WorkError(message) from error
            except BaseException:
                if process is not None:
                    _end(process)
                raise

    def answer(self, *command: str | Path) -> str | None:
        """Return what a quick command prints; None if it fails."""
        try:
            done = subprocess.run(
                list(map(str, command)), check=False, cwd=self.checkout, capture_output=True, encoding="utf-8"
            )
        except OSError as error:
            message = f"{command[0]} cannot be started: {error.strerror}."
            raise WorkError(message) from error
        return done.stdout.strip() if done.returncode == 0 else None

    def said(self, name: str) -> str:
        """Return what a command has said."""
        return self.log(name).read_text(encoding="utf-8", errors="replace")

    def log(self, name: str) -> Path:
        """Return where its words are."""
        return self.logs / f"{name}.log"


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Let signals wait for the end of a block: a program that is just being started would be lost."""
    arrived: list[int] = []

    def note(number: int, _: object) -> None:
        arrived.append(number)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a program and its own so that they can tidy up: a build or a test that is killed leaves containers behind."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(timeout=_TIDY_S)
