"""Faults on demand: what is to go wrong now, for tests and demonstrations.

A fault is one entry of the ConfigMap `genkan-sandbox-faults` in `kube-system`, JSON or YAML, for example
`{"kind": "image-missing", "image": ".*pytorch.*"}`. Entries take effect at once; removing one heals what it broke.
Pods that are simulated meet no fault but a silent node.
All patterns are regular expressions that must match the whole text; one that is left out matches everything.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from genkan_sandbox.agent.records import PodRecord

NAMESPACE, CONFIG_MAP = "kube-system", "genkan-sandbox-faults"
"""Where faults are written."""

log = logging.getLogger(__name__)


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as e:
        raise ValueError(f"{pattern!r} is no regular expression: {e}.") from e
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression for a whole text."""

ANYTHING = r"(?s:.*)"


class FaultKind(StrEnum):
    """What can be made to go wrong."""

    FULL_VOLUME = "full-volume"
    IMAGE_MISSING = "image-missing"
    INVALID_IMAGE = "invalid-image"
    MOUNT_FAILURE = "mount-failure"
    OUT_OF_MEMORY = "out-of-memory"
    PROVISIONING_FAILURE = "provisioning-failure"
    SILENT_EXPORT = "silent-export"
    SILENT_NODE = "silent-node"
    SLOW_PULL = "slow-pull"


class _Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PodFault(_Fault):
    """A fault of some pods."""

    namespace: Pattern = ANYTHING
    pod: Pattern = ANYTHING
    node: Pattern = ANYTHING

    def concerns(self, pod: PodRecord) -> bool:
        """Whether a pod is meant."""
        return (
            _matches(self.namespace, pod.namespace) and _matches(self.pod, pod.name) and _matches(self.node, pod.node)
        )


class ImageMissing(PodFault):
    """An image that no registry has: ErrImagePull, then ImagePullBackOff."""

    kind: Literal[FaultKind.IMAGE_MISSING] = FaultKind.IMAGE_MISSING
    image: Pattern = ANYTHING


class InvalidImage(PodFault):
    """An image reference that the node cannot read: InvalidImageName."""

    kind: Literal[FaultKind.INVALID_IMAGE] = FaultKind.INVALID_IMAGE
    image: Pattern = ANYTHING


class SlowPull(PodFault):
    """An image that takes its time: Pulling, and Pulled only later."""

    kind: Literal[FaultKind.SLOW_PULL] = FaultKind.SLOW_PULL
    image: Pattern = ANYTHING
    seconds: Annotated[float, Field(ge=0, le=86_400)] = 60


class _VolumeFault(PodFault):
    """A fault of some volumes of some pods."""

    volume: Pattern = ANYTHING
    """The volume's name in the pod."""
    claim: Pattern | None = None
    """The claim's name; volumes without a claim are then not meant."""

    def concerns_volume(self, volume: str, claim: str | None) -> bool:
        """Whether a volume is meant."""
        meant = self.claim is None or (claim is not None and _matches(self.claim, claim))
        return meant and _matches(self.volume, volume)


class FullVolume(_VolumeFault):
    """A volume without room: a container that starts finds a full file system in its place, and every write fails."""

    kind: Literal[FaultKind.FULL_VOLUME] = FaultKind.FULL_VOLUME


class MountFailure(_VolumeFault):
    """A volume that cannot be mounted: FailedMount."""

    kind: Literal[FaultKind.MOUNT_FAILURE] = FaultKind.MOUNT_FAILURE
    message: str = "mount failed: exit status 32"


class OutOfMemory(PodFault):
    """A container that is killed for memory: OOMKilled, exit code 137, each time that it is started."""

    kind: Literal[FaultKind.OUT_OF_MEMORY] = FaultKind.OUT_OF_MEMORY
    container: Pattern = ANYTHING
    seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    """How long it runs before."""


class ProvisioningFailure(_Fault):
    """A claim for which no volume can be made: ProvisioningFailed, with the words of a driver."""

    kind: Literal[FaultKind.PROVISIONING_FAILURE] = FaultKind.PROVISIONING_FAILURE
    namespace: Pattern = ANYTHING
    claim: Pattern = ANYTHING
    storage_class: Pattern = ANYTHING
    message: str = "rpc error: code = ResourceExhausted desc = the pool has no room for the volume"

    def concerns(self, namespace: str, claim: str, storage_class: str) -> bool:
        """Whether a claim is meant."""
        patterns = (self.namespace, self.claim, self.storage_class)
        return all(map(_matches, patterns, (namespace, claim, storage_class)))


class SilentExport(PodFault):
    """An export of the file server that does not answer: FailedMount, with the words of mount."""

    kind: Literal[FaultKind.SILENT_EXPORT] = FaultKind.SILENT_EXPORT
    export: Pattern = ANYTHING
    """Its name in the site."""


