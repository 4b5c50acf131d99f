"""Run the long commands (go, npm, pip): followed line by line, logged, and never left behind."""

import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

TICK_S = 0.2
GRACE_S = 3.0
"""How long an interrupted command may take to end by itself."""

_KEPT_LINES = 60
_GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    lines: tuple[str, ...]
    """The last lines of its output."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command with all that it is run with."""

    words: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    log: Path
    """Its output is added to this file."""


def run(command: Command, *, heed: Callable[[str], None], tick: Callable[[], None]) -> Ended:
    """Run a command to its end.

    `heed` gets each line of output, `tick` is called several times a second. Whatever one of them raises, and Ctrl-C,
    ends the command with all its children first. OSError: the log cannot be written, or Python cannot be started.
    """
    with command.log.open("ab") as log:
        log.write(f"$ {' '.join(command.words)}\n".encode())
        log.flush()
        guarded = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *command.words],
            cwd=command.directory,
            env=command.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        try:
            lines = _follow(guarded, log=log, heed=heed, tick=tick)
            code = guarded.wait()
        except BaseException:
            _interrupt(guarded)
            raise
        finally:
            _release(guarded)
    return Ended(code=code, lines=lines)


def _follow(
    guarded: subprocess.Popen[bytes],
    *,
    log: BinaryIO,
    heed: Callable[[str], None],
    tick: Callable[[], None],
) -> tuple[str, ...]:
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    rest = b""
    for chunk in _chunks(guarded):
        tick()
        log.write(chunk)
        *complete, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        for line in complete:
            kept.append(text := line.decode(errors="replace"))
            heed(text)
    if rest:
        kept.append(rest.decode(errors="replace"))
    return tuple(kept)


def _chunks(guarded: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert guarded.stdout is not None  # noqa: S101  (asked for above)
    output = guarded.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=TICK_S):
                chunk = os.read(output, 1 << 16)
                if not chunk:
                    return
                yield chunk
            elif guarded.poll() is None:
                yield b""
            else:
                return


def _interrupt(guarded: subprocess.Popen[bytes]) -> None:
    if guarded.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(guarded.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            guarded.wait(timeout=GRACE_S)


def _release(guarded: subprocess.Popen[bytes]) -> None:
    """Close the pipes, which ends whatever is still there, and collect the guard."""
    for pipe in (guarded.stdin, guarded.stdout):
        if pipe is not None:
            pipe.close()
    guarded.wait()
