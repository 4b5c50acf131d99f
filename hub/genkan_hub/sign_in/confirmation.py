"""What the provider says, again and again, of people who are signed in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from genkan_profiles.language.sentences import Sentence
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

from .exceptions import NotAllowedError, OverError, StandingError, UnavailableError
from .jupyterhub_seam import end_browser_sessions, note_cookie
from .pages import Wording

AuthState: TypeAlias = Mapping[str, Any]

Model: TypeAlias = dict[str, Any]
"""What JupyterHub calls an auth_model: name, groups, whether somebody is an administrator, auth_state."""

CONFIRMED_AT = "confirmed_at"
"""In auth_state: when the provider said what it says there, in seconds of Unix."""

_log = logging.getLogger("genkan_hub.sign_in")


@dataclass(frozen=True, slots=True)
class _Ended:
    """A session that does not come back."""

    session: str
    reason: StandingError


class Confirmations:
    """How all users of a hub stand with the provider.

    A provider that does not answer changes nothing: people stay signed in, and their servers run. `ask_provider`
    returns what holds now by the tokens of the last sign-in; it raises UnavailableError, OverError or NotAllowedError.
    """

    def __init__(self, ask_provider: Callable[[AuthState], Awaitable[Model]]) -> None:
        self._ask_provider = ask_provider
        self._asking: dict[str, asyncio.Task[bool | Model]] = {}
        self._ended: dict[str, _Ended] = {}
        self._confirmed_at: dict[str, float] = {}
        """When those were confirmed last whom the provider was asked about in vain."""

    def begin(self, name: str) -> None:
        """Note that the provider has just spoken for somebody."""
        self._ended.pop(name, None)
        self._confirmed_at.pop(name, None)

    async def ask(self, user: Any, handler: Any) -> bool | Model:
        """Return what `refresh_user` does in JupyterHub: what holds now, True to leave it, False to sign in again.

        Requests of one user that come at the same time ask once: a refresh token may be good for a single use.
        """
        note_cookie(handler)
        asking = self._asking.get(user.name)
        if asking is None:
            asking = self._asking[user.name] = asyncio.create_task(self._ask(user, handler))
            asking.add_done_callback(lambda _: self._asking.pop(user.name, None))
        return await asyncio.shield(asking)

    async def _ask(self, user: Any, handler: Any) -> bool | Model:
        auth_state = await user.get_auth_state()
        ended = self._ended.get(user.name)
        if not auth_state or (ended is not None and ended.session == _session(auth_state)):
            return False
        try:
            model = await self._ask_provider(auth_state)
        except UnavailableError as e:
            _log.warning("%s stays signed in without being confirmed: %s", user.name, e)
            self._confirmed_at[user.name] = float(auth_state.get(CONFIRMED_AT, 0))
            return True
        except StandingError as e:
            _log.info("%s has to sign in again: %s", user.name, e)
            await self._end(user, handler, auth_state, e)
            return False
        self.begin(user.name)
        # Before anybody else asks, who would do so with a token that is used up.
        await user.save_auth_state(model["auth_state"])
        return model

    async def _end(self, user: Any, handler: Any, auth_state: AuthState, reason: StandingError) -> None:
        if isinstance(reason, NotAllowedError):
            # Groups and the rights of administrators go at once, from the user's own tokens too.
            await handler.auth_to_user({**reason.model, "name": user.name}, user)
            auth_state = reason.model["auth_state"]
        self._ended[user.name] = _Ended(_session(auth_state), reason)
        end_browser_sessions(handler.db, user)

    async def before_start(self, user: Any, handler: Any, *, wording: Wording, earliest: float) -> None:
        """Ask, and refuse the start of a user's own server that the provider does not stand behind.

        `earliest` is when the provider must have spoken for the user, where it does not answer now. Administrators
        start servers of others by what is known of them. Raises Refusal.
        """
        await handler.refresh_auth(user, force=True)
        if handler.current_user is not user:
            return
        ended = self._ended.get(user.name)
        if ended is not None:
            over = isinstance(ended.reason, OverError)
            raise _refusal(wording.session_over() if over else wording.no_longer_allowed())
        if await user.get_auth_state() is None:
            raise _refusal(wording.never_signed_in())
        if self._confirmed_at.get(user.name, earliest) < earliest:
            sentence, status = wording.unconfirmed(), HTTPStatus.SERVICE_UNAVAILABLE
            raise Refusal(sentence, reason=Reason.UNAVAILABLE, status_code=status)


def _refusal(sentence: Sentence) -> Refusal:
    return Refusal(sentence, reason=Reason.ACCESS, status_code=HTTPStatus.FORBIDDEN)


def _session(auth_state: AuthState) -> str:
    """Tell sessions apart by their tokens, which last from one sign-in to the next or to a refresh."""
    return str(auth_state.get("refresh_token") or auth_state.get("access_token"))
