"""The spawner's own templates, with autoescape: names in a catalogue are text and never markup."""

import functools
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from genkan_profiles.language.sentences import say
from genkan_profiles.language.translations import Language

from .origins import OWN_VALUE

_TEMPLATES = Path(__file__).with_name("templates")

_NOW = 2
"""Seconds that nobody counts."""


def own_templates(reader: Language) -> Environment:
    """Return our templates in one language."""
    return templates(reader, ())


@functools.lru_cache(maxsize=16)
def templates(reader: Language, folders: tuple[str, ...]) -> Environment:
    """Return templates in one language; those of `folders` go before ours."""
    environment = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        _=functools.partial(_text, reader),
        pattern=reader.pattern,
        say=reader.say,
        seen=functools.partial(_seen, reader),
        moment=reader.moment,
        own_value=OWN_VALUE,
    )
    # A template may hand the profiles to a script, in the order of the catalogue.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    return environment


def _text(reader: Language, text: str, /, **values: Any) -> Markup:
    """Return a text of a template; what stands in its braces is escaped."""
    return Markup(reader.pattern(text)).format(**values)  # noqa: S704  # the text stands in a template of ours


def _seen(reader: Language, age: int) -> str:
    """Say how old the data is; the script of the page says the same while time passes."""
    return reader.say(
        say("As of now") if age < _NOW else say("Last news from the cluster: {seconds} seconds ago", seconds=age)
    )
