"""What the scheduler said of a waiting pod when it last looked at it, read from the text of its condition.

The texts are those of kube-scheduler 1.32 to 1.36, such as
`0/5 nodes are available: 3 Insufficient nvidia.com/gpu, 2 node(s) were unschedulable.`
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from genkan_spawner.api import JsonObject

from .records import LastWord

_CAUSES = re.compile(r"^\d+/\d+ nodes are available: (?P<causes>.+?)\.?(?:\. |$)", re.DOTALL)
_CAUSE = re.compile(r"(?P<count>\d+ )?(?P<text>.+)", re.DOTALL)
_LACKING = re.compile(r"Insufficient (?P<resource>\S+)$")
_TOO_MANY = "Too many pods"
_FORESEEN = re.compile(
    r"node\(s\) (didn't match Pod's node affinity/selector|didn't match the requested node name|were unschedulable"
    r"|had (untolerated|intolerable) taint|had taints that the pod didn't tolerate"
    r"|didn't satisfy plugin(\(s\))? \[(Node(Affinity|Name|Unschedulable|ResourcesFit)|TaintToleration| )+\])"
)


def last_word(status: JsonObject) -> LastWord | None:
    """Return what a pod's status tells of it; None if it has not been refused, or in words that are not known."""
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return _read(condition.get("message") or "")
    return None


@lru_cache(maxsize=1024)
def _read(message: str) -> LastWord | None:
    found = _CAUSES.match(message)
    if found is None:
        return None
    lacking: set[str] = set()
    held = False
    for counted, cause in _causes(found["causes"]):
        if lack := _LACKING.match(cause):
            lacking.add(lack["resource"])
        elif cause == _TOO_MANY:
            lacking.add("pods")
        elif not counted or not _FORESEEN.match(cause):
            # What is not counted by nodes is about the pod itself, such as a claim that is missing.
            held = True
    return LastWord(frozenset(lacking), held=held)


def _causes(text: str) -> Iterator[tuple[bool, str]]:
    for part in text.split(", "):
        match = _CAUSE.fullmatch(part)
        if match is not None:
            yield match["count"] is not None, match["text"]
