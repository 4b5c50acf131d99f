"""What JupyterHub tells a service in its environment.

https://jupyterhub.readthedocs.io/en/stable/reference/services.html
"""

import os
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from .registration import SERVICE


@dataclass(frozen=True, slots=True)
class Service:
    """Where the page and its hub are."""

    address: str
    port: int
    token: str
    """Of the page, for the hub's API."""
    api_url: str
    page: str
    hub: str
    """As browsers reach them, such as `/services/cluster/` and `/hub/`."""
    client: str
    """What the page is called where people sign in."""

    @classmethod
    def from_environment(cls, *, listen: str = "") -> Self:
        """Read it; `listen` is where to listen, as `address:port`, if not at the service's own URL.

        Raises ValueError with a sentence where something is missing.
        """
        base = os.environ.get("JUPYTERHUB_BASE_URL", "/")
        try:
            token, api_url = os.environ["JUPYTERHUB_API_TOKEN"], os.environ["JUPYTERHUB_API_URL"]
        except KeyError as e:
            message = f"{e.args[0]} is not set; JupyterHub's pages about services say what it has to be."
            raise ValueError(message) from None
        address, port = _place(f"//{listen}" if listen else os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
        return cls(
            address,
            port,
            token,
            api_url,
            page=os.environ.get("JUPYTERHUB_SERVICE_PREFIX", f"{base}services/{SERVICE}/"),
            hub=f"{base}hub/",
            client=os.environ.get("JUPYTERHUB_CLIENT_ID", f"service-{SERVICE}"),
        )


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        address, port = parts.hostname, parts.port
    except ValueError:
        address, port = None, None
    if not address or not port:
        message = "It is not known where to listen: give --listen ADDRESS:PORT."
        raise ValueError(message)
    return address, port
