"""Where a choice comes from: what JupyterHub knows of it but does not tell its spawners."""

from contextvars import ContextVar
from http import HTTPMethod
from typing import Any

from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.handlers.pages import SpawnHandler

from genkan_profiles.choices import PROFILE, UNLISTED
from genkan_profiles.compiler import IMAGE, PRIORITY, TEAM

OWN_VALUE = "own--value"
"""What a list of the form sends for its entry where users give a value themselves; no slug has two dashes."""

sender: ContextVar[Any] = ContextVar("sender", default=None)
"""The spawner whose form came with the current request.

After a refused form JupyterHub shows that of the user's default server, whichever server it was sent for.
"""

sent: ContextVar[dict[str, Any] | None] = ContextVar("sent", default=None)
"""The choice of the form that came with the current request, which is shown again where it is refused."""

linked: ContextVar[dict[str, Any] | None] = ContextVar("linked", default=None)
"""The choice of the link by which the form was opened."""


class LinkFollowedError(Exception):
    """A link has been followed to the form, which JupyterHub would take for an order to start.

    JupyterHub goes on to the form after an error, and shows what `jupyterhub_message` says of it.
    """

    jupyterhub_message = ""


def was_sent(handler: Any) -> bool:
    """Return whether the request that starts a server brings a choice; otherwise JupyterHub takes the last one.

    Without a handler, as where a program starts a server by itself, the choice counts as sent.
    """
    match handler:
        case None:
            return True
        case UserServerAPIHandler():
            return handler.get_server_json_body()["user_options"] is not None
        case SpawnHandler():
            return bool(handler.request.method == HTTPMethod.POST)
        case _:
            return False


def with_full_names(formdata: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the fields of a form or link with the names that KubeSpawner reads; links may say `image` for short."""
    profile = next(iter(formdata.get(PROFILE, [])), "")
    short = {name for option in (IMAGE, PRIORITY, TEAM) for name in (option, option + UNLISTED)}
    full = {f"profile-option-{profile}--{name}": formdata[name] for name in short if name in formdata}
    return {name: values for name, values in {**full, **formdata}.items() if name not in short}


def without_idle_fields(options: dict[str, Any]) -> dict[str, Any]:
    """Return the choices of a form without texts that belong to entries which were not taken.

    Without JavaScript a browser sends the text for an own value in any case.
    """
    chosen: dict[str, Any] = {}
    for name, value in options.items():
        if name.endswith(UNLISTED):
            if options.get(name.removesuffix(UNLISTED), OWN_VALUE) == OWN_VALUE:
                chosen[name] = str(value).strip()
        elif value == OWN_VALUE:
            chosen[name + UNLISTED] = str(options.get(name + UNLISTED, "")).strip()
        else:
            chosen[name] = value
    return chosen
