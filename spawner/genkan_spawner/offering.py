"""What a user is offered: the catalogue in the place of KubeSpawner's `profile_list`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genkan_profiles import BUILT_IN, DocumentError, ProfileList

from .catalogue_source import CatalogueSource, Loaded, source_for
from .reasons import Reason
from .refusals import Refusal

if TYPE_CHECKING:
    from .spawner import GenkanSpawner


async def offered_profiles(spawner: "GenkanSpawner") -> ProfileList:
    """Return what the catalogue offers to the user of this server: the value for `profile_list`.

    KubeSpawner asks for it at every form and again at every start. The list is shared and must not be changed.
    """
    loaded = await current_catalogue(spawner)
    user: Any = spawner.user
    return loaded.profiles_for({group.name for group in user.groups})


async def current_catalogue(spawner: "GenkanSpawner") -> Loaded:
    """Return the catalogue as it is now; where there was never a usable one, the start or form is refused."""
    try:
        return await catalogue_source(spawner.catalogue_file).current()
    except DocumentError as error:
        sentence = "What this hub offers cannot be read; its administrators find the reason in its log."
        raise Refusal(sentence, reason=Reason.UNAVAILABLE, status_code=503) from error


def catalogue_source(catalogue_file: str) -> CatalogueSource:
    """Return the source for the trait's value, of which empty is the catalogue that comes with Genkan."""
    return source_for(Path(catalogue_file) if catalogue_file else BUILT_IN)
