"""What is offered as KubeSpawner's profile list: a profile per hardware; image, priority and team are its options."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from .hardware import Gpu, Hardware
from .images import Image, OwnImage
from .language.sentences import NOTHING, Sentence, enumerated, say, say_number
from .offers import Offers
from .overrides import hardware_override
from .quantities import parse_quantity, quantity_bytes
from .rows import DefaultableOffer
from .teams import Priority, Team

ProfileList: TypeAlias = list[dict[str, Any]]
"""What KubeSpawner takes as `profile_list`; `kind`, `summary` and the descriptions of choices are for the form."""

IMAGE, PRIORITY, TEAM = "image", "priority", "team"
"""The options of a profile, as links, forms and the REST API call them."""

_GIBIBYTE = 2**30


def compile_profiles(offers: Offers) -> ProfileList:
    """Return the profile list; equal offers give equal lists, and no offers an empty one.

    Options that are equal are one object, so that copying the list copies each of them once.
    """
    default = _default_slug([offer.hardware for offer in offers.hardware])
    shared = _shared_options(offers)
    image_options: dict[tuple[str, ...], dict[str, Any]] = {}
    profiles: ProfileList = []
    for offer in offers.hardware:
        row = offer.hardware
        key = tuple(image.slug for image in offer.images)
        if key not in image_options:
            image_options[key] = _image_option(offer.images, own_image=offers.own_image)
        profiles.append(
            {
                "slug": row.slug,
                "display_name": row.display_name,
                "description": row.description,
                "default": row.slug == default,
                "kind": "CPU" if row.gpu is None else "GPU",
                "summary": summary(row),
                "kubespawner_override": hardware_override(row, volumes=offers.volumes, resources=offers.resources),
                "conditions": {"when_full": str(row.when_full), **({"rescue": "true"} if row.rescue else {})},
                "profile_options": {IMAGE: image_options[key], **shared},
            }
        )
    return profiles


def summary(row: Hardware) -> Sentence:
    """Say in users' words what a server on this hardware has."""
    cpus = parse_quantity(row.cpu)
    return enumerated(
        [
            _devices(row.gpu) if row.gpu is not None else NOTHING,
            say_number("{number} CPU", "{number} CPUs", 1 if cpus == 1 else 2, number=f"{cpus.normalize():f}"),
            say("{size} GB memory", size=_gigabytes(row.memory)),
        ]
    )


def _devices(gpu: Gpu) -> Sentence:
    if gpu.is_mig:
        return say_number("{count} GPU slice", "{count} GPU slices", gpu.count, count=gpu.count)
    if gpu.resource.endswith(".shared"):
        return say_number("{count} shared GPU", "{count} shared GPUs", gpu.count, count=gpu.count)
    return say_number("{count} GPU", "{count} GPUs", gpu.count, count=gpu.count)


def _shared_options(offers: Offers) -> dict[str, Any]:
    """Return the options that are the same on every hardware."""
    options = {}
    if offers.priorities:
        options[PRIORITY] = _priority_option(offers.priorities)
    if offers.teams:
        options[TEAM] = _team_option(offers.teams)
    return options


def _image_option(images: Sequence[Image], *, own_image: OwnImage | None) -> dict[str, Any]:
    default = _default_slug(images)
    option: dict[str, Any] = {
        "display_name": say("Image"),
        "choices": {
            row.slug: {
                "display_name": row.display_name,
                "description": row.description,
                "default": row.slug == default,
                "kubespawner_override": {"image": row.image},
                "conditions": _needs(row),
            }
            for row in images
        },
    }
    if own_image is not None:
        option["unlisted_choice"] = _unlisted(own_image)
    return option


def _needs(image: Image) -> dict[str, str]:
    """Return what the image asks of drivers and cards, for the checks before a start."""
    needs = {"min_driver": image.min_driver, "cuda": image.cuda, "min_compute_capability": image.min_compute_capability}
    return {name: value for name, value in needs.items() if value is not None}


def _unlisted(own_image: OwnImage) -> dict[str, Any]:
    return {
        "enabled": True,
        "kind": IMAGE,
        "display_name": own_image.display_name,
        "display_name_in_choices": own_image.display_name,
        "pattern": own_image.pattern,
        "validation_message": own_image.message,
        "kubespawner_override": {"image": "{value}"},
    }


def _priority_option(priorities: Sequence[Priority]) -> dict[str, Any]:
    default = _default_slug(priorities)
    return {
        "display_name": say("Priority"),
        "choices": {
            row.slug: {
                "display_name": row.display_name,
                "description": row.description,
                "default": row.slug == default,
                "kubespawner_override": {"priority_class_name": row.priority_class},
            }
            for row in priorities
        },
    }


def _team_option(teams: Iterable[Team]) -> dict[str, Any]:
    return {
        "display_name": say("Team"),
        "choices": {
            team.key: {
                "display_name": team.display_name,
                "description": team.description,
                "default": number == 0,
                "kubespawner_override": {"namespace": team.namespace},
            }
            for number, team in enumerate(teams)
        },
    }


def _default_slug(rows: Sequence[DefaultableOffer]) -> str:
    """Return the row that is marked, or else the first; empty where there is none."""
    marked = [row.slug for row in rows if row.default]
    return next(iter([*marked, *(row.slug for row in rows)]), "")


def _gigabytes(memory: str) -> str:
    amount = quantity_bytes(memory) / _GIBIBYTE
    return f"{amount:.0f}" if amount == int(amount) else f"{amount:.1f}"
