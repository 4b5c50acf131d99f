"""The values with which images are fetched before users want them."""

import hashlib
from enum import StrEnum
from typing import Any

from genkan_profiles import Catalogue

from .machine_classes import machine_classes

_LONGEST_KEY = 52
"""The Zero to JupyterHub chart makes the name of a container of it."""


class Chart(StrEnum):
    """The charts that can fetch images."""

    PLATFORM = "genkan-platform"
    """On the machines that they are for."""
    HUB = "jupyterhub"
    """On all machines of servers."""


def prepull_values(catalogue: Catalogue, chart: Chart) -> dict[str, Any]:
    """Return the values of a chart for the images of a catalogue."""
    match chart:
        case Chart.PLATFORM:
            classes = {one.name: one.values for one in machine_classes(catalogue)}
            return {"imagePullers": {"classes": classes}}
        case Chart.HUB:
            images = {_key(row.slug): _parts(row.image) for row in catalogue.images}
            return {"prePuller": {"continuous": {"enabled": True}, "extraImages": images}}


def _parts(reference: str) -> dict[str, str]:
    """Split a reference where the chart joins it again, with a colon: before the tag, or within the digest."""
    name, _, tag = reference.rpartition(":")
    return {"name": name, "tag": tag}


def _key(slug: str) -> str:
    if len(slug) <= _LONGEST_KEY:
        return slug
    mark = hashlib.sha256(slug.encode()).hexdigest()[:8]
    return f"{slug[: _LONGEST_KEY - 9].rstrip('-')}-{mark}"
