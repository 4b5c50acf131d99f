"""What Kubernetes, file servers and programs say of storage that cannot be had, in sentences for users.

The texts are those of the scheduler, the attach controller and the kubelet of Kubernetes 1.32 to 1.36, and of `mount`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from genkan_profiles.language.sentences import NOTHING, Sentence, say

_Sentences = Sequence[tuple[re.Pattern[str], Sentence]]

NO_ANSWER = say("The file server of the storage does not answer. Try again later, or tell an administrator.")

_MOUNTING: _Sentences = (
    (
        re.compile(r"Multi-Attach error"),
        say("Your storage is still held by another server on another machine; stop that one first."),
    ),
    (
        re.compile(r"access denied|permission denied|Operation not permitted", re.IGNORECASE),
        say("The file server does not let the machine mount the storage. Tell an administrator."),
    ),
    (
        re.compile(r"reason given by server: No such file|no such file or directory", re.IGNORECASE),
        say("The storage is not where it should be on the file server. Tell an administrator."),
    ),
    (
        re.compile(
            r"timed out|timeout|connection refused|no route to host|host is down|not responding|deadline exceeded"
            r"|stale file handle|failed to resolve|name or service not known",
            re.IGNORECASE,
        ),
        NO_ANSWER,
    ),
)
_NOT_MOUNTED = say("The storage of this server cannot be mounted; administrators can look into it.")

_PLACING: _Sentences = (
    (
        re.compile(r'persistentvolumeclaim "[^"]*" is being deleted'),
        say("The storage is being deleted. Tell an administrator."),
    ),
    (
        re.compile(r'persistentvolumeclaim "[^"]*" not found|persistentvolumeclaim "[^"]*" bound to non-existent'),
        say("The storage of this server is not there; administrators can look into it."),
    ),
    (
        re.compile(r'unbound immediate PersistentVolumeClaims|storageclass\S* "[^"]*" not found'),
        say(
            "The storage of this server has not been made: nothing makes it, or what does has failed. "
            "Tell an administrator."
        ),
    ),
)
"""What holds for all machines alike, so that no room anywhere would help."""

_OF_MACHINES: _Sentences = (
    (
        re.compile(r"ReadWriteOncePod access mode"),
        say("Your storage is in use by another server, and one at a time can use it; stop that one first."),
    ),
    (
        re.compile(r"volume node affinity conflict|match PersistentVolume's node affinity"),
        say("None of the machines that reach the storage has had room for this server."),
    ),
    (
        re.compile(r"didn't find available persistent volumes to bind"),
        say("There is no disk for the storage of this server. Tell an administrator."),
    ),
    (
        re.compile(r"exceed max volume count"),
        say("The machines cannot take more disks than they have. Try again later, or choose other hardware."),
    ),
)
"""What holds for some machines, while others may only be full."""

_SUB_PATH = re.compile(r"failed to (prepare|create) subPath")
_FULL = re.compile(r"No space left on device|ENOSPC|Errno 28\b|database or disk is full")
_SHARE = re.compile(r"Disk quota exceeded|EDQUOT|Errno 122\b")


def mounting_sentence(message: str) -> Sentence:
    """Say why a volume is not mounted."""
    return _first(_MOUNTING, message) or _NOT_MOUNTED


def absent_sentence(message: str) -> Sentence:
    """Say of a pod without a place that its storage is not there, wherever it might go; empty if that is not so."""
    return _first(_PLACING, message)


def reach_sentence(message: str) -> Sentence:
    """Say of a pod without a place that its storage keeps it from machines; empty if that is not so."""
    return _first(_OF_MACHINES, message)


def folder_sentence(message: str) -> Sentence:
    """Say of a container that cannot be made that its folder in a volume cannot be; empty if that is not so."""
    if not _SUB_PATH.search(message):
        return NOTHING
    return say("The folder of this server's storage cannot be made on the file server. Tell an administrator.")


def provisioning_sentence(message: str) -> Sentence:
    """Say why no volume is made for a claim."""
    if re.search(r'storageclass\S* "[^"]*" not found', message):
        return say("Your storage cannot be made: its kind of storage does not exist. Tell an administrator.")
    if re.search(r"ResourceExhausted|no space|insufficient|quota", message, re.IGNORECASE):
        return say("Your storage cannot be made: what makes it has no room left. Tell an administrator.")
    return say("Your storage cannot be made: what makes it has failed. Tell an administrator.")


@dataclass(frozen=True, slots=True)
class FullDisk:
    """What a server said of a disk that it could not write to."""

    sentence: Sentence
    """Which disk that is, for the user."""
    line: str


def full_disk(lines: Sequence[str], *, home: str) -> FullDisk | None:
    """Return what a server's last lines say of a full disk, if they do; `home` is where its home is."""
    if share := next((line for line in reversed(lines) if _SHARE.search(line)), ""):
        sentence = say(
            "Your share of a disk is used up, and the server could not write. Ask an administrator for more."
        )
        return FullDisk(sentence, share)
    full = [line for line in reversed(lines) if _FULL.search(line)]
    if own := next((line for line in full if home in line), ""):
        sentence = say("Your home is full, and the server could not write to it. Ask an administrator for more room.")
        return FullDisk(sentence, own)
    sentence = say("A disk that the server writes to is full. If it is not your home, tell an administrator.")
    return FullDisk(sentence, full[0]) if full else None


def _first(sentences: _Sentences, message: str) -> Sentence:
    return next((sentence for shape, sentence in sentences if shape.search(message)), NOTHING)
