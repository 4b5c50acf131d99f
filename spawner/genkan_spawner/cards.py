"""The cards of a form: each profile with what would come of starting it as it is preselected."""

from typing import TYPE_CHECKING, Any

from genkan_profiles import ProfileList
from genkan_profiles.choices import PROFILE

if TYPE_CHECKING:
    from .cluster_spawner import ClusterSpawner

FIRST_LOOK = 2.0
"""Seconds that a form waits for the first view of the cluster; after that it says that nothing is known."""


async def with_verdicts(spawner: "ClusterSpawner", profiles: ProfileList, *, edition: object) -> ProfileList:
    """Return marked profiles with a `verdict` each, None where nothing can be foreseen.

    `edition` stands for the catalogue that they are from.
    """
    view = spawner.view
    await view.ready(within=FIRST_LOOK)
    return [
        {**profile, "verdict": await view.forecasts.verdict(spawner, _preselection(profile), edition=edition)}
        for profile in profiles
    ]


def _preselection(profile: dict[str, Any]) -> dict[str, str]:
    """Return the options with which a profile would start; an image of the user's own stands for the default one."""
    options = {PROFILE: profile["slug"]}
    for name, option in profile.get("profile_options", {}).items():
        selected = [slug for slug, choice in option.get("choices", {}).items() if choice.get("selected")]
        if selected:
            options[name] = selected[0]
    return options
