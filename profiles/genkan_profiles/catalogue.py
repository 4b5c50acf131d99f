"""The catalogue: what a site offers, as its administrator writes it."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from .compatibility import Products, all_obstacles, product_names
from .distinct import SECTIONS, shared
from .documents import Row, load_documents
from .gpu_products import GpuProduct, gpu_products
from .hardware import Hardware
from .homes import Homes, shows_homes
from .images import Image, OwnImage
from .rows import Restricted
from .teams import Priority, Team
from .violations import OTHER, Violation, raise_violations
from .volumes import Volume

_NAMED_GROUPS = 3

BUILT_IN = Path(__file__).with_name("builtin.yaml")
"""The catalogue of a hub that was given none."""

SAMPLE = Path(__file__).with_name("sample.yaml")
"""A catalogue that a site can start from; no hub uses it by itself."""


class Catalogue(Row):
    """All that users can choose from."""

    hardware: Annotated[tuple[Hardware, ...], Field(min_length=1, max_length=1000)]
    """The machines, or parts of one, that servers get; users see a card for each."""
    images: Annotated[tuple[Image, ...], Field(min_length=1, max_length=1000)]
    """What runs on them."""
    priorities: Annotated[tuple[Priority, ...], Field(max_length=20)] = ()
    """What a server weighs against others; without any it is what the cluster's default says."""
    teams: Annotated[tuple[Team, ...], Field(max_length=1000)] = ()
    """Whose quota a server counts on; who is in none starts servers in the hub's own namespace."""
    volumes: Annotated[tuple[Volume, ...], Field(max_length=200)] = ()
    """Storage beside the home."""
    homes: Homes | None = None
    """How homes are kept; without it what the hub's configuration says, which is a claim per user and namespace."""
    own_image: OwnImage | None = None
    """Lets users name an image that is not listed."""
    gpu_products: Annotated[tuple[GpuProduct, ...], Field(max_length=1000)] = ()
    """GPU products that Genkan does not know, or knows otherwise."""

    @functools.cached_property
    def products(self) -> Products:
        """The known GPU products, those of this catalogue first."""
        return {**gpu_products(), **{row.product: row for row in self.gpu_products}}

    @functools.cached_property
    def obstacles(self) -> Mapping[str, tuple[str, ...]]:
        """Why each image cannot run, empty if it can, in the order of the images and by the slug of the hardware."""
        return all_obstacles(self.images, self.hardware, products=self.products)

    @property
    def named_groups(self) -> frozenset[str]:
        """The groups that make a difference: those that some row is kept for, and those of the teams."""
        restricted: tuple[Restricted, ...] = (*self.hardware, *self.images, *self.priorities, *self.volumes)
        if self.own_image is not None:
            restricted = (*restricted, self.own_image)
        teams = (team.group for team in self.teams if team.group is not None)
        return frozenset(group for row in restricted for group in row.groups).union(teams)

    @classmethod
    def certain_violations(cls, data: Mapping[str, Any]) -> Iterable[Violation]:
        """Return what rows share and must not, whatever else is wrong with them."""
        return shared(data)

    @model_validator(mode="after")
    def _check(self) -> Self:
        rows = {section: [vars(row) for row in getattr(self, section)] for section in SECTIONS}
        names = [*shared(rows), *self._unknown_names()]
        raise_violations("Catalogue", names or [*self._unusable(), *self._open_homes(), *self._several_caches()])
        return self

    def _unknown_names(self) -> Iterator[Violation]:
        slugs = tuple(row.slug for row in self.hardware)
        known_slugs = frozenset(slugs)
        for index, volume in enumerate(self.volumes):
            for place, slug in enumerate(volume.hardware):
                if slug not in known_slugs:
                    yield Violation(
                        ("volumes", index, "hardware", place),
                        f"There is no hardware {slug!r} in this catalogue.",
                        slugs,
                    )
        known = self.products
        allowed = tuple(sorted(known))
        for index, row in enumerate(self.hardware):
            if row.gpu is None or not row.gpu.is_nvidia:
                continue
            for label, name in zip(row.gpu.product, product_names(row.gpu), strict=True):
                if name not in known:
                    sentence = f"The GPU product {label!r} is not known; describe it in gpu_products."
                    yield Violation(("hardware", index, "gpu", "product"), sentence, allowed)
                elif row.gpu.is_mig and not known[name].mig:
                    sentence = f"{name} cannot be divided into MIG slices."
                    yield Violation(("hardware", index, "gpu", "product"), sentence)

    def _open_homes(self) -> Iterator[Violation]:
        """Yield the volumes that would show everybody's homes."""
        for index, row in enumerate(self.volumes):
            if self.homes is not None and row.claim is not None and shows_homes(self.homes, row.claim, row.sub_path):
                sentence = "This would show the homes of all users; take a sub_path beside the homes' folder."
                yield Violation(("volumes", index, "sub_path" if row.sub_path else "claim"), sentence)

    def _several_caches(self) -> Iterator[Violation]:
        """Yield the later ones of scratch volumes that would hold the caches of the same servers."""
        cached = [(index, row) for index, row in enumerate(self.volumes) if row.scratch and row.scratch.caches]
        for (first, one), (second, other) in itertools.combinations(cached, 2):
            if _meet(one.hardware, other.hardware) and _meet(one.groups, other.groups):
                sentence = f"Caches can be in one place only, and {OTHER} is that already."
                place = ("volumes", second, "scratch", "caches")
                yield Violation(place, sentence, other=("volumes", first, "scratch", "caches"))

    def _unusable(self) -> Iterator[Violation]:
        """Yield the hardware on which somebody who is offered it would find nothing to choose."""
        images, priorities = _Audience(self.images), _Audience(self.priorities)
        every_priority = frozenset(range(len(self.priorities)))
        running: dict[tuple[str, ...], frozenset[int]] = {}
        for index, row in enumerate(self.hardware):
            reasons = self.obstacles[row.slug]
            if reasons not in running:
                running[reasons] = frozenset(place for place, reason in enumerate(reasons) if not reason)
            if not running[reasons]:
                yield Violation(("hardware", index), f"No image runs on it. {_summed(self.images, reasons)}")
                continue
            yield from _hidden(index, row, "image that runs on it", images.left_without(running[reasons], row.groups))
            if self.priorities:
                yield from _hidden(index, row, "priority", priorities.left_without(every_priority, row.groups))


