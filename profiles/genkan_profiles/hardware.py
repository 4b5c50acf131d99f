"""Hardware: the machines, or parts of one, that servers get."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from .documents import Row
from .names import ExtendedResource, LabelKey, LabelValue
from .quantities import PositiveQuantity, Size, parse_quantity, quantity_bytes
from .rows import DefaultableOffer
from .violations import Violation, raise_violations

NVIDIA_GPU = "nvidia.com/gpu"
NVIDIA_PRODUCT = "nvidia.com/gpu.product"
"""The label with which GPU Feature Discovery names the card of a node."""

_LEAST_MEMORY = 16 * 1024 * 1024
_MOST_CORES = 4096


def _one_or_several(value: Any) -> Any:
    # What comes after a validator is held to Python's types, where no list is a tuple.
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


class TolerationOperator(StrEnum):
    """How a toleration compares with a taint."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TolerationEffect(StrEnum):
    """The effect of the taints that a toleration is for."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Row):
    """A taint of nodes that does not keep servers away.

    https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """

    key: LabelKey | None = None
    """Key of the taint; without one, and with the operator Exists, every taint is tolerated."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """Equal, for a taint with this value, or Exists, for one with any."""
    value: LabelValue = ""
    """Value of the taint; for the operator Equal only."""
    effect: TolerationEffect | None = None
    """Effect of the taint; without one all effects are tolerated."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if self.operator is TolerationOperator.EXISTS and self.value:
            violations.append(Violation(("value",), "The operator Exists takes no value; leave it out."))
        if self.key is None and self.operator is not TolerationOperator.EXISTS:
            violations.append(Violation(("operator",), "Without a key the operator must be Exists.", ("Exists",)))
        raise_violations("Toleration", violations)
        return self


class Gpu(Row):
    """Devices of one kind, of whatever vendor: whole cards, MIG slices, or shares of a time-sliced card."""

    resource: ExtendedResource = NVIDIA_GPU
    """The extended resource that the device plug-in offers, such as nvidia.com/mig-1g.10gb or amd.com/gpu."""
    count: int = Field(ge=1, le=64)
    """How many of them one server gets."""
    product: Annotated[
        tuple[LabelValue, ...],
        BeforeValidator(_one_or_several),
        Field(max_length=20),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = ()
    """The card as its nodes are labelled, or several that are as good; without one any node will do."""
    product_label: LabelKey | None = None
    """The label of nodes that names the card; nvidia.com/gpu.product for NVIDIA's, to be given for others."""

    @property
    def is_nvidia(self) -> bool:
        """Whether NVIDIA's device plug-in offers these."""
        return self.resource.startswith("nvidia.com/")

    @property
    def is_mig(self) -> bool:
        """Whether these are slices of NVIDIA's cards."""
        return self.resource.startswith("nvidia.com/mig-")

    @property
    def label(self) -> str:
        """The label of nodes that names the card."""
        return self.product_label or NVIDIA_PRODUCT

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if self.product and not self.is_nvidia and self.product_label is None:
            sentence = "Say in product_label which label of the nodes names the product of this vendor's cards."
            violations.append(Violation(("product",), sentence))
        raise_violations("Gpu", violations)
        return self


class WhenFull(StrEnum):
    """What becomes of a start for which there is no room now."""

    REFUSE = "refuse"
    WAIT = "wait"


class Hardware(DefaultableOffer):
    """One card of the form: the machine, or part of one, that a server gets."""

    cpu: PositiveQuantity
    """Cores that are kept free for the server."""
    cpu_limit: PositiveQuantity | None = None
    """Cores that it may use while nobody else wants them; by default as many as are kept free."""
    memory: Size
    """Memory, kept free and limit at once: there is no giving back what a kernel holds."""
    gpu: Gpu | None = None
    """The GPUs; without any the server sees none, whatever the machine has."""
    shared_memory: Size | None = None
    """Size of /dev/shm, taken from `memory`; by default half of it with GPUs, whose data loaders need it, else 64Mi."""
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=50)
    """Labels that a node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=50)] = ()
    """Taints of nodes that do not keep servers away."""
    when_full: WhenFull = WhenFull.REFUSE
    """Whether a start without room is refused at once, or waits for its turn: for machines that are added on demand."""
    rescue: bool = False
    """Whether it may be started even while the homes' disk is full, to clean up; for hardware without GPUs."""

    @property
    def most_cpu(self) -> str:
        """The limit in cores, given or not."""
        return self.cpu_limit or self.cpu

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if self.cpu_limit is not None and parse_quantity(self.cpu_limit) < parse_quantity(self.cpu):
            violations.append(Violation(("cpu_limit",), f"The limit is below what is kept free ({self.cpu})."))
        if self.shared_memory is not None and parse_quantity(self.shared_memory) > parse_quantity(self.memory):
            violations.append(
                Violation(("shared_memory",), f"It is taken from the memory, of which there is {self.memory}.")
            )
        if self.rescue and self.gpu is not None:
            violations.append(Violation(("rescue",), "Nobody needs a GPU for cleaning up; take hardware without one."))
        if quantity_bytes(self.memory) < _LEAST_MEMORY:
            sentence = f"{self.memory} hold no server; the least is 16Mi."
            violations.append(Violation(("memory",), sentence))
        if parse_quantity(self.most_cpu) > _MOST_CORES:
            field = "cpu" if self.cpu_limit is None else "cpu_limit"
            violations.append(Violation((field,), f"No machine has {self.most_cpu} cores."))
        raise_violations("Hardware", violations)
        return self