class SilentNode(_Fault):
    """A node that stops answering: no lease, no statuses; its processes go on."""

    kind: Literal[FaultKind.SILENT_NODE] = FaultKind.SILENT_NODE
    node: Pattern


Fault = (
    FullVolume
    | ImageMissing
    | InvalidImage
    | MountFailure
    | OutOfMemory
    | ProvisioningFailure
    | SilentExport
    | SilentNode
    | SlowPull
)
F = TypeVar("F", FullVolume, ImageMissing, InvalidImage, MountFailure, OutOfMemory, SilentExport, SlowPull)

_ADAPTER: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])


def fault_entry(kind: FaultKind | str, **match: Any) -> dict[str, str]:
    """Return a fault as an entry of the ConfigMap's data, under a key that is the same for the same fault.

    Raises pydantic's ValidationError for a fault that cannot be.
    """
    fault = _ADAPTER.validate_python({"kind": kind, **match})
    text = json.dumps(fault.model_dump(mode="json", exclude_unset=True) | {"kind": fault.kind}, sort_keys=True)
    return {f"{fault.kind}-{hashlib.sha256(text.encode()).hexdigest()[:10]}": text}


def read_faults(data: Mapping[str, str]) -> dict[str, Fault]:
    """Read the ConfigMap's data; an entry that is not valid is logged with its key and left out."""
    found: dict[str, Fault] = {}
    for key, text in sorted(data.items()):
        try:
            found[key] = _ADAPTER.validate_python(yaml.safe_load(text))
        except ValidationError as e:
            reasons = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in e.errors())
            log.warning("The fault %s is not valid and ignored: %s", key, reasons)
        except (yaml.YAMLError, ValueError, RecursionError) as e:
            log.warning("The fault %s is neither JSON nor YAML and ignored: %s", key, str(e).replace("\n", " "))
    return found


class FaultBoard:
    """The faults in force, and word of any change."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._change = asyncio.Event()

    def post(self, data: Mapping[str, str]) -> None:
        """Put the ConfigMap's entries in force instead of those before."""
        faults = read_faults(data)
        if faults == self._faults:
            return
        for key in sorted(faults.keys() ^ self._faults.keys()):
            log.info("Fault %s %s.", key, "is in force" if key in faults else "is over")
        self._faults = faults
        before, self._change = self._change, asyncio.Event()
        before.set()

    async def changed(self, *, seconds: float | None = None) -> bool:
        """Wait for the next change, at most so long; return whether there was one."""
        try:
            await asyncio.wait_for(self._change.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def image_fault(self, pod: PodRecord, image: str) -> ImageMissing | InvalidImage | None:
        """Return what is wrong with an image."""
        invalid = (fault for fault in self._of(InvalidImage, pod) if _matches(fault.image, image))
        missing = (fault for fault in self._of(ImageMissing, pod) if _matches(fault.image, image))
        return next(invalid, None) or next(missing, None)

    def pull_seconds(self, pod: PodRecord, image: str) -> float:
        """Return how long an image takes to pull."""
        return max((fault.seconds for fault in self._of(SlowPull, pod) if _matches(fault.image, image)), default=0)

    def mount_fault(self, pod: PodRecord, volume: str, claim: str | None) -> MountFailure | None:
        """Return why a volume cannot be mounted."""
        return next((one for one in self._of(MountFailure, pod) if one.concerns_volume(volume, claim)), None)

    def full(self, pod: PodRecord, volume: str, claim: str | None) -> bool:
        """Whether a volume has no room."""
        return any(fault.concerns_volume(volume, claim) for fault in self._of(FullVolume, pod))

    def provisioning_fault(self, namespace: str, claim: str, storage_class: str) -> ProvisioningFailure | None:
        """Return why no volume can be made for a claim."""
        faults = (fault for fault in self._faults.values() if isinstance(fault, ProvisioningFailure))
        return next((fault for fault in faults if fault.concerns(namespace, claim, storage_class)), None)

    def export_fault(self, pod: PodRecord, export: str) -> SilentExport | None:
        """Return whether an export does not answer a pod's node."""
        return next((fault for fault in self._of(SilentExport, pod) if _matches(fault.export, export)), None)

    def memory_fault(self, pod: PodRecord, container: str) -> OutOfMemory | None:
        """Return whether a container is to be killed for memory."""
        return next((fault for fault in self._of(OutOfMemory, pod) if _matches(fault.container, container)), None)

    def silent(self, node: str) -> bool:
        """Whether a node does not answer."""
        faults = self._faults.values()
        return any(isinstance(fault, SilentNode) and _matches(fault.node, node) for fault in faults)

    def _of(self, kind: type[F], pod: PodRecord) -> Iterator[F]:
        return (fault for fault in self._faults.values() if isinstance(fault, kind) and fault.concerns(pod))


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None
