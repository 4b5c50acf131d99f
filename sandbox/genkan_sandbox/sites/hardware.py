"""Machines of a site: pools of equal nodes and the devices in them."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from genkan_profiles.documents import Row
from genkan_profiles.gpu_products import ComputeCapability, gpu_products
from genkan_profiles.names import ExtendedResource, LabelKey, LabelValue, Name
from genkan_profiles.quantities import PositiveQuantity, quantity_bytes
from genkan_profiles.violations import Violation, raise_violations

NVIDIA = "nvidia.com/"
"""How the names of all resources of NVIDIA's device plug-in begin."""
WHOLE_CARD = "nvidia.com/gpu"
"""The resource of cards that are not divided."""
_MIG_RESOURCE = re.compile(r"nvidia\.com/mig-(?P<slices>[1-7])g\.[0-9]+gb")
_MIG_SLICES = 7
"""Slices that an NVIDIA card is divided into at most."""
_MEBIBYTE = 1024 * 1024
_LONGEST_NODE_NAME = 63


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Taint(Row):
    """A taint of every node of a pool."""

    key: LabelKey
    value: LabelValue = ""
    effect: TaintEffect


class Device(Row):
    """Devices of one kind in each node of a pool."""

    resource: ExtendedResource = WHOLE_CARD
    """The extended resource that a pod asks for; `nvidia.com/mig-1g.10gb` and the like are MIG slices."""
    count: int = Field(ge=1, le=1024)
    """Devices in one node; slices, not cards, for MIG."""
    product: LabelValue | None = None
    """The card as GPU Feature Discovery names it; required for NVIDIA's devices, whose nodes are labelled with it."""
    cards: int | None = Field(default=None, ge=1, le=64)
    """MIG only: the cards of a node that are divided into these slices."""
    replicas: int = Field(default=1, ge=1, le=64)
    """How many pods share one device by time-slicing; the node offers replicas times count."""
    memory: PositiveQuantity | None = None
    """Memory of one device; by default that of the product. Required for MIG slices."""
    family: LabelValue | None = None
    """Architecture; by default that of the product."""
    compute_capability: ComputeCapability | None = None
    """By default that of the product."""

    @property
    def is_mig(self) -> bool:
        """Whether these are slices of cards."""
        return _MIG_RESOURCE.fullmatch(self.resource) is not None

    @property
    def mig_slices(self) -> int:
        """How many of a card's seven slices one of these takes; 0 for whole cards."""
        match = _MIG_RESOURCE.fullmatch(self.resource)
        return int(match["slices"]) if match else 0

    @property
    def offered(self) -> int:
        """How many of the resource one node offers."""
        return self.count * self.replicas

    @property
    def memory_mebibytes(self) -> int:
        """Memory of one device in MiB; 0 if nothing is known about it."""
        if self.memory is not None:
            return quantity_bytes(self.memory) // _MEBIBYTE
        known = gpu_products().get(self.product or "")
        return known.memory if known else 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        raise_violations("Device", [*self._product_violations(), *self._mig_violations()])
        return self

    def _product_violations(self) -> list[Violation]:
        if not self.resource.startswith(NVIDIA):
            return []
        if self.product is None:
            return [
                Violation((), "NVIDIA's devices need a product, such as Tesla-V100-SXM2-16GB.", tuple(gpu_products()))
            ]
        described = None not in {self.memory, self.family, self.compute_capability}
        if self.product not in gpu_products() and not described:
            sentence = "This product is not known; give memory, family and compute_capability too."
            return [Violation(("product",), sentence, tuple(gpu_products()))]
        return []

    def _mig_violations(self) -> list[Violation]:
        if not self.is_mig:
            if self.cards is not None:
                return [Violation(("cards",), "Cards are counted apart from devices for MIG slices only.")]
            return []
        violations = []
        if self.memory is None:
            violations.append(Violation((), "MIG slices need their memory, such as 9728Mi for mig-1g.10gb."))
        if self.cards is None:
            violations.append(Violation((), "MIG slices need the number of cards that they are cut from."))
        elif self.count * self.mig_slices > self.cards * _MIG_SLICES:
            most = self.cards * _MIG_SLICES // self.mig_slices
            violations.append(Violation(("count",), f"{self.cards} cards give at most {most} of these slices."))
        known = gpu_products().get(self.product or "")
        if known is not None and not known.mig:
            violations.append(Violation(("product",), f"{known.product} cannot be divided into MIG slices."))
        return violations


class Pool(Row):
    """Equal nodes, named after the pool with a number from 0."""

    name: Name
    count: int = Field(ge=0, le=5000)
    cpu: PositiveQuantity
    """Cores that pods may have."""
    memory: PositiveQuantity
    """Memory that pods may have."""
    ephemeral_storage: PositiveQuantity = "200Gi"
    pods: int = Field(default=110, ge=1, le=1000)
    """Pod slots of a node; 110 is the kubelet's own default."""
    devices: tuple[Device, ...] = ()
    driver: Annotated[str, Field(pattern=r"^[0-9]{3}\.[0-9]{2,3}(\.[0-9]{2})?$")] = "580.95.05"
    """Version of NVIDIA's driver, on nodes with NVIDIA's devices."""
    cuda: Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]$")] = "13.0"
    """The newest CUDA that the driver runs."""
    zone: LabelValue | None = None
    instance_type: LabelValue | None = None
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    cordoned: tuple[int, ...] = ()
    """Numbers of the nodes on which nothing new is placed."""

    @property
    def offered(self) -> dict[str, int]:
        """What one node offers of each device resource."""
        return {device.resource: device.offered for device in self.devices}

    def node_name(self, index: int) -> str:
        """Return the name of a node; it is the same in every run."""
        return f"{self.name}-{index}"

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if len(self.node_name(max(self.count - 1, 0))) > _LONGEST_NODE_NAME:
            violations.append(
                Violation(
                    ("name",), f"Names of nodes (this and a number) have at most {_LONGEST_NODE_NAME} characters."
                )
            )
        seen: set[str] = set()
        for index, device in enumerate(self.devices):
            if device.resource in seen:
                violations.append(
                    Violation(("devices", index, "resource"), f"{device.resource} is already in this pool.")
                )
            seen.add(device.resource)
        for index, node in enumerate(self.cordoned):
            if not 0 <= node < self.count:
                violations.append(
                    Violation(("cordoned", index), f"The pool's nodes are numbered from 0 to {self.count - 1}.")
                )
        raise_violations("Pool", violations)
        return self
