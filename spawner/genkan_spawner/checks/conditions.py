"""What a choice adds to its pod's demand: the image's needs, and whether it may wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from genkan_profiles import WhenFull
from genkan_spawner.cluster.snapshot import Snapshot

from .claims import NewClaim
from .demand import Demand
from .driver import ImageNeeds
from .findings import Verdict
from .outlook import Outlook
from .preflight import examine


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions under which a demand is examined."""

    image_needs: ImageNeeds | None = None
    when_full: WhenFull = WhenFull.REFUSE
    rescue: bool = False
    """Whether it starts even on a full disk, for cleaning up."""
    creates: NewClaim | None = None
    """The claim that its start makes if it is not there."""

    @classmethod
    def of(cls, found: Mapping[str, str]) -> Self:
        """Read the conditions of a choice as profiles carry them."""
        needs = {name: value for name, value in found.items() if name not in {"when_full", "rescue"}}
        return cls(
            image_needs=ImageNeeds(**needs) if needs else None,
            when_full=WhenFull(found.get("when_full", WhenFull.REFUSE)),
            rescue="rescue" in found,
        )

    def examine(self, demand: Demand, snapshot: Snapshot, *, outlook: Outlook | None = None) -> Verdict:
        """Return what all checks say of a demand."""
        return examine(
            demand,
            snapshot,
            image_needs=self.image_needs,
            when_full=self.when_full,
            creates=self.creates,
            rescue=self.rescue,
            outlook=outlook,
        )
