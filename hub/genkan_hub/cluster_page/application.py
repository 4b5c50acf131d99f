"""The page's process: a service of JupyterHub, started by the hub or as a pod of its own."""

import asyncio
import hashlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from kubernetes_asyncio.client import ApiClient
from tornado.httpserver import HTTPServer
from tornado.web import Application, StaticFileHandler

from genkan_spawner.api import KubernetesApi
from genkan_spawner.exceptions import KubernetesError

from .doorstep import Doorstep
from .handlers import API, ApiHandler, ClusterHandler, CsvHandler, HealthHandler, PanelHandler
from .hub_link import HubLink
from .metrics import registry_of
from .observing import Observer
from .registration import SERVICE
from .rendering import STATIC, Place, Templates
from .scraping import MetricsHandler
from .service import Service
from .stopping import StopHandler

log = logging.getLogger(__name__)

SESSION_SECONDS = 60
"""For how long the hub's word about somebody holds: rights that were taken away end by then."""

PARENT_SECONDS = 1.0
"""Between two looks at whether the hub is still there."""


def authentication(service: Service) -> HubOAuth:
    """Return what asks the hub who somebody is."""
    return HubOAuth.instance(
        api_url=service.api_url,
        api_token=service.token,
        base_url=service.page,
        hub_prefix=service.hub,
        oauth_client_id=service.client,
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


async def serve(service: Service, doorstep: Doorstep) -> None:
    """Run until a signal comes, or the hub that has started this is gone."""
    authentication(service)
    async with await _connected() as api, _observing(api, service) as observer:
        server = HTTPServer(application(service, observer), xheaders=True)
        server.add_socket(doorstep.leave())
        log.info("The cluster page listens on %s:%d.", service.address, service.port)
        await _until_told()
        server.stop()
        await server.close_all_connections()


async def _connected() -> KubernetesApi:
    """Connect to the cluster; a page that cannot says so instead of taking the hub with it that waits for it."""
    try:
        return await KubernetesApi.connect_from_here()
    except KubernetesError as e:
        log.error("The cluster cannot be read: %s", e.message)  # noqa: TRY400  # the sentence says it all
        return KubernetesApi(ApiClient())


@asynccontextmanager
async def _observing(api: KubernetesApi, service: Service) -> AsyncIterator[Observer]:
    observer = Observer(api, HubLink(service.api_url, service.token))
    await observer.start()
    try:
        yield observer
    finally:
        await observer.close()


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


def run(service: Service, doorstep: Doorstep) -> None:
    """Run the service in this process."""
    logging.basicConfig(
        level=logging.INFO, format="[%(levelname).1s %(asctime)s cluster page] %(message)s", stream=sys.stderr
    )
    for name in ("tornado.access", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    asyncio.run(serve(service, doorstep))
