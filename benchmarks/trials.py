"""Asking the real cluster what becomes of a pod, and comparing that with the verdict."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.exceptions import BenchmarkError
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.checks.findings import Check, Finding, State, Verdict
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import PODS

DECIDED_WITHIN = 60.0
"""Seconds in which the scheduler has placed a pod or given up on it."""

_POLL = 0.05
_AT_ONCE = 32
"""Requests under way at the same time."""


class End(StrEnum):
    """What becomes of a pod, and what a verdict says will."""

    PLACED = "placed"
    PREEMPTING = "placed after others were pushed out"
    REFUSED = "refused by admission"
    FULL = "not placed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Truth:
    """What the cluster did with a pod."""

    end: End
    words: str = ""
    """Kubernetes' own."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One pod: foretold and tried."""

    manifest: JsonObject
    verdict: Verdict
    truth: Truth

    @property
    def foretold(self) -> End:
        """What the verdict says will become of the pod."""
        return foretold(self.verdict)

    @property
    def agrees(self) -> bool:
        """Whether it came as foretold."""
        return self.foretold is self.truth.end

    @property
    def left_open(self) -> bool:
        """Whether the verdict says that it cannot know."""
        return self.foretold is End.UNKNOWN

    @property
    def false_free(self) -> bool:
        """Whether a start was promised that could not be."""
        return self.foretold in {End.PLACED, End.PREEMPTING} and self.truth.end in {End.REFUSED, End.FULL}

    @property
    def false_full(self) -> bool:
        """Whether a start was refused that could have been."""
        return self.foretold in {End.REFUSED, End.FULL} and self.truth.end in {End.PLACED, End.PREEMPTING}

    @property
    def case(self) -> str:
        """Everything about a disagreement, to be looked into."""
        said = [_row(finding) for finding in self.verdict.findings]
        return (
            f"foretold: {self.foretold}; came: {self.truth.end} ({self.truth.words}); "
            f"findings: {json.dumps(said)}; manifest: {json.dumps(self.manifest)}"
        )


def foretold(verdict: Verdict) -> End:
    """Read a verdict as a prophecy; a start that waits is one that is not placed now."""
    by_check: dict[Check, set[State]] = {}
    for finding in verdict.findings:
        by_check.setdefault(finding.check, set()).add(finding.state)
    if State.REFUSED in by_check.get(Check.QUOTA, set()) | by_check.get(Check.PRIORITY, set()):
        return End.REFUSED
    match verdict.state:
        case State.READY:
            return End.PREEMPTING if verdict.would_preempt else End.PLACED
        case State.WAITS | State.REFUSED:
            return End.FULL
        case State.UNKNOWN:
            return End.UNKNOWN


async def try_all(api: KubernetesApi, manifests: Collection[JsonObject]) -> dict[str, Truth]:
    """Create pods that are not in each other's way, and return by name what became of them."""
    limit = asyncio.Semaphore(_AT_ONCE)
    before = {pod["metadata"]["name"]: pod for pod in await api.list(PODS)}
    truths: dict[str, Truth] = {}

    async def create(manifest: JsonObject) -> None:
        metadata = manifest["metadata"]
        async with limit:
            try:
                await api.create(PODS, manifest, namespace=metadata["namespace"])
            except ForbiddenError as error:
                truths[metadata["name"]] = Truth(End.REFUSED, error.message)

    await asyncio.gather(*map(create, manifests))
    waited = {manifest["metadata"]["name"] for manifest in manifests} - truths.keys()
    after = await _decided(api, waited)
    gone = {pod["spec"].get("nodeName") for name, pod in before.items() if name not in after}
    return truths | {name: _truth(after[name], gone) for name in waited}


async def until_gone(api: KubernetesApi, namespace: str) -> None:
    """Wait until a namespace has no pods any more."""
    async with asyncio.timeout(DECIDED_WITHIN):
        while True:
            if not await api.list(PODS, namespace=namespace):
                return
            await asyncio.sleep(_POLL)


async def _decided(api: KubernetesApi, names: Collection[str]) -> Mapping[str, JsonObject]:
    """Wait until the scheduler is through with some pods, and return all pods by name."""
    found: dict[str, JsonObject] = {}
    try:
        async with asyncio.timeout(DECIDED_WITHIN):
            while True:
                found = {pod["metadata"]["name"]: pod for pod in await api.list(PODS)}
                if all(name in found and _is_decided(found[name]) for name in names):
                    return found
                await asyncio.sleep(_POLL)
    except TimeoutError as e:
        left = [name for name in names if name not in found or not _is_decided(found[name])]
        raise BenchmarkError(f"The scheduler has not decided on {len(left)} pods, such as {left[0]}.") from e


def _is_decided(pod: JsonObject) -> bool:
    if pod["spec"].get("nodeName"):
        return True
    return bool(_refused(pod)) and not pod["status"].get("nominatedNodeName")


def _refused(pod: JsonObject) -> str:
    for row in pod["status"].get("conditions", []):
        if row["type"] == "PodScheduled" and row["status"] == "False" and row.get("reason") == "Unschedulable":
            return str(row.get("message", "Unschedulable"))
    return ""


def _truth(pod: JsonObject, gone: Collection[str]) -> Truth:
    node = pod["spec"].get("nodeName")
    if node is None:
        return Truth(End.FULL, _refused(pod))
    return Truth(End.PREEMPTING if node in gone else End.PLACED, f"on {node}")


def _row(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check,
        "state": finding.state,
        "message": finding.message,
        "resource": finding.resource,
        "requested": finding.requested,
        "used": finding.used,
        "limit": finding.limit,
    }
