"""The kinds of machines that a catalogue's hardware runs on, each with the images that may be wanted there."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genkan_profiles import Catalogue, Hardware
from genkan_profiles.overrides import hardware_override

LONGEST_NAME = 40
"""What a name of the chart may have at most; the name of a DaemonSet is made of it."""

_PRESENT = {"matchExpressions": [{"key": "nvidia.com/gpu.present", "operator": "In", "values": ["true"]}]}
"""Machines with a card of NVIDIA's, whichever it is, by the label of GPU Feature Discovery."""


@dataclass(slots=True)
class MachineClass:
    """Machines that some hardware rows select alike."""

    name: str
    node_selector: Mapping[str, str]
    node_affinity: list[dict[str, Any]]
    tolerations: list[dict[str, str]]
    images: dict[str, str] = field(default_factory=dict)
    """References by slug."""

    @property
    def values(self) -> dict[str, Any]:
        """What the chart genkan-platform wants to know of it."""
        given = {
            "nodeSelector": dict(self.node_selector),
            "nodeAffinity": self.node_affinity,
            "tolerations": self.tolerations,
            "images": self.images,
        }
        return {name: value for name, value in given.items() if value}


def machine_classes(catalogue: Catalogue) -> Iterator[MachineClass]:
    """Yield each kind of machine for which images are known, in the order of the catalogue.

    Whoever may use a row, its images are fetched. An image that several rows name is fetched once.
    """
    found: dict[str, MachineClass] = {}
    for row in catalogue.hardware:
        if row in unknown_machines(catalogue):
            continue
        one = _class_of(row)
        known = found.setdefault(_key(one), one)
        for image, reason in zip(catalogue.images, catalogue.obstacles[row.slug], strict=True):
            if not reason and image.image not in known.images.values():
                known.images[image.slug] = image.image
    yield from (one for one in found.values() if one.images)


def unknown_machines(catalogue: Catalogue) -> list[Hardware]:
    """Return the rows of which the catalogue does not say which machines have it: all would fetch their images."""
    return [
        row
        for row in catalogue.hardware
        if row.gpu is not None and not row.gpu.is_nvidia and not row.gpu.product and not row.node_selector
    ]


def _class_of(row: Hardware) -> MachineClass:
    override = hardware_override(row, volumes=(), resources=())
    affinity = override["node_affinity_required"]
    if row.gpu is not None and not affinity and not row.node_selector:
        affinity = [_PRESENT]
    return MachineClass(
        name=_short(row.slug),
        node_selector=override["node_selector"],
        node_affinity=affinity,
        tolerations=list(override["tolerations"].values()),
    )


def _key(one: MachineClass) -> str:
    return json.dumps([one.node_selector, one.node_affinity, one.tolerations], sort_keys=True)


def _short(slug: str) -> str:
    if len(slug) <= LONGEST_NAME:
        return slug
    mark = hashlib.sha256(slug.encode()).hexdigest()[:8]
    return f"{slug[: LONGEST_NAME - 9].rstrip('-')}-{mark}"
