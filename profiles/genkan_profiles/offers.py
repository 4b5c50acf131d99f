"""What the members of some groups are offered, and why the rest is not among it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from .catalogue import Catalogue
from .hardware import Hardware
from .images import Image, OwnImage
from .rows import Offer, Restricted
from .teams import Priority, Team
from .volumes import Volume


class Section(StrEnum):
    """The parts of a catalogue whose rows can be left out."""

    HARDWARE = "hardware"
    IMAGES = "images"
    PRIORITIES = "priorities"
    TEAMS = "teams"
    VOLUMES = "volumes"
    OWN_IMAGE = "own_image"


@dataclass(frozen=True, slots=True)
class HardwareOffer:
    """One hardware with the images that can be chosen on it, at least one or the user's own."""

    hardware: Hardware
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is not offered, and why, in a sentence for administrators."""

    section: Section
    slug: str
    reason: str
    hardware: str | None = None
    """The hardware on which it is left out; None where it is not offered at all."""


@dataclass(frozen=True, slots=True)
class Offers:
    """All that some users can choose from, in the order of the catalogue."""

    hardware: tuple[HardwareOffer, ...]
    priorities: tuple[Priority, ...]
    teams: tuple[Team, ...]
    """The teams that they are in; without any, servers start in the hub's own namespace."""
    volumes: tuple[Volume, ...]
    own_image: OwnImage | None
    left_out: tuple[LeftOut, ...]
    resources: tuple[str, ...]
    """Every extended resource of the catalogue, offered or not: what a profile does not ask for is taken away."""


def offers_for(catalogue: Catalogue, groups: Collection[str]) -> Offers:
    """Return what users in exactly these groups are offered."""
    own = frozenset(groups)
    priorities = tuple(row for row in catalogue.priorities if row.is_offered_to(own))
    own_image = catalogue.own_image
    if own_image is not None and not own_image.is_offered_to(own):
        own_image = None
    left_out = list(_hidden(catalogue, own))
    offered = []
    images = _Images(catalogue, own)
    for row in catalogue.hardware:
        if not row.is_offered_to(own):
            continue
        running, kept_off = images.on(row)
        left_out += [LeftOut(Section.IMAGES, slug, reason, row.slug) for slug, reason in kept_off]
        if not running and own_image is None:
            left_out.append(LeftOut(Section.HARDWARE, row.slug, "No image that runs on it is offered."))
        elif catalogue.priorities and not priorities:
            left_out.append(LeftOut(Section.HARDWARE, row.slug, "No priority is offered."))
        else:
            offered.append(HardwareOffer(row, running))
    return Offers(
        hardware=tuple(offered),
        priorities=priorities,
        teams=tuple(row for row in catalogue.teams if row.is_offered_to(own)),
        volumes=tuple(row for row in catalogue.volumes if row.is_offered_to(own)),
        own_image=own_image,
        left_out=tuple(left_out),
        resources=tuple(sorted({row.gpu.resource for row in catalogue.hardware if row.gpu is not None})),
    )


class _Images:
    """The images that some groups are offered, sorted once for all hardware on which the same ones run."""

    def __init__(self, catalogue: Catalogue, groups: frozenset[str]) -> None:
        self._obstacles = catalogue.obstacles
        self._images = catalogue.images
        self._offered = [image.is_offered_to(groups) for image in catalogue.images]
        self._sorted: dict[tuple[str, ...], tuple[tuple[Image, ...], list[tuple[str, str]]]] = {}

    def on(self, hardware: Hardware) -> tuple[tuple[Image, ...], list[tuple[str, str]]]:
        """Return the images that run there, and the others' slugs with the reasons."""
        reasons = self._obstacles[hardware.slug]
        if reasons not in self._sorted:
            pairs = [
                pair
                for pair, offered in zip(zip(self._images, reasons, strict=True), self._offered, strict=True)
                if offered
            ]
            running = tuple(image for image, reason in pairs if not reason)
            self._sorted[reasons] = running, [(image.slug, reason) for image, reason in pairs if reason]
        return self._sorted[reasons]


def _hidden(catalogue: Catalogue, groups: frozenset[str]) -> Iterator[LeftOut]:
    """Yield the rows that are kept for other groups."""
    sections: list[tuple[Section, tuple[Offer | Volume, ...]]] = [
        (Section.HARDWARE, catalogue.hardware),
        (Section.IMAGES, catalogue.images),
        (Section.PRIORITIES, catalogue.priorities),
        (Section.VOLUMES, catalogue.volumes),
    ]
    for section, rows in sections:
        for row in rows:
            if not row.is_offered_to(groups):
                yield LeftOut(section, row.slug, _kept_for(row))
    for team in catalogue.teams:
        if not team.is_offered_to(groups):
            yield LeftOut(Section.TEAMS, team.key, f"Its members are those of {team.group}.")
    if catalogue.own_image is not None and not catalogue.own_image.is_offered_to(groups):
        yield LeftOut(Section.OWN_IMAGE, Section.OWN_IMAGE, _kept_for(catalogue.own_image))


def _kept_for(row: Restricted) -> str:
    return f"It is kept for {', '.join(row.groups)}."
