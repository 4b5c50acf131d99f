"""Stopping somebody's server: asked for, confirmed with a word to its user, and done by the hub in one's own name."""

import logging
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from tornado.web import HTTPError

from genkan_profiles.language.sentences import NOTHING, Sentence, say

from .exceptions import StopError
from .handlers import PageHandler
from .hub_report import StopRequest
from .view import ServerView

log = logging.getLogger(__name__)

LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Which server, and which run of it."""

    user: str
    name: str
    started: datetime | None


class StopHandler(PageHandler):
    """A page that asks whether a server is to be stopped, and the answer to it."""

    def get(self) -> None:
        """Ask, with what the server is and what its user will be told."""
        asked = Asked(self.get_query_argument("user", ""), self.get_query_argument("server", ""), None)
        self._ask(self._server(asked))

    async def post(self) -> None:
        """Stop it, and show the page again, which says so."""
        if not getattr(self, "_token_authenticated", False):
            self._check_form()
        asked = self._asked()
        server = self._server(asked)
        note = " ".join(self.get_body_argument("note", "").split())[:LONGEST_NOTE]
        token = self.hub_auth.get_token(self) or ""
        wanted = StopRequest(note=note, started=asked.started)
        log.info("%s has the server %r of %r stopped. Note: %r", self.viewer.name, asked.name, asked.user, note)
        try:
            await self.observer.hub.stop(asked.user, asked.name, wanted=wanted, token=token)
        except StopError as e:
            log.warning("The server %r of %r was not stopped: %s", asked.name, asked.user, e)
            self.set_status(HTTPStatus.CONFLICT)
            self._ask(server, problem=e.sentence, note=note)
            return
        stopped = asked.user if not asked.name else f"{asked.user}/{asked.name}"
        self.redirect(f"{self.hub_auth.base_url}?{urlencode({'stopped': stopped})}", status=HTTPStatus.SEE_OTHER)

    def _check_form(self) -> None:
        try:
            self.check_xsrf_cookie()
        except HTTPError as e:
            sentence = say("This form is too old or was not made here. Open the page again, and send it from there.")
            raise HTTPError(HTTPStatus.FORBIDDEN, reason=sentence) from e

    def _asked(self) -> Asked:
        text = self.get_body_argument("started", "")
        try:
            started = datetime.fromisoformat(text) if text else None
        except ValueError:
            started = None
        return Asked(self.get_body_argument("user", ""), self.get_body_argument("server", ""), started)

    def _server(self, asked: Asked) -> ServerView:
        """Return the server that is asked about, as far as whoever asks may see and stop it."""
        rows = (row for row in self.view.servers if (row.user, row.name) == (asked.user, asked.name) and row.stoppable)
        if (found := next(rows, None)) is None:
            raise HTTPError(HTTPStatus.NOT_FOUND, reason=say("There is no such server that you may stop."))
        return found

    def _ask(self, server: ServerView, *, problem: Sentence = NOTHING, note: str = "") -> None:
        self.finish(
            self.templates.render(
                "stop.html",
                self.reader,
                server=server,
                view=self.view,
                problem=problem,
                note=note,
                longest=LONGEST_NOTE,
            )
        )
