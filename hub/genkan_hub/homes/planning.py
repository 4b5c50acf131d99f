"""The homes that users would have."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubespawner.slugs import safe_slug

from genkan_profiles import Catalogue, HomeError, HomesKind, home_of

_LONGEST_IN_TEMPLATE = 48
"""Characters that KubeSpawner leaves of a name in its templates."""


@dataclass(frozen=True, slots=True)
class PlannedHome:
    """Where a user's home would be."""

    user: str
    kind: str
    claim: str
    path: str | None
    """The folder in the export; None where the claim is the user's own."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A user who would have no home."""

    user: str
    sentence: str


def planned(catalogue: Catalogue, users: Iterable[str]) -> Iterator[PlannedHome | Refused]:
    """Yield the home of each user, in their order, each of them once."""
    for user in dict.fromkeys(users):
        if catalogue.homes is None:
            name = safe_slug(user, max_length=_LONGEST_IN_TEMPLATE)
            yield PlannedHome(user, HomesKind.CLAIM.value, f"home-{name}", None)
            continue
        try:
            home = home_of(catalogue.homes, user)
        except HomeError as error:
            yield Refused(user, str(error))
        else:
            yield PlannedHome(user, home.kind.value, home.claim, home.path)
