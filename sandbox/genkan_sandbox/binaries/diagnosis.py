"""Say why a command of others (go, npm, pip) or the operating system failed, and what mends it."""

import errno
import os
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from genkan_sandbox.binaries.processes import Ended
from genkan_sandbox.exceptions import BinariesError

_SHOWN_LINES = 3
_SHOWN_WIDTH = 240

GO_ON = "The next run goes on where this one ended."


class Cause(StrEnum):
    """Causes that have a mend of their own."""

    ROOM = "room"
    NETWORK = "network"
    MEMORY = "memory"
    ALTERED = "altered"
    OTHER = "other"


_NETWORK_SIGNS = (
    r"no such host|name resolution|name or service not known|could not resolve|connection refused|connection reset"
    r"|connection timed out|network is unreachable|no route to host|i/o timeout|tls handshake timeout"
    r"|context deadline exceeded|unexpected eof|newconnectionerror|connecttimeout|readtimeout|max retries exceeded"
    r"|failed to fetch|error sending request|dns error|module lookup disabled by goproxy"
    r"|\b(ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b"
)
_SIGNS = (
    (Cause.ROOM, r"no space left on device|\bENOSPC\b|disk quota exceeded|\bEDQUOT\b"),
    (Cause.ALTERED, r"checksum mismatch|\bEINTEGRITY\b|do not match the hashes"),
    (Cause.MEMORY, r"signal: killed|cannot allocate memory|out of memory|\bENOMEM\b"),
    (Cause.NETWORK, _NETWORK_SIGNS),
)


def cause_of(lines: Sequence[str]) -> Cause:
    """Recognise the cause of a failure in a command's last lines."""
    text = "\n".join(lines)
    return next((cause for cause, signs in _SIGNS if re.search(signs, text, flags=re.IGNORECASE)), Cause.OTHER)


def failure(what: str, *, ended: Ended, log: Path, instead: str) -> BinariesError:
    """Make the error for a command that failed: what, why, its last words, and the mend.

    `what` is a clause such as "etcd 3.6.16 could not be built"; `instead` says in a sentence how to do without.
    """
    because, mend = _words(cause_of(ended.lines), log=log, instead=instead)
    return BinariesError(f"{what}{because}. {_last_words(ended)} The whole log is {log}.", mend=mend)


def failure_of_system(what: str, *, error: OSError, place: Path) -> BinariesError:
    """Make the error for an operating system that refuses, most often for want of room or of rights."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else str(place)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return BinariesError(
                f"{what}: there is no room left on the file system of {place}.", mend=_make_room(place)
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return BinariesError(
                f"{what}: {where} cannot be written or run ({error.strerror}).",
                mend="Give the sandbox a cache folder of your own, on a file system that allows programs to run, "
                "with --cache DIR.",
            )
        case _:
            return BinariesError(f"{what}: {where}: {error.strerror or error}.")


def _words(cause: Cause, *, log: Path, instead: str) -> tuple[str, str]:
    match cause:
        case Cause.ROOM:
            return ": there is no room left on the disk", _make_room(log.parent)
        case Cause.ALTERED:
            return ": something else than the pinned files was served", (
                "Nothing of it was kept. Try again; if it stays, look at the proxy or mirror between this machine and "
                "the network."
            )
        case Cause.MEMORY:
            return ": the machine ran out of memory", (
                f"A build needs 2.5 GB of free memory: end other programs, or set GOFLAGS=-p=1. {GO_ON}"
            )
        case Cause.NETWORK:
            return ": the network cannot be reached", (
                f"Connect this machine to the network, or set HTTPS_PROXY. {GO_ON} {instead}".strip()
            )
        case Cause.OTHER:
            return "", instead


def _make_room(place: Path) -> str:
    return f"Make room there ({place}), or choose a cache folder with more of it with --cache DIR. {GO_ON}"


def _last_words(ended: Ended) -> str:
    words = [line.strip()[:_SHOWN_WIDTH] for line in ended.lines if line.strip()][-_SHOWN_LINES:]
    if not words:
        return f"It said nothing and ended with code {ended.code}."
    return f"Its last words: {' / '.join(words)} (code {ended.code})."
