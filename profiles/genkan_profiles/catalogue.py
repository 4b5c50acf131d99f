"""The catalogue: what a site offers, as its administrator writes it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from .documents import Row, load_document
from .names import ExtendedResource, ImageReference, Slug
from .quantities import PositiveQuantity, parse_quantity
from .violations import Violation, raise_violations

BUILT_IN = Path(__file__).with_name("builtin.yaml")
"""The catalogue of a hub that was given none."""

Line = Annotated[str, Field(max_length=200), AfterValidator(str.strip), Field(min_length=1)]


class Gpu(Row):
    """Devices of one kind, of whatever vendor."""

    resource: ExtendedResource = "nvidia.com/gpu"
    """The extended resource that the device plug-in offers."""
    count: int = Field(ge=1, le=64)


class Offer(Row):
    """A row that users see and choose."""

    slug: Slug
    """What links, forms and the REST API call it; it should never change."""
    display_name: Line
    description: str = Field(default="", max_length=1000)
    default: bool = False
    """Chosen for users who have not chosen yet; the first row if none says so."""


class Hardware(Offer):
    """One row of the form: the machine, or part of one, that a server gets."""

    cpu: PositiveQuantity
    """Cores that are kept free for the server."""
    cpu_limit: PositiveQuantity | None = None
    """Cores that it may use while nobody else wants them; by default as many as are kept free."""
    memory: PositiveQuantity
    """Memory, kept free and limit at once: there is no giving back what a kernel holds."""
    gpu: Gpu | None = None
    shared_memory: PositiveQuantity | None = None
    """Size of /dev/shm, taken from `memory`; by default half of it with GPUs, whose data loaders need it, else 64Mi."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if self.cpu_limit is not None and parse_quantity(self.cpu_limit) < parse_quantity(self.cpu):
            violations.append(Violation(("cpu_limit",), f"The limit is below what is kept free ({self.cpu})."))
        if self.shared_memory is not None and parse_quantity(self.shared_memory) > parse_quantity(self.memory):
            violations.append(
                Violation(("shared_memory",), f"It is taken from the memory, of which there is {self.memory}.")
            )
        raise_violations("Hardware", violations)
        return self


class Image(Offer):
    """One single-user image."""

    image: ImageReference


class Catalogue(Row):
    """All that users can choose from."""

    hardware: tuple[Hardware, ...] = Field(min_length=1)
    images: tuple[Image, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        raise_violations(
            "Catalogue", [*_row_violations("hardware", self.hardware), *_row_violations("images", self.images)]
        )
        return self


def load_catalogue(path: Path = BUILT_IN) -> Catalogue:
    """Read a catalogue from its file.

    Raises DocumentError with all problems that can be found at once.
    """
    return load_document(path, Catalogue)


def _row_violations(field: str, rows: Sequence[Offer]) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        if row.slug in first:
            yield Violation((field, index, "slug"), f"{row.slug!r} is already the slug of {field}[{first[row.slug]}].")
        first.setdefault(row.slug, index)
    for index in [index for index, row in enumerate(rows) if row.default][1:]:
        yield Violation((field, index, "default"), "Only one row can be the default.")
