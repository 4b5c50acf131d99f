"""The claims that a pod mounts, and the one that its start would make."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from genkan_profiles.homes import HOME
from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.storage_projection import claim_record

from .exceptions import ManifestError
from .parts import Part


@dataclass(frozen=True, slots=True)
class ClaimUse:
    """One claim that a pod mounts, of its own namespace."""

    name: str
    home: bool = False
    """Whether it is what its user calls the home."""

    @property
    def words(self) -> Sentence:
        """What people call it."""
        return say("Your home") if self.home else say("The storage {name}", name=self.name)


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim that a start makes if it is not there."""

    name: str
    size: int
    """In thousandths of a byte."""
    access_modes: tuple[str, ...] = ()
    storage_class: str | None = None
    """None for the cluster's default, empty for volumes that were made by hand."""
    selects: bool = False
    """Whether it asks for volumes with certain labels."""

    @classmethod
    def of(cls, manifest: JsonObject) -> Self:
        """Read the manifest of a claim."""
        metadata = {"namespace": "", **manifest["metadata"]}
        found = claim_record({**manifest, "metadata": metadata, "status": {}})
        return cls(found.name, found.size, found.access_modes, found.storage_class, found.selects)


def read_claims(spec: Part) -> Iterator[ClaimUse]:
    """Read which claims a pod's spec mounts, each once. Raises ManifestError."""
    names: dict[str, str] = {}
    for volume in spec.parts("volumes"):
        claim = volume.part("persistentVolumeClaim")
        if not claim.value:
            continue
        if not claim.text("claimName"):
            raise ManifestError(f"{claim.place}.claimName: This must name a claim.")
        names[volume.text("name")] = claim.text("claimName")
    homes = {names.get(name) for name in _mounted_at_home(spec)} if names else set()
    for name in dict.fromkeys(names.values()):
        yield ClaimUse(name, home=name in homes)


def read_ephemeral(spec: Part, *, pod: str) -> Iterator[NewClaim]:
    """Read the claims that Kubernetes makes for a pod alone and removes with it. Raises ManifestError.

    https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
    """
    for volume in spec.parts("volumes"):
        if volume.value.get("ephemeral") is None:
            continue
        claim = volume.part("ephemeral").part("volumeClaimTemplate").part("spec")
        if not claim.part("resources").part("requests").value or not claim.items("accessModes"):
            raise ManifestError(f"{claim.place}: This must describe a claim, with accessModes and resources.requests.")
        claim.text("storageClassName")
        yield NewClaim.of({"metadata": {"name": f"{pod}-{volume.text('name')}"}, "spec": claim.value})


def _mounted_at_home(spec: Part) -> Iterator[str]:
    """Yield the volumes that hold the home, and not those of a folder inside of it."""
    for container in spec.parts("containers"):
        for mount in container.parts("volumeMounts"):
            if mount.text("mountPath").rstrip("/") == HOME:
                yield mount.text("name")
