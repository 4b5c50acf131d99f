"""The files that a container's output goes to: which of them holds which run, and where its last lines begin.

kubernetes pkg/kubelet/kubelet_pods.go, validateContainerLogStatus
"""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from genkan_sandbox.agent.status import ContainerView, Running, Terminated, Waiting

_BLOCK = 64 * 1024


class NoLogError(Exception):
    """A container has no such log; the text says why, in the kubelet's words."""


def previous_log(log: Path) -> Path:
    """Return where the output of the run before the present one is kept."""
    return log.with_name(f"{log.stem}.previous{log.suffix}")


def put_aside(log: Path) -> None:
    """Make room for the next run's output; that of the last run is kept, that of the run before it is not."""
    with contextlib.suppress(FileNotFoundError):
        log.replace(previous_log(log))


def file_of(view: ContainerView, log: Path, *, pod: str, previous: bool) -> Path:
    """Return the file with the output of a container's present run, or of its last one that ended before.

    Raises NoLogError where there was no such run.
    """
    run = _ended_before(view, pod=pod) if previous else _shown(view, pod=pod)
    return log if run == view.identity else previous_log(log)


def file_of_lost(log: Path, *, pod: str, container: str, previous: bool) -> Path:
    """Return the file to read for a container of which only files are known: simulated, or of an earlier agent.

    Raises NoLogError as `file_of` does.
    """
    if not previous:
        return log
    if not previous_log(log).exists():
        raise _no_previous(pod, container)
    return previous_log(log)


def last_lines(file: BinaryIO, lines: int) -> int:
    """Return at which byte the last lines of a file begin; the last one need not be complete."""
    end = file.seek(0, os.SEEK_END)
    if lines == 0:
        return end
    # The last byte ends the last line or belongs to it: no line begins after it.
    position = end - 1
    while position > 0:
        begin = max(position - _BLOCK, 0)
        file.seek(begin)
        block = file.read(position - begin)
        found = block.count(b"\n")
        if found >= lines:
            line = len(block)
            for _ in range(lines):
                line = block.rindex(b"\n", 0, line)
            return begin + line + 1
        lines -= found
        position = begin
    return 0


def _shown(view: ContainerView, *, pod: str) -> str:
    """Return the id of the run that is shown: the present one, else the last one."""
    match view.state:
        case Running():
            return view.identity
        case Terminated(identity=identity):
            return identity
        case Waiting() if view.last is not None:
            return view.last.identity
        case Waiting(reason=reason):
            raise NoLogError(f'container "{view.name}" in pod "{pod}" is waiting to start: {_why(reason)}')


def _ended_before(view: ContainerView, *, pod: str) -> str:
    if view.last is None:
        raise _no_previous(pod, view.name)
    return view.last.identity


def _no_previous(pod: str, container: str) -> NoLogError:
    return NoLogError(f'previous terminated container "{container}" in pod "{pod}" not found')


def _why(reason: str) -> str:
    match reason:
        case "ErrImagePull":
            return "image can't be pulled"
        case "ImagePullBackOff":
            return "trying and failing to pull image"
        case _:
            return reason
