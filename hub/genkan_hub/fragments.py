"""What the handlers of parts of pages have in common: they answer a script, and are asked again and again."""

import json
from http import HTTPStatus
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.metrics import prometheus_log_method
from tornado.web import HTTPError

from genkan_profiles.language.negotiation import preferred
from genkan_profiles.language.translations import Language
from genkan_spawner import GenkanSpawner


class FragmentHandler(BaseHandler):  # type: ignore[misc]  # JupyterHub is published without types
    """Answers with JSON in the language of whoever asks."""

    left: bool = False
    """Whether nobody waits for the answer any more."""

    def set_default_headers(self) -> None:
        """Say that it is JSON, and that it is nobody else's."""
        super().set_default_headers()
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")

    def require_user(self) -> None:
        """Refuse who is not signed in: a redirection to the login would be followed, and taken for the answer."""
        if self.current_user is None:
            raise HTTPError(HTTPStatus.FORBIDDEN)

    @property
    def reader(self) -> Language:
        """The language of whoever asks."""
        return preferred(self.request.headers.get("Accept-Language"))

    def spawner_of(self, user_name: str, server_name: str) -> GenkanSpawner | None:
        """Return a server of a user, None where there is no such one; a user who is not there is an error."""
        user = self.find_user(user_name)
        if user is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        found = user.spawners.get(server_name)
        return found if isinstance(found, GenkanSpawner) else None

    def on_connection_close(self) -> None:
        """Note that nobody waits any more."""
        self.left = True
        super().on_connection_close()

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer without a page: nobody would see it."""
        self.finish(json.dumps({"status": status_code}))

    def _log(self) -> None:
        """Keep what every open page asks for out of the hub's log, unless it fails."""
        if self.get_status() >= HTTPStatus.BAD_REQUEST:
            super()._log()
        else:
            prometheus_log_method(self)
