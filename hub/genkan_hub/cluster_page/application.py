"""The page's process: a service of JupyterHub, started by the hub or as a pod of its own."""

import asyncio
import errno
import hashlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from tornado.httpserver import HTTPServer
from tornado.web import Application, StaticFileHandler

from genkan_spawner.api import KubernetesApi

from .handlers import ApiHandler, ClusterHandler, CsvHandler, HealthHandler, PanelHandler
from .hub_link import HubLink
from .metrics import registry_of
from .observing import Observer
from .registration import SERVICE
from .rendering import STATIC, Place, Templates
from .scraping import MetricsHandler
from .stopping import StopHandler

log = logging.getLogger(__name__)

SESSION_SECONDS = 60
"""For how long the hub's word about somebody holds: rights that were taken away end by then."""

PARENT_SECONDS = 1.0
"""Between two looks at whether the hub is still there."""

PORT_SECONDS = 15.0
"""For how long a port may be held by what an earlier hub has left."""

API = "api/v1/cluster"
"""Below the address of the page."""


@dataclass(frozen=True, slots=True)
class Service:
    """What JupyterHub tells a service in its environment.

    https://jupyterhub.readthedocs.io/en/stable/reference/services.html
    """

    address: str
    port: int
    token: str
    api_url: str
    page: str
    hub: str
    client: str

    @classmethod
    def from_environment(cls, *, listen: str = "") -> Self:
        """Read it; `listen` is where to listen, as `address:port`, if not at the service's own URL.

        Raises ValueError with a sentence where something is missing.
        """
        base = os.environ.get("JUPYTERHUB_BASE_URL", "/")
        page = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", f"{base}services/{SERVICE}/")
        try:
            token, api_url = os.environ["JUPYTERHUB_API_TOKEN"], os.environ["JUPYTERHUB_API_URL"]
        except KeyError as e:
            raise ValueError(f"{e.args[0]} is not set; JupyterHub's pages about services say what it has to be.") from e
        where = urlsplit(f"//{listen}" if listen else os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
        try:
            address, port = where.hostname, where.port
        except ValueError:
            address, port = None, None
        if not address or not port:
            raise ValueError("It is not known where to listen: give --listen ADDRESS:PORT.")
        client = os.environ.get("JUPYTERHUB_CLIENT_ID", f"service-{SERVICE}")
        return cls(address, port, token, api_url, page=page, hub=f"{base}hub/", client=client)

    def authentication(self) -> HubOAuth:
        """Return what asks the hub who somebody is."""
        return HubOAuth.instance(
            api_url=self.api_url,
            api_token=self.token,
            base_url=self.page,
            hub_prefix=self.hub,
            oauth_client_id=self.client,
            access_scopes={"access:services", f"access:services!service={SERVICE}"},
            cache_max_age=SESSION_SECONDS,
        )


def application(service: Service, observer: Observer) -> Application:
    """Return the web application; its cookies are signed with a key that whoever has the token could make."""
    shared: dict[str, Any] = {
        "observer": observer,
        "templates": Templates(Place(hub=service.hub, page=service.page)),
    }
    pages = {
        "": ClusterHandler,
        API: ApiHandler,
        "servers.csv": CsvHandler,
        "panel": PanelHandler,
        "stop": StopHandler,
    }
    secret = hashlib.sha256(b"genkan cluster page\n" + service.token.encode()).digest()
    return Application(
        [
            *((f"{service.page}{path}", handler, shared) for path, handler in pages.items()),
            (f"{service.page}metrics", MetricsHandler, {"observer": observer, "registry": registry_of(observer)}),
            (f"{service.page}health", HealthHandler),
            (f"{service.page}oauth_callback", HubOAuthCallbackHandler),
            (f"{service.page}static/(.*)", StaticFileHandler, {"path": str(STATIC)}),
        ],
        cookie_secret=secret,
        compress_response=True,
        # Requests are in the log of the proxy; what is done is logged where it is done.
        log_function=lambda _handler: None,
    )


async def serve(service: Service) -> None:
    """Run until a signal comes, or the hub that has started this is gone."""
    service.authentication()
    async with await KubernetesApi.connect_from_here() as api, _observing(api, service) as observer:
        server = HTTPServer(application(service, observer), xheaders=True)
        await _listen(server, service)
        log.info("The cluster page listens on %s:%d.", service.address, service.port)
        await _until_told()
        server.stop()
        await server.close_all_connections()


@asynccontextmanager
async def _observing(api: KubernetesApi, service: Service) -> AsyncIterator[Observer]:
    observer = Observer(api, HubLink(service.api_url, service.token))
    await observer.start()
    try:
        yield observer
    finally:
        await observer.close()


async def _listen(server: HTTPServer, service: Service) -> None:
    async with asyncio.timeout(PORT_SECONDS):
        while True:
            try:
                server.listen(service.port, service.address)
            except OSError as e:
                if e.errno != errno.EADDRINUSE:
                    raise
                await asyncio.sleep(PARENT_SECONDS)
            else:
                return


async def _until_told() -> None:
    """Wait for a signal; and for the end of the hub, which may die without one and leave the port taken."""
    told, parent = asyncio.Event(), os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    while not told.is_set() and os.getppid() == parent:
        try:
            async with asyncio.timeout(PARENT_SECONDS):
                await told.wait()
        except TimeoutError:
            continue


def run(*, listen: str = "") -> None:
    """Run the service in this process; raises ValueError with a sentence where its environment is not one."""
    logging.basicConfig(
        level=logging.INFO, format="[%(levelname).1s %(asctime)s cluster page] %(message)s", stream=sys.stderr
    )
    for name in ("tornado.access", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    asyncio.run(serve(Service.from_environment(listen=listen)))
