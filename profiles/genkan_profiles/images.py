"""Single-user images: those of the catalogue, and those that users may name themselves."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from .gpu_products import ComputeCapability
from .names import ImageReference, is_image_reference
from .patterns import Pattern, matches
from .rows import DefaultableOffer, Line, Restricted
from .violations import Violation, raise_violations

_VERSION = r"[0-9]{1,4}(\.[0-9]{1,4}){0,2}"


def _check_version(text: str) -> str:
    if not re.fullmatch(_VERSION, text):
        message = f'{text[:40]!r} is no version: write one to three numbers with dots between them, such as "13.0".'
        raise ValueError(message)
    return text


Version = Annotated[
    str,
    AfterValidator(_check_version),
    Field(json_schema_extra={"pattern": f"^{_VERSION}$"}, examples=["13.0"]),
]
"""A version as text, so that 13.10 stays apart from 13.1."""


OLDEST_DRIVER: Mapping[int, int] = {11: 450, 12: 525, 13: 580}
"""The oldest driver branch for a major version of CUDA.

https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
"""

Number: TypeAlias = tuple[int, ...]
"""A version for comparing."""


def numbers(version: str) -> Number:
    """Return a version for comparing."""
    return tuple(int(part) for part in version.split("."))


class RunsOn(StrEnum):
    """The hardware that an image is meant for."""

    ANY = "any"
    CPU = "cpu"
    GPU = "gpu"


class Image(DefaultableOffer):
    """One single-user image."""

    image: ImageReference
    """Registry, path, and a tag or digest; with a digest it stays the same whatever is pushed later."""
    framework: str = Field(default="", max_length=100)
    """What is in it, such as PyTorch 2.14; for people."""
    runs_on: RunsOn = RunsOn.ANY
    """The hardware that it is offered on: any, or only that without GPUs (cpu), or only that with GPUs (gpu)."""
    cuda: Version | None = None
    """Version of CUDA inside, such as "13.0"; hardware whose cards it does not support is left out."""
    min_driver: Annotated[Version, Field(examples=["580"])] | None = None
    """The oldest version of NVIDIA's driver that it runs on, such as "580"."""
    min_compute_capability: ComputeCapability | None = None
    """The oldest cards that its libraries are built for, such as "7.5"; what its CUDA needs holds without it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if self.runs_on is RunsOn.CPU and self.cuda is not None:
            violations.append(Violation(("cuda",), "An image for hardware without GPUs needs no CUDA."))
        oldest = OLDEST_DRIVER.get(numbers(self.cuda)[0], 0) if self.cuda else 0
        if self.min_driver is not None and numbers(self.min_driver)[0] < oldest:
            violations.append(Violation(("min_driver",), f"CUDA {self.cuda} needs driver {oldest} or newer."))
        raise_violations("Image", violations)
        return self


class OwnImage(Restricted):
    """Lets users name an image that is not in the catalogue."""

    display_name: Line = "Another image"
    """The entry in the list of images."""
    pattern: Pattern
    """A regular expression that the whole reference must match, such as `registry\\.example\\.org/vision/.+`."""
    message: Line
    """What a user is told whose image does not match, such as "Only images of registry.example.org can be used."."""

    def allows(self, image: str) -> bool:
        """Return whether a reference is one, and matches the pattern from its first to its last character."""
        return is_image_reference(image) and matches(self.pattern, image)
