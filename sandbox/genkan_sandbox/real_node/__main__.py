"""`python -m genkan_sandbox.real_node SETTINGS`: a machine of its own, and on it the programs of a node."""

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from genkan_sandbox.real_node import cgroups
from genkan_sandbox.real_node.machine import Machine
from genkan_sandbox.real_node.namespaces import Namespace, end_with_parent, leave
from genkan_sandbox.real_node.settings import NodeSettings

log = logging.getLogger("genkan_sandbox.real_node")


def main() -> int:
    """Run the node until it is told to end; nothing of it is left then."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    settings_file = Path(sys.argv[1])
    settings = NodeSettings.read(settings_file)
    group = cgroups.group_name(settings.sandbox)
    cgroups.remove_group(group)
    cgroups.make_group(group)
    leave(Namespace.PROCESSES)
    first = os.fork()
    if first == 0:
        os._exit(_inside(settings, settings_file))
    try:
        return _outside(first)
    finally:
        cgroups.remove_group(group)


def _outside(first: int) -> int:
    """Wait for the machine's first process, with which all others end, and hand on what ends it."""

    def hand_on(number: int, _frame: FrameType | None) -> None:
        os.kill(first, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    _, status = os.waitpid(first, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


def _inside(settings: NodeSettings, settings_file: Path) -> int:
    end_with_parent()
    try:
        leave(Namespace.MOUNT)
        return Machine(settings, settings_file).run()
    except Exception:
        log.exception("The node could not be started.")
        return 1


if __name__ == "__main__":
    sys.exit(main())
