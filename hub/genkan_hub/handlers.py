"""Genkan's own addresses below the hub's, beside the pages that JupyterHub has."""

from typing import Any

from .form_refresh import FormRefreshHandler
from .so_far import listed
from .start_progress import StartCancelHandler, StartProgressHandler

_SERVER = r"([^/]+)(?:/([^/]+))?"

HANDLERS = [
    (rf"/genkan/form/{_SERVER}", FormRefreshHandler),
    (rf"/genkan/start/{_SERVER}", StartProgressHandler),
    (rf"/genkan/cancel/{_SERVER}", StartCancelHandler),
]


def add_handlers(c: Any) -> None:
    """Add them to the hub.

    JupyterHub would rather have services, and says so in its log; but these show what only the hub has in its memory.
    """
    others = [row for row in listed(c.JupyterHub, "extra_handlers") if row not in HANDLERS]
    c.JupyterHub.extra_handlers = [*others, *HANDLERS]
