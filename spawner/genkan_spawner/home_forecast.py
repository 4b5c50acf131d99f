"""The home in forecasts: what choices ask for is shared by many users, and the claim of a home is one user's own.

Most homes make no difference to a verdict. What is missing yet is the same for all whose home is missing; the few that
stand out, such as one that is in use on some machine, are looked at by themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from genkan_profiles import HomesKind

from .checks.claims import ClaimUse
from .checks.conditions import Conditions
from .checks.demand import Demand
from .checks.outlook import Outlook
from .cluster.snapshot import Source
from .cluster.storage_records import ClaimRecord, Phase
from .homes.taking import users_home
from .kubespawner_seam import claim_names, owner_label
from .refusals import Refusal

if TYPE_CHECKING:
    from .spawner import GenkanSpawner

_NEW = "new"
_BETWEEN = "/"
"""What no name of a namespace or claim has in it."""


@dataclass(frozen=True, slots=True)
class OwnHome:
    """A user's home, where it is a claim that the hub makes."""

    claims: tuple[str, ...] = ()
    """The names under which it may be, first that of a new one; empty where homes are no such claims."""
    owner: str = ""
    user: str = ""
    by_mark: bool = False
    """Whether a claim that is marked as the user's is the home under any other name too."""

    @classmethod
    def of(cls, spawner: "GenkanSpawner") -> Self:
        """Return the home of a spawner's user, whether or not a choice has been applied to the spawner."""
        names = _claims(spawner)
        return cls(names, owner_label(spawner), spawner.user.name, bool(spawner.homes)) if names else cls()

    def left_out(self, demand: Demand) -> Demand:
        """Return what a demand asks for beside this home."""
        kept = tuple(use for use in demand.claims if use.name not in self.claims)
        return replace(demand, claims=kept, owner="") if self.claims else demand

    def difference(self, namespace: str, outlook: Outlook) -> str:
        """Return a key of the homes with which verdicts are as with this one; it is empty for most."""
        snapshot = outlook.snapshot
        if not self.claims or not snapshot.knows(Source.CLAIMS):
            return ""
        found = next(self._there(namespace, outlook), None)
        if found is None:
            return _NEW
        volume = snapshot.storage.volumes.get(found.volume)
        plain = (
            found.phase is Phase.BOUND
            and not found.deleted
            and (volume is None or volume.terms is None)
            and not (found.single_node and outlook.holders(namespace, found.name))
        )
        return "" if plain else f"{namespace}{_BETWEEN}{found.name}"

    def _there(self, namespace: str, outlook: Outlook) -> Iterator[ClaimRecord]:
        """Yield the claims that are the home as far as can be seen, the likeliest first."""
        claims = outlook.snapshot.storage.claims
        named = (claims.get((namespace, name)) for name in self.claims)
        yield from (claim for claim in named if claim is not None and claim.user in {None, self.user})
        if self.by_mark:
            yield from outlook.marked(namespace, self.user)

    def put_in(self, demand: Demand, conditions: Conditions, *, difference: str) -> tuple[Demand, Conditions]:
        """Return a demand with this home where it makes a difference, and the conditions that go with it."""
        if not difference:
            return demand, conditions
        name = self.claims[0] if difference == _NEW else difference.partition(_BETWEEN)[2]
        if conditions.creates is not None:
            conditions = replace(conditions, creates=replace(conditions.creates, name=name))
        use = ClaimUse(name, home=True)
        return replace(demand, claims=(*demand.claims, use), owner=self.owner), conditions


def _claims(spawner: "GenkanSpawner") -> tuple[str, ...]:
    homes = spawner.homes
    if homes is None:
        return claim_names(spawner, proposed="") if spawner.storage_pvc_ensure else ()
    if homes.kind is HomesKind.SHARED:
        return ()
    try:
        return claim_names(spawner, proposed=users_home(homes, spawner.user.name).claim)
    except Refusal:
        # The start says it.
        return ()
