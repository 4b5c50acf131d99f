"""Run a command, and end it and all that it started as soon as whoever asked for it is gone.

Started by `processes.py` as a file of its own (`python -I -S guard.py COMMAND ...`) at the head of a new process group,
with a pipe as standard input. The pipe closes when its other end does so on purpose, or dies, even by SIGKILL; a parent
that is killed therefore never leaves a build behind. Only the standard library may be imported here.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType


def main(command: list[str]) -> int:
    """Run the command; its exit code is the guard's."""
    interrupted = threading.Event()

    def note(_signal: int, _frame: FrameType | None) -> None:
        interrupted.set()

    # A handler, not SIG_IGN, which the command would inherit: the command itself is to hear these.
    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    threading.Thread(target=_end_group_when_left, daemon=True).start()
    code = child.wait()
    if interrupted.is_set():
        os.killpg(0, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _end_group_when_left() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
