"""Markers in a page, and the generated text that takes their place.

A marker is a line of its own such as `<!-- commands: genkan -->` or `<!-- fields: genkan_sandbox.sites.Site -->`.
Generated text is Markdown, so its headings appear in the page's table of contents as written ones do.
"""

import re
from collections.abc import Callable, Mapping

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from genkan_docs.chart_values import values_reference
from genkan_docs.commands import command_reference
from genkan_docs.fields import field_reference, kind_reference
from genkan_docs.rights import rights_reference
from genkan_docs.root_pages import root_page

GENERATORS: Mapping[str, Callable[[str], str]] = {
    "commands": command_reference,
    "fields": field_reference,
    "kinds": kind_reference,
    "page": root_page,
    "rights": rights_reference,
    "values": values_reference,
}

MARKER = re.compile(r"^<!-- (?P<generator>[a-z]+): (?P<subject>\S+) -->$", re.MULTILINE)


def fill_markers(app: Sphinx, page: str, source: list[str]) -> None:
    """Put generated Markdown in the place of each marker of a page."""

    def generated(marker: re.Match[str]) -> str:
        generate = GENERATORS.get(marker["generator"])
        if generate is None:
            raise ExtensionError(f"{page}: no generator {marker['generator']!r}; there are {', '.join(GENERATORS)}")
        app.env.note_reread()
        return generate(marker["subject"])

    source[0] = MARKER.sub(generated, source[0])
