"""Genkan's own stylesheet, marks and scripts, below the address of JupyterHub's.

JupyterHub has one directory of static files and no list of them to add to, while its handler can be chosen. So the
addresses carry the hash of the content as all of JupyterHub's do, whatever the hub's base URL is.
"""

import os
from pathlib import Path

from jupyterhub.handlers.static import CacheControlStaticFilesHandler

STATIC = Path(__file__).with_name("static")

_OURS = f"genkan{os.sep}"


class StaticFiles(CacheControlStaticFilesHandler):  # type: ignore[misc]  # JupyterHub is published without types
    """JupyterHub's static files, and ours below `genkan/`."""

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Return where a file would be."""
        if path.startswith(_OURS):
            return str(super().get_absolute_path(str(STATIC), path.removeprefix(_OURS)))
        return str(super().get_absolute_path(root, path))

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Refuse what is outside of the directory that a path is looked for in."""
        path: str = self.path
        if path.startswith(_OURS):
            root = str(STATIC)
        found: str | None = super().validate_absolute_path(root, absolute_path)
        return found
