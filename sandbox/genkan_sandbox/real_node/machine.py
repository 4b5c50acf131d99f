"""The machine that a node is: its first process, which starts the others, takes in what they leave, and ends them."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from genkan_sandbox.real_node import configuration
from genkan_sandbox.real_node.filesystem import furnish
from genkan_sandbox.real_node.images import import_images, wait_for_containerd
from genkan_sandbox.real_node.requirements import plugin_folder
from genkan_sandbox.real_node.settings import NodeSettings

END_SECONDS = 3.0
"""How long servers have to end in order when the node does."""

_POLL = 0.02

log = logging.getLogger("genkan_sandbox.real_node")


class _ToldToEndError(BaseException):
    """Raised by a signal wherever the first process is."""


class Machine:
    """The programs of a node; made by the first process of a new set of namespaces."""

    def __init__(self, settings: NodeSettings, settings_file: Path) -> None:
        self._settings = settings
        self._settings_file = settings_file
        self._programs: dict[int, str] = {}

    def run(self) -> int:
        """Start everything and wait: until it is to end (0), or until one of the programs has ended by itself (1)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _told_to_end)
        try:
            self._start()
            return self._wait()
        except _ToldToEndError:
            self._end()
            return 0

    def _start(self) -> None:
        settings = self._settings
        settings.folder.mkdir(mode=0o700, exist_ok=True)
        furnish(settings.state, settings.folder)
        configuration.write_configuration(settings, plugins=plugin_folder())
        self._launch("containerd", configuration.containerd_command(settings))
        wait_for_containerd()
        import_images(settings)
        if settings.devices:
            plugin = [sys.executable, "-m", "genkan_sandbox.real_node.devices", str(self._settings_file)]
            self._launch("device-plugin", plugin)
        self._launch("kubelet", configuration.kubelet_command(settings))

    def _launch(self, name: str, command: Sequence[str]) -> None:
        path = self._settings.logs / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".previous.log"))
        with path.open("ab") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self._programs[process.pid] = name
        log.info("Started %s.", name)

    def _wait(self) -> int:
        """Take in every process that ends, whoever started it; that is what a first process is for."""
        while True:
            pid, status = os.wait()
            if name := self._programs.get(pid):
                log.error("%s ended with %d.", name, os.waitstatus_to_exitcode(status))
                return 1

    def _end(self) -> None:
        """Ask all to end, those in containers too, and wait a little for it; what is left ends with this process."""
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        with suppress(ChildProcessError):
            while time.monotonic() < deadline:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(_POLL)


def _told_to_end(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise _ToldToEndError
