"""Pages at the root of the repository, where people look for them first; the documentation shows them too."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]

PAGES = {
    "ARCHITECTURE.md": "/contributors/architecture.md",
    "CHANGELOG.md": "/changelog.md",
    "CONTRIBUTING.md": "/contributors/contributing.md",
}
"""Each file with its place in the documentation."""

_LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?P<anchor>#[^)]*)?\)")


def root_page(name: str) -> str:
    """Return a file of the root, its links pointing into the documentation."""
    return _LINK.sub(_into_documentation, (ROOT / name).read_text())


def _into_documentation(link: re.Match[str]) -> str:
    target = PAGES.get(link["target"], re.sub(r"\Adocs/", "/", link["target"]))
    return f"]({target}{link['anchor'] or ''})"
