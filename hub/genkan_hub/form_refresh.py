"""What a form that is open in a browser asks for every few seconds: the parts of it that go with the cluster.

Only the hub has these in its memory, so it is a handler of the hub's own; a service would follow the cluster again.
"""

import json
from http import HTTPStatus

from jupyterhub.scopes import needs_scope
from tornado.web import HTTPError

from genkan_profiles.language.sentences import say

from .fragments import FragmentHandler

AGE = "Genkan-Age"
"""The header with the seconds since the cluster was last seen: the body is the same as long as nothing changes."""


class FormRefreshHandler(FragmentHandler):
    """Answers with the moving parts of a form, or that nothing has changed."""

    async def get(self, user_name: str, server_name: str | None) -> None:
        """Answer for the form of one server."""
        self.require_user()
        await self._get(user_name=user_name, server_name=server_name or "")

    @needs_scope("servers")  # type: ignore[untyped-decorator]  # JupyterHub is published without types
    async def _get(self, user_name: str, server_name: str) -> None:
        # A named server that was never started is not there yet; what it may have is that of the default one.
        spawner = self.spawner_of(user_name, server_name) or self.spawner_of(user_name, "")
        if spawner is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        if spawner.active and spawner.name == server_name:
            words = say("This server has been started in the meantime.")
            self.finish(json.dumps({"elsewhere": self.reader.say(words)}))
            return
        arguments = self.request.query_arguments
        fields = {name: [value.decode("utf8", "replace") for value in values] for name, values in arguments.items()}
        known = " ".join(fields.pop("cards", [])).split()
        form = await spawner.form(fields=fields)
        moving = form.moving_parts(self.reader)
        if known != list(moving["cards"]):
            moving["changed"] = self.reader.say(say("What is offered has changed; load the page again to see it."))
        if form.status.view is not None:
            self.set_header(AGE, str(form.status.view.age))
        # Tornado adds the hash of the content, and answers that nothing has changed where the browser has it.
        self.finish(json.dumps(moving))
