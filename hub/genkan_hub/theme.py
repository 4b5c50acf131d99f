"""How the pages look: templates, stylesheet, mark, and what a site calls itself."""

from pathlib import Path
from typing import Any

from .page_globals import PageGlobals, page_globals
from .so_far import listed, mapped

TEMPLATES = Path(__file__).with_name("templates")

MARK = Path(__file__).with_name("static") / "mark.svg"

SITE_NAME = "Genkan"


def apply_theme(c: Any, *, site_name: str = SITE_NAME, logo_file: Path | str = "", notice: str = "") -> None:
    """Give the hub's pages Genkan's look.

    `site_name` stands beside the logo and in titles; it may be empty where the logo says it. `logo_file` is an image
    for the top left, by default Genkan's mark. `notice` is a sentence that stands on every page. A site's own templates
    go before Genkan's. Raises ValueError where there is no such image.
    """
    from .static_files import StaticFiles

    logo = Path(logo_file) if logo_file else MARK
    if not logo.is_file():
        message = f"logo_file must be an image that the hub can read; there is none at {logo}."
        raise ValueError(message)
    hub = c.JupyterHub
    hub.logo_file = str(logo.absolute())
    hub.template_paths = [*(path for path in listed(hub, "template_paths") if path != str(TEMPLATES)), str(TEMPLATES)]
    hub.tornado_settings = {**mapped(hub, "tornado_settings"), "static_handler_class": StaticFiles}
    options = mapped(hub, "jinja_environment_options")
    others = [extension for extension in options.get("extensions", []) if not _is_ours(extension)]
    ours = page_globals(site_name=site_name, notice=notice)
    hub.jinja_environment_options = {**options, "extensions": [*others, ours]}


def _is_ours(extension: object) -> bool:
    return isinstance(extension, type) and issubclass(extension, PageGlobals)
