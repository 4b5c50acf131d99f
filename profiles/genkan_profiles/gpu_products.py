"""The GPU products that are known without asking a node."""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel

from .documents import load_document
from .names import LabelValue

_CAPABILITY = r"[0-9]{1,2}\.[0-9]"


def _check_capability(text: str) -> str:
    if not re.fullmatch(_CAPABILITY, text):
        message = f'{text[:40]!r} is no compute capability: write two numbers with a dot between them, such as "8.0".'
        raise ValueError(message)
    return text


ComputeCapability = Annotated[
    str,
    AfterValidator(_check_capability),
    Field(json_schema_extra={"pattern": f"^{_CAPABILITY}$"}, examples=["8.0"]),
]
"""NVIDIA's number for what the cores of a GPU can do, as text so that 10.0 stays 10.0."""


class GpuProduct(BaseModel):
    """What is the same for every card of a product."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: Annotated[LabelValue, Field(min_length=1)]
    """Value of the label `nvidia.com/gpu.product`."""
    family: str
    """Architecture, value of the label `nvidia.com/gpu.family`."""
    compute_capability: ComputeCapability
    """NVIDIA's number for what its cores can do, such as "8.0"."""
    memory: int = Field(gt=0)
    """MiB."""
    mig: bool = False
    """Whether the card can be divided into MIG slices."""


class _Table(RootModel[tuple[GpuProduct, ...]]):
    pass


@functools.cache
def gpu_products() -> Mapping[str, GpuProduct]:
    """Return the shipped table, by product."""
    table = load_document(Path(__file__).with_name("gpu_products.yaml"), _Table)
    return {product.product: product for product in table.root}
