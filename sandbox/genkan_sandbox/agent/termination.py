"""What a container that ends leaves as its last words in the pod's status.

kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go, getTerminationMessage
"""

import os
from pathlib import Path

from genkan_sandbox.agent.mounts import Bind
from genkan_spawner.api import JsonObject

_DEFAULT_PATH = "/dev/termination-log"
_MOST_BYTES, _MOST_LOG_BYTES, _MOST_LOG_LINES = 4096, 2048, 80


def termination_bind(directory: Path, container: JsonObject) -> Bind:
    """Return an empty file that a container may write its last words to; `directory` is its pod's own."""
    file = termination_file(directory, container["name"])
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch()
    file.chmod(0o666)
    return Bind(file, container.get("terminationMessagePath") or _DEFAULT_PATH)


def termination_file(directory: Path, container: str) -> Path:
    """Return where the last words of a container are on the machine."""
    return directory / "termination" / container


def termination_message(container: JsonObject, *, file: Path, log: Path, exit_code: int) -> str:
    """Return a container's last words, or the end of its log where it failed without any and asks for this."""
    words = _end(file, _MOST_BYTES)
    if words or exit_code == 0 or container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
        return words
    return "".join(_end(log, _MOST_LOG_BYTES).splitlines(keepends=True)[-_MOST_LOG_LINES:])


def _end(file: Path, most: int) -> str:
    """Return the end of a file, nothing of one that is not there; a container may have put a link in its place."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as opened:
        opened.seek(max(0, os.fstat(descriptor).st_size - most))
        return opened.read(most).decode(errors="replace")
