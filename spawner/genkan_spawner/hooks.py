"""Calling the hooks that a site has added to the start of servers, so that one that fails is told in a sentence.

Whatever a hook raises is a refusal for JupyterHub: as an error of its own it would count towards stopping the hub.
"""

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from jupyterhub.spawner import SpawnException
from jupyterhub.utils import maybe_future
from tornado.web import HTTPError

from genkan_profiles.language.sentences import Sentence, say

from .blanking import blanked
from .reasons import Reason
from .refusals import Refusal

_FAILED = say("A hook of this site has failed. Tell an administrator: the hub's log names it.")
_SERVICE_UNAVAILABLE = 503


async def call_hook(name: str, hook: Callable[..., Any], *arguments: Any, log: logging.Logger) -> Any:
    """Return what a hook returns; raises Refusal if it fails.

    An exception with words for the user (`jupyterhub_message`, or the message of an HTTPError) keeps them. Of any other
    one the log has the traceback, with whatever looks like a secret blanked, and the user is told no more than that.
    """
    try:
        return await maybe_future(hook(*arguments))
    except Refusal:
        raise
    except Exception as e:  # noqa: BLE001  # a site's own code
        # Without the cause: JupyterHub would log its text, in which there may be a token.
        raise _refusal(name, e, log) from None


def _refusal(name: str, error: Exception, log: logging.Logger) -> Refusal:
    sentence = _own_words(error)
    if sentence is None:
        lines = "".join(traceback.format_exception(error)).splitlines()
        log.error("The hook %s of this site has failed.\n%s", name, "\n".join(map(blanked, lines)))
    status = error.status_code if isinstance(error, HTTPError) else _SERVICE_UNAVAILABLE
    reason = getattr(error, "reason", None) if isinstance(error, SpawnException) else None
    refusal = Refusal(
        Sentence.quoted(sentence) if sentence else _FAILED,
        reason=Reason(reason) if reason in set(Reason) else Reason.UNAVAILABLE,
        status_code=status,
        log_message=blanked(str(getattr(error, "log_message", None) or f"hook {name}")),
    )
    refusal.jupyterhub_html_message = getattr(error, "jupyterhub_html_message", None)
    return refusal


def _own_words(error: Exception) -> str | None:
    """Return what an exception has to say to the user."""
    if words := getattr(error, "jupyterhub_message", None):
        return str(words)
    match error:
        case SpawnException():
            return str(error.message)
        case HTTPError(log_message=str(words)):
            # As JupyterHub shows it.
            with suppress(TypeError, ValueError):
                return words % error.args
            return words
        case HTTPError():
            return error.reason
        case _:
            return None
