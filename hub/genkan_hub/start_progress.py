"""A start that is under way, for the page that waits for it: what has been told since, and the way out."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_escape_path, url_path_join
from tornado.web import HTTPError

from genkan_spawner import GenkanSpawner
from genkan_spawner.start_page import events_part

from .fragments import FragmentHandler

LONGEST = 20.0
"""Seconds until an answer without news: proxies give up a request that is silent for a minute."""

LOOK_EVERY = 0.5
"""Seconds between two looks whether the start has ended, of which nothing is told."""


class StartProgressHandler(FragmentHandler):
    """Answers when there is news of a start, or soon anyway."""

    async def get(self, user_name: str, server_name: str | None) -> None:
        """Answer with the steps; `seen` is how many sentences the page knows already."""
        self.require_user()
        await self._get(user_name=user_name, server_name=server_name or "")

    @needs_scope("servers")  # type: ignore[untyped-decorator]  # JupyterHub is published without types
    async def _get(self, user_name: str, server_name: str) -> None:
        spawner = self.spawner_of(user_name, server_name)
        seen = self.get_query_argument("seen", "")
        if seen.isdecimal():
            await self._until_news(spawner, int(seen))
        if spawner is None or not _is_under_way(spawner):
            self.finish(json.dumps({"ended": True}))
            return
        page, reader = spawner.start_page, self.reader
        answer = {"told": len(page.told), "steps": page.steps(reader)}
        if self.get_query_argument("events", ""):
            answer["events"] = events_part(await spawner.cluster_events(), reader)
        self.finish(json.dumps(answer))

    async def _until_news(self, spawner: GenkanSpawner | None, seen: int) -> None:
        until = asyncio.get_running_loop().time() + LONGEST
        while spawner is not None and _is_under_way(spawner) and len(spawner.start_page.told) == seen:
            left = until - asyncio.get_running_loop().time()
            if left <= 0 or self.left:
                return
            await spawner.more_told(seen, within=min(LOOK_EVERY, left))


def _is_under_way(spawner: GenkanSpawner) -> bool:
    """Return whether a start has not ended.

    JupyterHub takes one that is being cancelled for a server that runs, and looks for servers first when it comes back.
    """
    return spawner.pending in {"spawn", "check"} or spawner.cancelling


class StartCancelHandler(UserServerAPIHandler):  # type: ignore[misc]  # same
    """Ends a start for a form without JavaScript, as JupyterHub's REST API does."""

    async def post(self, user_name: str, server_name: str | None = "") -> None:
        """End the start, remove what it has made, and go back to the form."""
        name = server_name or ""
        user: Any = self.find_user(user_name)
        if user is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        spawner = user.spawners.get(name)
        if spawner is not None:
            spawner.cancelling = True
        try:
            await self.delete(user_name, name)
        finally:
            if spawner is not None:
                spawner.cancelling = False
        stops = name in user.spawners and user.spawners[name].pending
        page = "spawn-pending" if stops else "spawn"
        self.clear_header("Content-Type")
        self.redirect(
            url_path_join(self.hub.base_url, page, user.escaped_name, url_escape_path(name)),
            status=HTTPStatus.SEE_OTHER,
        )

    def check_post_content_type(self) -> bool:
        """Take a form, whose secret is checked."""
        return True

    def get_json_body(self) -> Any:
        """Return what else there is to do; a form has nothing to say of that."""
        return None

    def get_content_type(self) -> Any:
        """Say what an error is shown as."""
        return "text/html"

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Show an error as a page."""
        BaseHandler.write_error(self, status_code, **kwargs)
