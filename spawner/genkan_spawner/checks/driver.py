"""Whether an image works with the drivers and cards of the nodes, by the labels of GPU Feature Discovery.

Both generations of label names are read: `nvidia.com/cuda.driver-version.major` and the older
`nvidia.com/cuda.driver.major`. A node without these labels is unknown, and never ruled out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.cluster.snapshot import Source

from .capacity import Spot, fits
from .demand import Demand
from .findings import Check, Finding, State
from .outlook import Outlook

_Version: TypeAlias = tuple[int, ...]

_NVIDIA = "nvidia.com/"
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class ImageNeeds:
    """What an image asks of driver and card; None where it asks for nothing."""

    min_driver: str | None = None
    """Such as `580` or `580.65.06`."""
    cuda: str | None = None
    """The CUDA it was built with, such as `13.0`. Counts only where no driver is given: within a major version a
    newer CUDA runs on an older driver (https://docs.nvidia.com/deploy/cuda-compatibility/)."""
    min_compute_capability: str | None = None
    """Such as `7.5`."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """What the driver check found."""

    finding: Finding
    ruled_out: frozenset[str] = frozenset()
    """Names of the nodes on which the image does not work."""


def check_driver(demand: Demand, outlook: Outlook, *, needs: ImageNeeds | None) -> Drivers:
    """Hold an image's needs against the nodes on which the pod may be and that are large enough for it."""
    if needs is None or not any(name.startswith(_NVIDIA) for name in demand.requests):
        return Drivers(Finding(Check.DRIVER, State.READY))
    if not outlook.snapshot.knows(Source.NODES):
        sentence = say("Whether the image works with the machines' drivers cannot be checked at the moment.")
        return Drivers(Finding(Check.DRIVER, State.UNKNOWN, sentence))
    able = [
        spot
        for spot in outlook.capacity.sort(demand.placement).open
        if fits(demand.requests, spot.view.node.allocatable)
    ]
    objections = {spot.name: words for spot in able if (words := _objection(spot, needs))}
    if objections and len(objections) == len(able):
        return Drivers(_refusal(list(objections.values())), frozenset(objections))
    return Drivers(Finding(Check.DRIVER, State.READY), frozenset(objections))


def _refusal(objections: list[tuple[Sentence, str, str]]) -> Finding:
    """Tell of the machine that comes closest."""
    what, wanted, found = max(objections, key=lambda row: _version(row[2]) or ())
    sentence = say(
        "This image needs {what} {wanted} or newer, and the machines that it could run on have {found}. "
        "Choose another image or hardware, or ask an administrator.",
        what=what,
        wanted=wanted,
        found=found,
    )
    return Finding(Check.DRIVER, State.REFUSED, sentence, resource=what, requested=wanted, limit=found, ever=False)


def _objection(spot: Spot, needs: ImageNeeds) -> tuple[Sentence, str, str] | None:
    """Return what is too old, what is needed and what is there."""
    labels = spot.view.node.labels
    for what, wanted, found, digits in (
        (say("GPU driver"), needs.min_driver, _driver(labels), None),
        (Sentence.quoted("CUDA"), needs.cuda if needs.min_driver is None else None, _cuda(labels), 1),
        (
            say("compute capability"),
            needs.min_compute_capability,
            _joined(labels, "gpu.compute", "major", "minor"),
            None,
        ),
    ):
        bound, has = _version(wanted), _version(found)
        if bound and has and has[:digits] < _cut(bound[:digits], has):
            return what, wanted or "", found or ""
    return None


def _cut(bound: _Version, has: _Version) -> _Version:
    """Compare as many parts as are known: 580 is not older than 580.65."""
    return bound[: len(has)]


def _driver(labels: Mapping[str, str]) -> str | None:
    return (
        labels.get(f"{_NVIDIA}cuda.driver-version.full")
        or _joined(labels, "cuda.driver-version", "major", "minor", "revision")
        or _joined(labels, "cuda.driver", "major", "minor", "rev")
    )


def _cuda(labels: Mapping[str, str]) -> str | None:
    """Return the newest CUDA that the driver runs."""
    return (
        labels.get(f"{_NVIDIA}cuda.runtime-version.full")
        or _joined(labels, "cuda.runtime-version", "major", "minor")
        or _joined(labels, "cuda.runtime", "major", "minor")
    )


def _joined(labels: Mapping[str, str], stem: str, *parts: str) -> str | None:
    found: list[str] = []
    for part in parts:
        value = labels.get(f"{_NVIDIA}{stem}.{part}")
        if not value:
            break
        found.append(value)
    return ".".join(found) or None


def _version(text: str | None) -> _Version | None:
    if text is None or _NUMBERS.fullmatch(text) is None:
        return None
    return tuple(int(part) for part in text.split("."))
