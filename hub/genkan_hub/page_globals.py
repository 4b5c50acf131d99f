"""What every template of the hub can use: the site's name and notice, and texts in the reader's language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.runtime import Context
from jinja2.utils import pass_context
from markupsafe import Markup

FEATURED_SERVICES: Mapping[str, str] = MappingProxyType({"cluster": "Cluster"})
"""Services with a link of their own in the navigation, by name; the others are in a menu."""


class PageGlobals(Extension):
    """Gives values to all templates of JupyterHub's environments.

    Its `template_vars` would do, but a site that sets them for an announcement of its own drops ours.
    """

    values: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        texts = {"_": _translated, "language": _language}
        environment.globals.update({**texts, "featured_services": FEATURED_SERVICES, "here": "", **self.values})


def page_globals(**values: Any) -> type[PageGlobals]:
    """Return an extension with a site's values."""
    return type("SiteGlobals", (PageGlobals,), {"values": values})


@pass_context
def _language(context: Context) -> str:
    return str(context.get("locale", "en"))


@pass_context
def _translated(context: Context, text: str, **values: Any) -> Markup:  # noqa: ARG001
    return Markup(text).format(**values)  # noqa: S704  # it stands in a template; the values are escaped
