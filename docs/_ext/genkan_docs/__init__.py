"""What the pages of the documentation take from the code instead of repeating it."""

from typing import TYPE_CHECKING

from genkan_docs.markers import fill_markers
from genkan_docs.traits import skip_inherited_trait

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

__all__ = ["setup"]


def setup(app: "Sphinx") -> "ExtensionMetadata":
    """Connect the generators to the build."""
    app.connect("source-read", fill_markers)
    app.connect("autodoc-skip-member", skip_inherited_trait)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
