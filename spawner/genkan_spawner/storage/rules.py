"""Which disks a catalogue wants to be looked at, and what follows from how full they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genkan_profiles import Catalogue
from genkan_profiles.fill import Fill
from genkan_profiles.homes import HomesKind


@dataclass(frozen=True, slots=True)
class DiskRule:
    """One disk that many share."""

    claim: str
    """The name of the claims by which servers mount it."""
    everywhere: bool
    """Whether these claims are the same disk in all namespaces."""
    warn_from: float
    refuse_from: float
    hub_path: Path | None = None
    """Where the hub has it mounted."""
    prometheus: str = ""
    """The address of a Prometheus that knows how full it is, if the hub does not have it mounted."""
    largest: Path | None = None
    """The file that tells who uses most."""
    rescue: tuple[str, ...] = ()
    """What people call the hardware that starts all the same, as far as everybody is offered it."""


def disk_rules(catalogue: Catalogue) -> tuple[DiskRule, ...]:
    """Return the disks of a catalogue, each once."""
    rescue = tuple(row.display_name for row in catalogue.hardware if row.rescue and not row.groups)
    rules = {
        rule.claim: rule
        for claim, fill, everywhere in reversed(list(_fills(catalogue)))
        for rule in [_rule(claim, fill, everywhere=everywhere, rescue=rescue)]
    }
    return tuple(reversed(rules.values()))


def _fills(catalogue: Catalogue) -> Iterator[tuple[str, Fill, bool]]:
    homes = catalogue.homes
    if homes is not None and homes.kind is HomesKind.SHARED and homes.claim and homes.fill:
        yield homes.claim, homes.fill, True
    for volume in catalogue.volumes:
        if volume.claim and volume.fill:
            yield volume.claim, volume.fill, volume.fill.hub_path is not None


def _rule(claim: str, fill: Fill, *, everywhere: bool, rescue: tuple[str, ...]) -> DiskRule:
    return DiskRule(
        claim=claim,
        everywhere=everywhere,
        warn_from=fill.warn_from,
        refuse_from=fill.refuse_from,
        hub_path=Path(fill.hub_path) if fill.hub_path else None,
        prometheus=fill.prometheus or "",
        largest=Path(fill.largest) if fill.largest else None,
        rescue=rescue,
    )
