"""The matrix: which images there are, on which bases, and for how long."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from genkan_profiles.compatibility import OLDEST_CAPABILITY, OLDEST_CUDA
from genkan_profiles.documents import Row, load_document
from genkan_profiles.gpu_products import ComputeCapability
from genkan_profiles.images import OLDEST_DRIVER, Version, numbers
from genkan_profiles.violations import OTHER, Violation, raise_violations

from .flavours import DESIGNS, Channel, Design, Flavour

MATRIX = Path("images/matrix.yaml")
"""The project's own matrix, seen from its checkout."""


def _absolute(path: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*)+", path):
        message = f"{path[:80]!r} cannot stand here: a file of the base is absolute, such as /workspace/license.txt."
        raise ValueError(message)
    return path


Release = Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{2}(\.[0-9]{1,2})?$", examples=["26.09"])]
"""Year and month of a base, as NVIDIA and Ubuntu count them."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", examples=["sha256:..."])]
"""The content of an image, whatever its tag points to later."""

BasePath = Annotated[str, Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$", max_length=200)]
"""A repository below its registry."""

Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]

BaseFile = Annotated[str, AfterValidator(_absolute)]


class Source(StrEnum):
    """Where a base comes from; which host that is, the site says when it builds."""

    NVIDIA = "nvidia"
    """NVIDIA's registry, or a mirror of it."""
    LIBRARY = "library"
    """The registry of the distributions' official images, or a mirror of it."""


class Base(Row):
    """The image that ours is built on."""

    source: Source
    """Whose registry holds it."""
    path: BasePath
    """Its repository there, such as `nvidia/pytorch`."""
    tag: Tag
    """Its tag, for people; what is built on is the digest."""
    digest: Digest | None
    """Its content, of the list of all architectures; nothing (`null`) only while the image is a candidate."""

    @property
    def reference(self) -> str:
        """Repository, tag and digest, without the registry."""
        return f"{self.path}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


