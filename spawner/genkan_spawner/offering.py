"""What a user is offered: the catalogue in the place of KubeSpawner's `profile_list`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from genkan_profiles import BUILT_IN, Catalogue, DocumentError, ProfileList, preselected, remembered
from genkan_profiles.choices import PROFILE
from genkan_profiles.language.sentences import say

from .catalogue_source import CatalogueSource, Loaded, source_for
from .reasons import Reason
from .refusals import Refusal

if TYPE_CHECKING:
    from .spawner import GenkanSpawner

MOST_OFFERINGS = 100
"""Lists that are kept ready for forms, as many as a catalogue keeps compiled; the longest unused one goes first."""

MOST_CHOICES = 100
"""Earlier choices that are kept ready for each list; the longest unused one goes first."""


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """One profile as a form shows it; each is different from all others, however alike."""

    profile: dict[str, Any]
    """With `selected` at what the form starts with. It is shared and must not be changed."""
    options: dict[str, str]
    """With which it would start; an image of the user's own stands for the default one."""

    @classmethod
    def of(cls, profile: dict[str, Any]) -> Self:
        """Make the card of a marked profile."""
        options = {PROFILE: profile["slug"]}
        for name, option in profile.get("profile_options", {}).items():
            selected = [slug for slug, choice in option.get("choices", {}).items() if choice.get("selected")]
            if selected:
                options[name] = selected[0]
        return cls(profile, options)

    @property
    def slug(self) -> str:
        """By which the profile is known."""
        return str(self.profile["slug"])

    @property
    def takes_own_values(self) -> bool:
        """Whether users can give a value themselves, such as an image."""
        options = self.profile.get("profile_options", {}).values()
        return any(option.get("unlisted_choice", {}).get("enabled", False) for option in options)


@dataclass(frozen=True, slots=True, eq=False)
class Offering:
    """A profile list as forms need it, prepared once for all users to whom it is offered."""

    source: ProfileList
    """The list itself."""
    profiles: ProfileList
    """KubeSpawner's copy of it, with what may be left out; it must not be changed."""
    cards: tuple[Card, ...]
    """As a user sees them who has chosen none of them."""
    edition: object = field(default_factory=object)
    """Stands for this list where things are kept that depend on it."""
    _chosen: dict[frozenset[tuple[str, str]], tuple[Card, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: ProfileList, profiles: ProfileList) -> Self:
        """Prepare a list, of which `profiles` is KubeSpawner's copy."""
        cards = tuple(Card.of({**profile, "selected": False}) for profile in preselected(profiles, {}))
        return cls(source, profiles, cards)

    def cards_with(self, options: Any, *, as_typed: bool = False) -> tuple[Card, ...]:
        """Return the cards for a user with an earlier choice, as far as it is still offered.

        With `as_typed` an own value is kept though it cannot be used.
        """
        saved = remembered(self.profiles, options, as_typed=as_typed)
        key = frozenset(saved.items())
        found = self._chosen.pop(key, None)
        if found is None:
            found = tuple(self._with(saved))
            while len(self._chosen) >= MOST_CHOICES:
                del self._chosen[next(iter(self._chosen))]
        self._chosen[key] = found
        return found

    def _with(self, saved: Mapping[str, str]) -> Iterator[Card]:
        marked = preselected(self.profiles, saved, as_typed=True)
        for card, profile in zip(self.cards, marked, strict=True):
            yield Card.of(profile) if profile["selected"] else card


_offerings: dict[int, Offering] = {}


async def offered_profiles(spawner: "GenkanSpawner") -> ProfileList:
    """Return what the catalogue offers to the user of this server: the value for `profile_list`.

    KubeSpawner asks for it at every form and again at every start. The list is shared and must not be changed.
    """
    loaded = await current_catalogue(spawner)
    user: Any = spawner.user
    return loaded.profiles_for({group.name for group in user.groups})


def offering_of(spawner: "GenkanSpawner", profiles: ProfileList) -> Offering:
    """Return a list of the catalogue as forms need it; the same list gives the same offering."""
    found = _offerings.pop(id(profiles), None)
    if found is None:
        found = Offering.of(profiles, spawner.filled_in(profiles))
        while len(_offerings) >= MOST_OFFERINGS:
            del _offerings[next(iter(_offerings))]
    # The offering holds the list, so no other one can have its number meanwhile.
    _offerings[id(profiles)] = found
    return found


async def current_catalogue(spawner: "GenkanSpawner") -> Loaded:
    """Return the catalogue as it is now; where there was never a usable one, the start or form is refused."""
    try:
        return await catalogue_source(spawner.catalogue_file).current()
    except DocumentError as error:
        sentence = say("What this hub offers cannot be read; its administrators find the reason in its log.")
        raise Refusal(sentence, reason=Reason.UNAVAILABLE, status_code=503) from error


def catalogue_source(catalogue_file: str) -> CatalogueSource:
    """Return the source for the trait's value, of which empty is the catalogue that comes with Genkan."""
    return source_for(Path(catalogue_file) if catalogue_file else BUILT_IN)


def known_catalogue(catalogue_file: str) -> Catalogue | None:
    """Return the catalogue as it was last found; None where there was never a usable one."""
    try:
        return catalogue_source(catalogue_file).first().catalogue
    except DocumentError:
        return None


def team_namespaces(catalogue_file: str) -> frozenset[str]:
    """Return where the servers of the catalogue's teams run, as it was last found."""
    catalogue = known_catalogue(catalogue_file)
    return frozenset(team.namespace for team in catalogue.teams if team.namespace) if catalogue else frozenset()
