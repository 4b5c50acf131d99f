"""The profile form as a page part, with autoescape: names in a catalogue are text and never markup."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from genkan_profiles import DocumentError, ProfileList

from .aftermath import Aftermath
from .hub_view import Standing
from .origins import OWN_VALUE

_TEMPLATES = Path(__file__).with_name("templates")


def render_form(
    profiles: ProfileList,
    *,
    template: str,
    folders: list[str],
    options: dict[str, Any],
    broken: DocumentError | None,
    aftermath: Aftermath | None = None,
    view: Standing | None = None,
) -> str:
    """Return the form for profiles that are marked with what is preselected.

    `template` is a site's own template or empty, `folders` where a `form.html` is looked for before ours; both get
    `profile_list` and `user_options` as with KubeSpawner. `broken` is for administrators to see, `aftermath` tells of
    the user's last server, `view` how far the verdicts on the cards can be trusted.
    """
    environment = _environment(tuple(folders))
    page = environment.from_string(template) if template else environment.get_template("form.html")
    problem = broken.problems[0] if broken is not None and broken.problems else None
    return page.render(
        profile_list=profiles,
        user_options=options,
        problem=problem,
        aftermath=aftermath,
        view=view,
        own_value=OWN_VALUE,
        once=_once_per_option(),
    )


def _once_per_option() -> Callable[[Any, dict[str, Any]], Any]:
    """Return a function that calls a macro once for options that are one object, as those of most hardware are."""
    results: dict[tuple[str, int], Any] = {}

    def once(macro: Any, option: dict[str, Any]) -> Any:
        key = (macro.name, id(option))
        if key not in results:
            results[key] = macro(option)
        return results[key]

    return once


@functools.lru_cache(maxsize=8)
def _environment(folders: tuple[str, ...]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    # A template may hand the profiles to a script, in the order of the catalogue.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    return environment
