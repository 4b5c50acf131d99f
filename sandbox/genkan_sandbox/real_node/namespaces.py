"""The kernel's namespaces, as far as a real node needs them; Python has them from 3.12 on."""

import ctypes
import os
import signal
from enum import IntFlag

_PR_SET_PDEATHSIG = 1


class Namespace(IntFlag):
    """What a process can have apart from others, as in unshare(2)."""

    MOUNT = 0x00020000
    PROCESSES = 0x20000000
    NETWORK = 0x40000000


def leave(namespaces: Namespace) -> None:
    """Give the calling thread, and what it starts from now on, new namespaces of these kinds.

    New numbers of processes are for children only: the first one is number 1, and all of them end with it.
    OSError: this process may not.
    """
    _call("unshare", int(namespaces))


def end_with_parent() -> None:
    """Have the kernel kill this process as soon as the one that started it has ended, however that ends."""
    _call("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _call(name: str, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
