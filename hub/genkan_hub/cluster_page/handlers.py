"""The requests that the page answers, each for somebody whom the hub knows."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from jupyterhub.services.auth import HubOAuthenticated
from tornado.web import HTTPError, RequestHandler

from genkan_profiles.language.negotiation import preferred
from genkan_profiles.language.sentences import say
from genkan_profiles.language.translations import Language

from .exceptions import ClusterPageError
from .observing import Observer
from .rendering import Reader, Templates
from .selection import Selection
from .table import as_csv
from .view import ClusterView
from .viewers import Viewer

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
"""JupyterHub's frame has a script inside each page, hence `unsafe-inline`; nothing comes from another host."""


API = "api/v1/cluster"
"""Where the JSON is, below the address of the page."""


class PageHandler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]  # JupyterHub is published without types
    """Knows who asks; whoever is not signed in is sent to the hub, whoever may not see the page is told so."""

    ancestors = "'none'"
    """Whose pages may show this one inside."""
    redirects = True
    """Whether people are sent to sign in; programs are refused."""

    observer: Observer
    templates: Templates

    def initialize(self, observer: Observer, templates: Templates) -> None:
        """Take over what all handlers share."""
        self.observer = observer
        self.templates = templates

    def set_default_headers(self) -> None:
        """Keep what is shown out of caches and of other pages."""
        self.set_header("Content-Security-Policy", POLICY.format(ancestors=self.ancestors))
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Vary", "Accept-Language")

    async def prepare(self) -> None:
        """Ask the hub who this is, without holding up anybody else."""
        self.templates.frame = self.observer.hub.report.frame
        model = await self.hub_auth.get_user(self, sync=False)
        if model is None:
            if not self.redirects or self.request.method not in {"GET", "HEAD"}:
                raise HTTPError(HTTPStatus.FORBIDDEN, reason=say("Missing or invalid credentials."))
            self.redirect(self.get_login_url())
            return
        if not self.hub_auth.check_scopes(self.hub_scopes, model):
            raise HTTPError(HTTPStatus.FORBIDDEN, reason=say("Your account may not see the cluster page."))

    def get_current_user(self) -> dict[str, Any] | None:
        """Return what `prepare` was told."""
        model: dict[str, Any] | None = getattr(self, "_cached_hub_user", None)
        return model

    @property
    def viewer(self) -> Viewer:
        """Whoever asks."""
        model = self.current_user
        return Viewer.of(model["name"], model["scopes"], sees_names=self.observer.names_for_everyone)

    @property
    def reader(self) -> Reader:
        """Whoever asks, as the frame of all pages knows them."""
        model = self.current_user
        if model is None:
            return Reader(language=self.language)
        token = self.xsrf_token or b""
        return Reader(model["name"], frozenset(model["scopes"]), token.decode("ascii"), self.language)

    @property
    def language(self) -> Language:
        """In which they want to read."""
        return preferred(self.request.headers.get("Accept-Language"))

    @property
    def view(self) -> ClusterView:
        """What they may see."""
        return self.observer.view(self.viewer)

    @property
    def selection(self) -> Selection:
        """What they want to see."""
        return Selection.of(self.query)

    @property
    def query(self) -> dict[str, Sequence[str]]:
        """The arguments of the address, as far as they are text."""
        return {
            name: [value.decode("utf-8", "replace") for value in values]
            for name, values in self.request.query_arguments.items()
        }

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what is wrong in a sentence, and nothing of what a library says."""
        self.set_status(status_code)
        if self.redirects:
            sentence = _sentence(kwargs)
            self.finish(self.templates.render("problem.html", self.reader, status=status_code, sentence=sentence))
        else:
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps({"status": status_code, "message": _sentence(kwargs) or self._reason}))


class ClusterHandler(PageHandler):
    """The page itself."""

    def get(self) -> None:
        """Draw it."""
        stopped = self.get_query_argument("stopped", "")[:300]
        names = self.observer.names_for_everyone
        page = self.templates.cluster(self.view, self.selection, self.reader, stopped=stopped, names=names, api=API)
        self.finish(page)


class PanelHandler(PageHandler):
    """A part for the hub's own admin page."""

    ancestors = "'self'"

    def get(self) -> None:
        """Draw it."""
        self.finish(self.templates.cluster(self.view, self.selection, self.reader, name="panel.html"))


class CsvHandler(PageHandler):
    """The table for spreadsheets."""

    def get(self) -> None:
        """Send it as a file."""
        view = self.selection.applied(self.view)
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="cluster-{view.at:%Y%m%d-%H%M%S}.csv"')
        self.finish(as_csv(view.servers))


class ApiHandler(PageHandler):
    """Everything as JSON."""

    redirects = False

    def get(self) -> None:
        """Send it."""
        self.set_header("Content-Type", "application/json")
        self.finish(self.selection.applied(self.view).model_dump_json())


class HealthHandler(RequestHandler):
    """For whoever keeps the process running: it answers."""

    def get(self) -> None:
        """Say so, and nothing of what is known."""
        self.finish("ok\n")


def _sentence(kwargs: Any) -> str:
    error = (kwargs.get("exc_info") or (None, None, None))[1]
    if isinstance(error, ClusterPageError):
        return error.sentence
    return error.reason or "" if isinstance(error, HTTPError) else ""
