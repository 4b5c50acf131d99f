"""The profile form as a page part, with autoescape: names in a catalogue are text and never markup."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from genkan_profiles import DocumentError

from .aftermath import Aftermath
from .cards import Shown
from .drawings import Drawings, once_per_option
from .hub_view import Standing
from .notices import disk_notices
from .origins import OWN_VALUE

_TEMPLATES = Path(__file__).with_name("templates")

_OTHER_KIND = "Servers"
"""Where a site's own list does not say what kind of hardware it is."""


@functools.lru_cache(maxsize=8)
def _environment(folders: tuple[str, ...]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["own_value"] = OWN_VALUE
    # A template may hand the profiles to a script, in the order of the catalogue.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    return environment


_MACROS = _environment(()).get_template("card.html").module
"""Compiled while the hub starts, which takes longer than any form may hold it up."""

_drawings = Drawings(_MACROS)


def render_form(
    cards: Sequence[Shown],
    *,
    template: str,
    folders: list[str],
    options: dict[str, Any],
    broken: DocumentError | None,
    aftermath: Aftermath | None = None,
    view: Standing | None = None,
    unknown_disks: Sequence[str] = (),
) -> str:
    """Return the form of one user.

    `template` is a site's own template or empty, `folders` where a `form.html` is looked for before ours; both get
    `profile_list` and `user_options` as with KubeSpawner. `broken` is for administrators to see, `aftermath` tells of
    the user's last server, `view` how far the verdicts on the cards can be trusted; `unknown_disks` are sentences for
    administrators. Only the cards are kept between forms, by what they are made of; all that is one user's own is
    rendered each time.
    """
    environment = _environment(tuple(folders))
    page = environment.from_string(template) if template else environment.get_template("form.html")
    problem = broken.problems[0] if broken is not None and broken.problems else None
    return page.render(
        profile_list=[shown.profile for shown in cards],
        user_options=options,
        problem=problem,
        aftermath=aftermath,
        view=view,
        notices=disk_notices(cards),
        unknown_disks=unknown_disks,
        once=once_per_option(),
        kinds=lambda: _by_kind(cards),
    )


def _by_kind(cards: Sequence[Shown]) -> dict[str, list[Markup]]:
    """Return the cards as parts of a page, under what kind of hardware they are, in the order of the catalogue."""
    kinds: dict[str, list[Markup]] = {}
    once = once_per_option()
    for shown in cards:
        part = _drawings.card(shown, once=once)
        kinds.setdefault(shown.card.profile.get("kind", _OTHER_KIND), []).append(part)
    return kinds
