"""The hub's addresses for signing in and out."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from jinja2 import TemplateNotFound
from jupyterhub.handlers import BaseHandler
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler, OAuthLogoutHandler
from tornado import web
from tornado.httputil import url_concat

from . import pending
from .exceptions import RefusedError, SignInError, UnavailableError
from .pages import Way

TEMPLATE = "sign-in-error.html"

PROVIDER_IS_ILL = frozenset({"server_error", "temporarily_unavailable"})
"""Codes by which a provider says that it cannot at the moment (RFC 6749, section 4.1.2.1)."""

CANCELLED = frozenset({"access_denied", "consent_required", "interaction_required", "login_required"})
"""Codes by which it says that the user did not want to, or may not."""


class TellingHandler(BaseHandler):  # type: ignore[misc]  # JupyterHub is published without types
    """Tells what goes wrong on a page of its own, without a traceback in the log."""

    _wanted = ""
    """Where the sign-in was to lead."""

    @property
    def sign_in(self) -> Any:
        """The authenticator, which is SignIn."""
        return self.settings["authenticator"]

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what the provider does into pages for people, and into lines of the log for administrators."""
        wording = self.sign_in.wording
        try:
            yield
        except UnavailableError as e:
            raise SignInError(wording.unavailable(), log_message=str(e)) from None
        except RefusedError as e:
            page = wording.stale() if e.error == "invalid_grant" else wording.wrong_settings()
            raise SignInError(page, log_message=str(e)) from None

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what happened without the address, whose code is as good as a password until it is used."""
        if isinstance(value, web.HTTPError):
            self.log.warning("%s: %s", self.request.path, value.get_message())
        else:
            self.log.error("Uncaught exception at %s", self.request.path, exc_info=(typ, value, tb))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Show the page of a sign-in that cannot be; JupyterHub has pages for everything else."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        if not isinstance(error, SignInError):
            super().write_error(status_code, **kwargs)
            return
        ways = {Way.AGAIN: self._sign_in_again(), Way.OTHER_ACCOUNT: self.settings["logout_url"]}
        links = {way.value: ways[way] for way in Way if way is error.page.way}
        try:
            text = self.render_template(TEMPLATE, sync=True, page=error.page, links=links)
        except TemplateNotFound:
            super().write_error(status_code, **kwargs)
            return
        self.set_header("Content-Type", "text/html")
        self.set_header("Cache-Control", "no-store")
        self.write(text)

    def _sign_in_again(self) -> str:
        address: str = self.sign_in.login_url(self.hub.base_url)
        return url_concat(address, {"next": self._wanted}) if self._wanted else address


class LoginHandler(TellingHandler, OAuthLoginHandler):  # type: ignore[misc]
    """Sends people to the provider, when it answers."""

    def get(self) -> Any:
        """Send a browser to the provider; tornado waits for it."""
        return self._send_on()

    async def _send_on(self) -> None:
        self._wanted = self._get_next_url() or ""
        with self.telling():
            await self.sign_in.reach_provider()
        super().get()

    def set_state_cookie(self, state_cookie_value: str) -> None:
        """Keep what this sign-in needs when it comes back, in the browser."""
        for name in pending.too_many(self.request.cookies):
            self.clear_cookie(name, path=self.hub.base_url)
        name = f"{pending.PREFIX}{pending.state_id(state_cookie_value)}"
        self._set_cookie(
            name, state_cookie_value, expires_days=pending.LIFETIME_DAYS, httponly=True, path=self.hub.base_url
        )


class CallbackHandler(TellingHandler, OAuthCallbackHandler):  # type: ignore[misc]
    """Takes people back from the provider."""

    _kept: str | None = None

    async def get(self) -> None:
        """Sign somebody in with the code that the provider gave."""
        if not self.get_state_cookie():
            self._go_on_or_begin_anew()
            return
        self._wanted = pending.next_url(self.get_state_cookie())
        self._refuse_errors()
        with self.telling():
            user = await self.login_user()
        if user is None:
            raise SignInError(self.sign_in.wording.wrong_settings(), log_message="nobody was signed in")
        self.redirect(str(self.get_next_url(user)))

    def get_state_cookie(self) -> str:
        """Return what this browser kept of the sign-in that comes back, empty where it knows nothing of it."""
        if self._kept is None:
            name = pending.cookie_of(self.get_argument("state", ""))
            kept = b"" if name is None else self.get_secure_cookie(name, max_age_days=pending.LIFETIME_DAYS)
            self._kept = (kept or b"").decode("utf8", "replace")
            if name is not None:
                self.clear_cookie(name, path=self.hub.base_url)
        return self._kept

    def _go_on_or_begin_anew(self) -> None:
        """Answer for a page that was reloaded or bookmarked, and for addresses that somebody else made up."""
        if self.current_user is None:
            raise SignInError(self.sign_in.wording.stale(), log_message="no sign-in of this browser comes back")
        self.redirect(self.hub.base_url)

    def _refuse_errors(self) -> None:
        code, wording = self.get_argument("error", ""), self.sign_in.wording
        if not code and self.get_argument("code", ""):
            return
        described = f"{code[:80]!r}, {self.get_argument('error_description', '')[:200]!r}"
        page = wording.cancelled() if code in CANCELLED else wording.wrong_settings()
        page = wording.unavailable() if code in PROVIDER_IS_ILL else page
        raise SignInError(page, log_message=f"{wording.provider} sends somebody back with {described}")


class LogoutHandler(TellingHandler, OAuthLogoutHandler):  # type: ignore[misc]
    """Signs people out of the hub, and out of their session at the provider where it can be ended."""

    _id_token: str | None = None

    async def handle_logout(self) -> None:
        """Remember by whom the session at the provider is; JupyterHub forgets it next."""
        if self.current_user is not None:
            self._id_token = (await self.current_user.get_auth_state() or {}).get("id_token")

    async def render_logout_page(self) -> None:
        """Lead on to the provider, which leads back to the hub."""
        address = None if self.sign_in.logout_redirect_url else await self.sign_in.logout_address()
        if address is None:
            await super().render_logout_page()
            return
        query = {"client_id": self.sign_in.client_id, "post_logout_redirect_uri": self._home()}
        if self._id_token is not None:
            query["id_token_hint"] = self._id_token
        self.redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}")

    def _home(self) -> str:
        public = self.settings.get("public_url")
        origin = f"{public.scheme}://{public.netloc}" if public else f"{self.request.protocol}://{self.request.host}"
        return f"{origin}{self.settings['login_url']}"
