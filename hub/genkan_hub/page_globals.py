"""What every template of the hub can use: the site's name and notice, and texts in the reader's language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.runtime import Context
from jinja2.utils import pass_context
from markupsafe import Markup

from genkan_profiles.language.negotiation import preferred
from genkan_profiles.language.sentences import Sentence, say
from genkan_profiles.language.translations import Language
from genkan_spawner.aftermath import Aftermath

FEATURED_SERVICES: Mapping[str, Sentence] = MappingProxyType({"cluster": say("Cluster")})
"""Services with a link of their own in the navigation, by name; the others are in a menu."""


class PageGlobals(Extension):
    """Gives values to all templates of JupyterHub's environments.

    Its `template_vars` would do, but a site that sets them for an announcement of its own drops ours.
    """

    values: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        texts = {"_": _text, "say": _say, "pattern": _pattern, "reader": reader_of}
        environment.globals.update(
            {
                **texts,
                "viewer": _viewer,
                "last_end": last_end,
                "featured_services": FEATURED_SERVICES,
                "here": "",
                **self.values,
            }
        )


def page_globals(**values: Any) -> type[PageGlobals]:
    """Return an extension with a site's values."""
    return type("SiteGlobals", (PageGlobals,), {"values": values})


@pass_context
def reader_of(context: Context) -> Language:
    """Return the language of whoever asked for the page.

    JupyterHub tells templates nothing of the request, but for the handler to which one of its functions is bound.
    """
    known = context.get("readers_language")
    if isinstance(known, Language):
        return known
    handler = getattr(context.get("static_url"), "__self__", None)
    request = getattr(handler, "request", None)
    return preferred(request.headers.get("Accept-Language") if request is not None else None)


@pass_context
def _text(context: Context, text: str, **values: Any) -> Markup:
    reader = reader_of(context)
    said = {name: reader.say(value) if isinstance(value, str) else value for name, value in values.items()}
    return Markup(reader.pattern(text)).format(**said)  # noqa: S704  # it stands in a template; the values are escaped


@pass_context
def _say(context: Context, text: str) -> str:
    return reader_of(context).say(text)


@pass_context
def _pattern(context: Context, text: str) -> str:
    return reader_of(context).pattern(text)


@pass_context
def _viewer(context: Context) -> Any:
    """Return who looks at a page: on pages of a server, JupyterHub's `user` is the server's."""
    handler = getattr(context.get("static_url"), "__self__", None)
    return getattr(handler, "current_user", None) or context.get("user")


def last_end(user: Any, server_name: str) -> Aftermath | None:
    """Return the end of a server of a user, for the next visit."""
    if server_name and server_name not in user.orm_spawners:
        return None
    end = getattr(user.get_spawner(server_name), "aftermath", None)
    return end if isinstance(end, Aftermath) else None