class MatrixRow(Row):
    """One image: a flavour at a release."""

    flavour: Flavour
    """What it is for."""
    release: Release
    """The release of its base."""
    revision: int = Field(ge=1, le=999)
    """Ours on the same base, from 1; it changes whenever the image is to be pushed again."""
    channel: Channel
    """What a site may expect of it: `candidate` is tried, `stable` is offered, `long` stays for older drivers."""
    base: Base
    """What it is built on."""
    framework_version: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*([a-z][a-z0-9.+]*)?$")] | None = None
    """Version of its framework; nothing while nobody has looked into a candidate."""
    python: Version
    """Version of the Python that notebooks run on."""
    cuda: Version | None = None
    """Version of CUDA inside; nothing for the flavour without GPUs."""
    min_driver: Annotated[Version, Field(examples=["580"])] | None = None
    """The oldest driver of NVIDIA's that it runs on; a branch, or a version of one."""
    compute_capabilities: Annotated[tuple[ComputeCapability, ...], Field(max_length=20)] = ()
    """The cards that its libraries are built for, oldest first."""
    licence_files: Annotated[tuple[BaseFile, ...], Field(max_length=20)] = ()
    """The files of the base that hold its licence, and must still be there in ours."""
    end_of_life: date
    """The last day on which it is offered, such as 2027-03-31."""
    frozen: bool = False
    """Whether its base is the last one that there will be."""

    @property
    def design(self) -> Design:
        """What is the same for every release of its flavour."""
        return DESIGNS[self.flavour]

    @property
    def tag(self) -> str:
        """Its tag, which is never pushed twice."""
        return f"{self.release}-r{self.revision}"

    @property
    def name(self) -> str:
        """Its name without a registry."""
        return f"{self.flavour}:{self.tag}"

    @property
    def target(self) -> str:
        """Its name where dots and colons cannot stand."""
        return f"{self.flavour}-{self.tag}".replace(".", "-")

    @model_validator(mode="after")
    def _check(self) -> Self:
        rules = (self._digest(), self._tag(), self._framework(), self._hardware(), self._cards(), self._licence())
        raise_violations("MatrixRow", [violation for rule in rules for violation in rule])
        return self

    def _digest(self) -> Iterator[Violation]:
        if self.base.digest is None and self.channel is not Channel.CANDIDATE:
            sentence = f"The base of a {self.channel} image needs its digest; only a candidate can be without."
            yield Violation(("base", "digest"), sentence)

    def _tag(self) -> Iterator[Violation]:
        """Yield a tag that is not of the row's release, as is left where only one of them was raised."""
        if self.release not in self.base.tag:
            yield Violation(("base", "tag"), f"This is not of release {self.release}; say of both the same.")
        elif self.flavour is Flavour.CUDA and self.cuda and not self.base.tag.startswith(f"{self.cuda}-"):
            yield Violation(("base", "tag"), f"This is not of CUDA {self.cuda}; say of both the same.")

    def _framework(self) -> Iterator[Violation]:
        if self.framework_version is None and self.channel is not Channel.CANDIDATE and self.flavour in _FRAMEWORKS:
            sentence = f"A {self.channel} image needs the version of its framework; only a candidate can be without."
            yield Violation(("framework_version",), sentence)

    def _hardware(self) -> Iterator[Violation]:
        """Yield what does not fit the flavour, and a driver that is too old for the CUDA."""
        if self.flavour is Flavour.CPU:
            for field in ("cuda", "min_driver", "compute_capabilities"):
                if getattr(self, field):
                    yield Violation((field,), "An image for hardware without GPUs has none of this.")
            return
        for field in ("cuda", "min_driver", "compute_capabilities"):
            if not getattr(self, field):
                yield Violation((field,), "An image for GPUs needs this.")
        if self.cuda and self.min_driver:
            oldest = OLDEST_DRIVER.get(numbers(self.cuda)[0])
            if oldest is None:
                known = ", ".join(str(major) for major in OLDEST_DRIVER)
                sentence = f"Which driver CUDA {self.cuda} needs is not known; known are the versions {known}."
                yield Violation(("cuda",), sentence)
            elif numbers(self.min_driver)[0] < oldest:
                yield Violation(("min_driver",), f"CUDA {self.cuda} needs driver {oldest} or newer.")

    def _cards(self) -> Iterator[Violation]:
        """Yield the cards that the CUDA does not build for."""
        if not self.cuda:
            return
        cuda = numbers(self.cuda)
        oldest = OLDEST_CAPABILITY.get(min(cuda[0], max(OLDEST_CAPABILITY)))
        listed = [numbers(text) for text in self.compute_capabilities]
        if listed != sorted(set(listed)):
            yield Violation(("compute_capabilities",), "Each stands here once, the oldest first.")
        for index, capability in enumerate(listed):
            place = ("compute_capabilities", index)
            first = OLDEST_CUDA.get(capability)
            if oldest is not None and capability < oldest:
                sentence = f"CUDA {self.cuda} no longer builds for it; the oldest is {'.'.join(map(str, oldest))}."
                yield Violation(place, sentence)
            elif first is not None and (*cuda, 0)[:2] < first:
                yield Violation(place, f"The first CUDA that knows it is {'.'.join(map(str, first))}.")

    def _licence(self) -> Iterator[Violation]:
        if self.base.source is Source.NVIDIA and not self.licence_files:
            yield Violation(("licence_files",), "An image of NVIDIA's keeps its licence; name the files that hold it.")


class Matrix(Row):
    """All images of a site."""

    images: Annotated[tuple[MatrixRow, ...], Field(min_length=1, max_length=200)]
    """One row for each image that is built."""

    @classmethod
    def certain_violations(cls, data: Mapping[str, Any]) -> Iterable[Violation]:
        """Return what rows share and must not, whatever else is wrong with them."""
        return _shared(data)

    @model_validator(mode="after")
    def _check(self) -> Self:
        rows = [{field: getattr(row, field) for field in MatrixRow.model_fields} for row in self.images]
        raise_violations("Matrix", _shared({"images": rows}))
        return self


_FRAMEWORKS = frozenset({Flavour.PYTORCH, Flavour.TENSORFLOW, Flavour.JAX, Flavour.RAPIDS})


def load_matrix(path: Path = MATRIX) -> Matrix:
    """Read a matrix; raises DocumentError with all problems that can be found at once."""
    return load_document(path, Matrix)


def _shared(data: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield the later ones of rows that would be pushed as one image, or that one moving tag would point to."""
    rows = data.get("images")
    if not isinstance(rows, list | tuple):
        return
    for fields, sentence in (
        (("flavour", "release", "revision"), f"This image is already that of {OTHER}; raise its revision."),
        (("flavour", "channel"), f"A channel has one release of a flavour, and {OTHER} is it already."),
    ):
        first: dict[tuple[str, ...], int] = {}
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping) or any(row.get(field) is None for field in fields):
                continue
            key = tuple(str(row[field]) for field in fields)
            if key in first:
                yield Violation(("images", index, fields[-1]), sentence, other=("images", first[key]))
            first.setdefault(key, index)