def load_catalogue(path: Path = BUILT_IN) -> Catalogue:
    """Read a catalogue from a file, or from all *.yaml and *.yml of a directory.

    Raises DocumentError with all problems that can be found at once.
    """
    return load_documents(path, Catalogue)


class _Audience:
    """To whom the rows of a section are offered, for asking often."""

    def __init__(self, rows: Sequence[Restricted]) -> None:
        self._everybody = {index for index, row in enumerate(rows) if not row.groups}
        self._members: dict[str, set[int]] = {}
        for index, row in enumerate(rows):
            for group in row.groups:
                self._members.setdefault(group, set()).add(index)

    def left_without(self, wanted: frozenset[int], groups: Sequence[str]) -> list[str] | None:
        """Return those of the groups whose members are offered none of the wanted rows by it; None for nobody.

        Without groups the question is about users in no group, and the answer is an empty list if they are.
        """
        if not wanted.isdisjoint(self._everybody):
            return None
        left = [group for group in groups if wanted.isdisjoint(self._members.get(group, ()))]
        return None if groups and not left else left


def _hidden(index: int, hardware: Hardware, what: str, groups: list[str] | None) -> Iterator[Violation]:
    """Yield a violation if the groups leave nothing to users who have this hardware by one group only, or by none."""
    if groups is None:
        return
    who = "users without a group"
    if hardware.groups:
        named = ", ".join(map(repr, groups[:_NAMED_GROUPS]))
        more = len(groups) - _NAMED_GROUPS
        who = f"members of {named}{f' and {more} more' if more > 0 else ''} who are in no other group"
    yield Violation(("hardware", index), f"It is offered to {who}, but no {what} is.")


def _meet(first: Sequence[str], second: Sequence[str]) -> bool:
    """Return whether two lists have something in common, of which an empty one stands for all."""
    return not first or not second or not set(first).isdisjoint(second)


def _summed(images: Sequence[Image], obstacles: Sequence[str]) -> str:
    """Tell the reasons, up to three of them."""
    told = [f"{image.slug}: {reason}" for image, reason in zip(images, obstacles, strict=True)]
    return " ".join(told[:3])
