"""The hub's side: the requests that the cluster page sends, answered inside JupyterHub.

Written against jupyterhub 6.1.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar, cast

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.scopes import needs_scope
from pydantic import ValidationError
from tornado.web import HTTPError

from genkan_spawner.aftermath import Aftermath
from genkan_spawner.cluster_spawner import ClusterSpawner

from .hub_report import StopRequest
from .reporting import report

REPORT = "genkan/report"
STOP = "genkan/users/{user}/servers/{server}/stop"
"""Below the address of the hub's API."""

F = TypeVar("F", bound=Callable[..., Any])

_WHOLE = timedelta(seconds=1)
"""How far two notes of the same moment are apart at most where a database keeps whole seconds."""


def _needs(scope: str) -> Callable[[F], F]:
    """Return JupyterHub's decorator, with a type; one over the other they have to be there both."""
    return cast("Callable[[F], F]", needs_scope(scope))


class ReportHandler(APIHandler):  # type: ignore[misc]  # JupyterHub is published without types
    """Tells the cluster page of all servers."""

    @_needs("read:users:groups")
    @_needs("read:servers")
    async def get(self) -> None:
        """Send a HubReport."""
        found = await report(self.users, self.settings, metrics_for_everyone=not self.authenticate_prometheus)
        self.set_header("Content-Type", "application/json")
        self.finish(found.model_dump_json())


class StopHandler(UserServerAPIHandler):  # type: ignore[misc]  # JupyterHub is published without types
    """Stops a server as JupyterHub's own API does, and has its user told who did it and why."""

    @_needs("delete:servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Stop a server; 404 where none runs, 409 where it is another run than the one that was meant."""
        wanted = self._wanted()
        user = self.find_user(user_name)
        spawner = user.spawners.get(server_name) if user is not None else None
        if user is None or spawner is None or not spawner.active:
            raise HTTPError(HTTPStatus.NOT_FOUND, "This server does not run.")
        if not is_meant(spawner.orm_spawner.started, wanted):
            raise HTTPError(HTTPStatus.CONFLICT, "This server was started anew in the meantime.")
        by = str(getattr(self.current_user, "name", ""))
        if isinstance(spawner, ClusterSpawner) and user.name != by:
            spawner.dismissal = Aftermath.dismissal(by, wanted.note, now=datetime.now(tz=UTC))
        self.log.info("%s stops the server %r of %s. Note: %r", by, server_name, user.name, wanted.note)
        try:
            await self.delete(user_name, server_name)
        except HTTPError:
            spawner.dismissal = None
            raise

    def _wanted(self) -> StopRequest:
        try:
            return StopRequest.model_validate_json(self.request.body or b"{}")
        except ValidationError as e:
            raise HTTPError(HTTPStatus.BAD_REQUEST, "The request to stop a server has another shape.") from e


def is_meant(started: datetime | None, wanted: StopRequest) -> bool:
    """Return whether the run of a server that began then, in UTC without a zone, is the one to be stopped."""
    if wanted.started is None or started is None:
        return True
    apart = abs(started.replace(tzinfo=UTC) - wanted.started)
    return apart < _WHOLE if 0 in {started.microsecond, wanted.started.microsecond} else not apart


HANDLERS = [
    (r"/api/genkan/report", ReportHandler),
    (r"/api/genkan/users/([^/]+)/servers/([^/]*)/stop", StopHandler),
]
"""For JupyterHub's `extra_handlers`."""
