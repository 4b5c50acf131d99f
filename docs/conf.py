"""Sphinx configuration; `make docs` builds with warnings as errors."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from genkan_profiles import __version__

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

project = "Genkan"
author = "Genkan developers"
copyright = f"{datetime.now(tz=UTC).year}, {author}"
version = release = __version__

extensions = [
    "autodoc_traits",
    "genkan_docs",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_ext"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# autodoc_traits builds on the documenter classes that Sphinx 9 keeps for extensions like it.
autodoc_use_legacy_class_based = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
# Docstrings write code between single backticks, as Markdown does.
default_role = "code"

copybutton_exclude = ".linenos, .gp"

html_theme = "pydata_sphinx_theme"
html_title = "Genkan"
html_theme_options = {
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
html_sidebars: dict[str, list[str]] = {"changelog": []}
html_copy_source = False
html_show_sourcelink = False
