"""What users in some groups are offered, in words and as data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from genkan_profiles import Catalogue, LeftOut, Offers, ProfileList, Volume, compile_profiles, offers_for
from genkan_profiles.compiler import IMAGE, PRIORITY, TEAM


@dataclass(frozen=True, slots=True)
class OfferedHardware:
    """One card of the form."""

    slug: str
    display_name: str
    details: str
    """What a server gets."""
    default: bool
    images: tuple[str, ...]
    """Slugs of the images that can be chosen on it."""
    default_image: str | None
    """None where there is no image but the user's own."""


@dataclass(frozen=True, slots=True)
class OfferedImage:
    """An image that can be chosen on some of the hardware."""

    slug: str
    display_name: str
    image: str


@dataclass(frozen=True, slots=True)
class OfferedPriority:
    """A priority, on all hardware."""

    slug: str
    display_name: str
    priority_class: str
    default: bool


@dataclass(frozen=True, slots=True)
class OfferedTeam:
    """A team, on all hardware."""

    slug: str
    display_name: str
    namespace: str
    default: bool


@dataclass(frozen=True, slots=True)
class OfferedVolume:
    """Storage that is mounted."""

    slug: str
    display_name: str
    mount_path: str
    read_only: bool
    hardware: tuple[str, ...]
    """Slugs of the hardware that it is mounted on."""


@dataclass(frozen=True, slots=True)
class OfferedOwnImage:
    """The entry with which users name an image themselves."""

    display_name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Offered:
    """All of it, in the order of the form, and what is left out."""

    groups: tuple[str, ...]
    hardware: tuple[OfferedHardware, ...]
    images: tuple[OfferedImage, ...]
    priorities: tuple[OfferedPriority, ...]
    teams: tuple[OfferedTeam, ...]
    volumes: tuple[OfferedVolume, ...]
    own_image: OfferedOwnImage | None
    left_out: tuple[LeftOut, ...]


def offered_to(catalogue: Catalogue, groups: Collection[str]) -> Offered:
    """Return what a form shows to users who are in exactly these groups, read from the list that forms are made of."""
    offers = offers_for(catalogue, groups)
    profiles = compile_profiles(offers)
    return Offered(
        groups=tuple(sorted(groups)),
        hardware=tuple(_hardware(profile) for profile in profiles),
        images=tuple(
            OfferedImage(slug, choice["display_name"], choice["kubespawner_override"]["image"])
            for slug, choice in _choices(profiles, IMAGE).items()
        ),
        priorities=tuple(
            OfferedPriority(
                slug,
                choice["display_name"],
                choice["kubespawner_override"]["priority_class_name"],
                default=choice["default"],
            )
            for slug, choice in _choices(profiles, PRIORITY).items()
        ),
        teams=tuple(
            OfferedTeam(
                slug, choice["display_name"], choice["kubespawner_override"]["namespace"], default=choice["default"]
            )
            for slug, choice in _choices(profiles, TEAM).items()
        ),
        volumes=tuple(volume for row in offers.volumes if (volume := _volume(row, offers)).hardware),
        own_image=_own_image(offers),
        left_out=offers.left_out,
    )


def _hardware(profile: Mapping[str, Any]) -> OfferedHardware:
    images = profile["profile_options"][IMAGE]["choices"]
    return OfferedHardware(
        slug=profile["slug"],
        display_name=profile["display_name"],
        details=profile["summary"],
        default=profile["default"],
        images=tuple(images),
        default_image=next((slug for slug, choice in images.items() if choice["default"]), None),
    )


def _choices(profiles: ProfileList, option: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the choices of an option on any of the hardware."""
    choices: dict[str, Mapping[str, Any]] = {}
    for profile in profiles:
        choices |= profile["profile_options"].get(option, {}).get("choices", {})
    return choices


def _volume(volume: Volume, offers: Offers) -> OfferedVolume:
    slugs = tuple(offer.hardware.slug for offer in offers.hardware)
    return OfferedVolume(
        slug=volume.slug,
        display_name=volume.display_name,
        mount_path=volume.mount_path,
        read_only=volume.read_only,
        hardware=tuple(slug for slug in slugs if not volume.hardware or slug in volume.hardware),
    )


def _own_image(offers: Offers) -> OfferedOwnImage | None:
    own = offers.own_image
    return None if own is None else OfferedOwnImage(own.display_name, own.pattern)
