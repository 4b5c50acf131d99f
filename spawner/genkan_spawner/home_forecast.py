"""The home in forecasts: what choices ask for is shared by many users, and the claim of a home is one user's own.

Most homes make no difference to a verdict. What is missing yet is the same for all whose home is missing; the few that
stand out, such as one that is in use on some machine, are looked at by themselves.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from .checks.claims import ClaimUse
from .checks.conditions import Conditions
from .checks.demand import Demand
from .checks.outlook import Outlook
from .cluster.snapshot import Source
from .cluster.storage_records import Phase
from .kubespawner_seam import owner_label

if TYPE_CHECKING:
    from .cluster_spawner import ClusterSpawner

_NEW = "new"


@dataclass(frozen=True, slots=True)
class OwnHome:
    """A user's home, where it is a claim that the hub makes."""

    claim: str = ""
    """Empty where it is not."""
    owner: str = ""

    @classmethod
    def of(cls, spawner: "ClusterSpawner") -> Self:
        """Return the home of a spawner's user."""
        name: Any = spawner.pvc_name if spawner.storage_pvc_ensure else ""
        return cls(str(name), owner_label(spawner)) if name else cls()

    def left_out(self, demand: Demand) -> Demand:
        """Return what a demand asks for beside this home."""
        kept = tuple(use for use in demand.claims if use.name != self.claim)
        return replace(demand, claims=kept, owner="") if self.claim else demand

    def difference(self, namespace: str, outlook: Outlook) -> str:
        """Return a key of the homes with which verdicts are as with this one; it is empty for most."""
        snapshot = outlook.snapshot
        if not self.claim or not snapshot.knows(Source.CLAIMS):
            return ""
        found = snapshot.storage.claims.get((namespace, self.claim))
        if found is None:
            return _NEW
        volume = snapshot.storage.volumes.get(found.volume)
        plain = (
            found.phase is Phase.BOUND
            and not found.deleted
            and (volume is None or volume.terms is None)
            and not (found.single_node and outlook.holders(namespace, self.claim))
        )
        # No name of a claim has a slash.
        return "" if plain else f"{namespace}/{self.claim}"

    def put_in(self, demand: Demand, conditions: Conditions, *, difference: str) -> tuple[Demand, Conditions]:
        """Return a demand with this home where it makes a difference, and the conditions that go with it."""
        if not difference:
            return demand, conditions
        if difference == _NEW and conditions.creates is not None:
            conditions = replace(conditions, creates=replace(conditions.creates, name=self.claim))
        use = ClaimUse(self.claim, home=True)
        return replace(demand, claims=(*demand.claims, use), owner=self.owner), conditions
