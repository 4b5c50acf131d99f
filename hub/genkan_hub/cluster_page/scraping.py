"""The metrics of the page, for whoever may read the hub's own."""

from http import HTTPStatus

from jupyterhub.services.auth import HubOAuthenticated
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from tornado.web import HTTPError, RequestHandler

from .observing import Observer
from .scopes import METRICS


class MetricsHandler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]  # JupyterHub is published without types
    """Asks for a token with the scope `read:metrics`, unless the hub shows its own metrics to everybody."""

    observer: Observer
    registry: CollectorRegistry

    def initialize(self, observer: Observer, registry: CollectorRegistry) -> None:
        """Take over what they are computed from."""
        self.observer = observer
        self.registry = registry

    async def get(self) -> None:
        """Send them."""
        if not self.observer.hub.report.settings.metrics_for_everyone:
            model = await self.hub_auth.get_user(self, sync=False)
            if model is None or not self.hub_auth.check_scopes({METRICS}, model):
                raise HTTPError(HTTPStatus.FORBIDDEN, reason=f"Metrics need a token with the scope {METRICS}")
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.set_header("Cache-Control", "no-store")
        self.finish(generate_latest(self.registry))
