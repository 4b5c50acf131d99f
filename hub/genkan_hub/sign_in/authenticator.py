"""What Genkan adds to OAuthenticator, whoever the provider is."""

import contextlib
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthenticator
from tornado import web
from traitlets import Bool, Integer, Unicode, default

from . import claims, fetching
from .confirmation import CONFIRMED_AT, AuthState, Confirmations, Model
from .exceptions import NotAllowedError, OverError, RefusedError, SettingsError, SignInError, UnavailableError
from .handlers import CallbackHandler, LoginHandler, LogoutHandler
from .jupyterhub_seam import model_of
from .pages import ADMINISTRATOR, Wording
from .settings import Settings, read_secret

ACCOUNT = "account"
"""In auth_state: the provider, and the number that the account has there for ever."""


class SignIn(OAuthenticator):  # type: ignore[misc]  # OAuthenticator is published without types
    """Groups that count at once, names that stay with their accounts, and words for all that fails.

    It is mixed in before a class of OAuthenticator.
    """

    login_handler = LoginHandler
    callback_handler = CallbackHandler
    logout_handler = LogoutHandler

    client_secret_file = Unicode(
        config=True,
        help="""
        A file with the secret of the hub's client at the provider, such as one of a mounted Secret.

        It is read again at each sign-in, so that a new secret needs no restart. Without it the secret is that of the
        environment variable `OAUTH_CLIENT_SECRET`.
        """,
    )

    contact = Unicode(
        config=True,
        help="""
        Who can help somebody who cannot sign in, such as `gpu-help@example.org`; it stands in sentences, after "Ask".
        """,
    )

    names_stay_with_accounts = Bool(
        default_value=True,
        config=True,
        help="""
        Whether a user's name belongs to the account of the provider that had it first.

        Files belong to names. Whoever gets a name at the provider that was somebody else's before is refused, until an
        administrator deletes the user on the hub's own page; files stay.
        """,
    )

    confirm_before_start = Bool(
        default_value=True,
        config=True,
        help="""
        Whether the provider is asked before each start, so that a group that was taken away counts at once.

        It takes the place of `refresh_pre_spawn`, which lets starts by token through whatever the provider says.
        """,
    )

    outage_grace = Integer(
        900,
        min=0,
        config=True,
        help="""
        For how many seconds servers are started by what the provider said last, while it does not answer.

        Later starts are refused until it answers again. Servers that run are never touched.
        """,
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._confirmations = Confirmations(self._ask_provider)
        problems = [*self._settings().problems(), *self.further_problems()]
        if problems:
            self._give_up("\n".join(["Nobody could sign in like this:", *(f"- {problem}" for problem in problems)]))

    def _give_up(self, message: str) -> None:
        leave = getattr(self.parent, "exit", None)
        if leave is not None:
            # As JupyterHub itself ends a start that cannot be: with the reason and without a traceback.
            leave(message)
        raise SettingsError(message)

    @default("enable_auth_state")
    def _enable_auth_state_default(self) -> bool:
        return True

    @default("manage_groups")
    def _manage_groups_default(self) -> bool:
        return True

    @default("refresh_pre_spawn")
    def _refresh_pre_spawn_default(self) -> bool:
        return False

    def _settings(self) -> Settings:
        return Settings(
            section=type(self).__name__,
            client_id=self.client_id,
            client_secret=self.client_secret,
            client_secret_file=self.client_secret_file,
            keeps_auth_state=bool(self.enable_auth_state),
            lets_somebody_in=bool(self.any_allow_config),
            addresses={name: getattr(self, name) for name in ("authorize_url", "token_url", "userdata_url")},
        )

    def further_problems(self) -> list[str]:
        """Return what else is wrong with the settings, in sentences."""
        return []

    def now(self) -> float:
        """Return the time, in seconds of Unix."""
        return time.time()

    @property
    def wording(self) -> Wording:
        """The words for people, with the provider's name."""
        return Wording(self.login_service, self.contact or ADMINISTRATOR)

    # What differs between providers

    async def reach_provider(self) -> None:
        """See that the provider answers, before somebody is sent there. Raises ProviderError."""

    async def know_provider(self) -> None:
        """See that the provider's addresses are known. Raises ProviderError."""

    async def logout_address(self) -> str | None:
        """Return where a session at the provider is ended, None where it cannot be."""
        return None

    def account(self, user_info: Mapping[str, Any]) -> list[str]:
        """Return the provider, and the number that an account has there for ever."""
        return [self.token_url, str(user_info.get("id", ""))]

    # The way in

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> Model:
        """Say who came back from the provider. Raises SignInError or ProviderError."""
        self._renew_secret()
        model: Model = await super().authenticate(handler, data, **kwargs)
        name = model["name"]
        if not claims.is_usable_name(name) or not self.validate_username(name):
            raise SignInError(self.wording.unusable_name(name))
        known = handler.find_user(name)
        before = (await known.get_auth_state() or {}) if known is not None else {}
        self._hold_to_account(name, before.get(ACCOUNT), model["auth_state"][ACCOUNT])
        _keep_refresh_token(before, model["auth_state"])
        self._confirmations.begin(name)
        return model

    def _hold_to_account(self, name: str, old: list[str] | None, new: list[str]) -> None:
        # Nothing is known of another provider's accounts: when a hub moves there, they take over the names.
        if self.names_stay_with_accounts and old and old[0] == new[0] and old != new:
            told = f"{name} belongs to the account {old[1]} of {old[0]}, and this is {new[1]}"
            raise SignInError(self.wording.name_of_another(name), log_message=told)

    def check_blocked_users(self, username: str, authentication: Any = None) -> bool:
        """Let through who is not blocked. Raises SignInError."""
        if not super().check_blocked_users(username, authentication):
            raise SignInError(self.wording.blocked(username), log_message=f"{username} is blocked")
        return True

    async def check_allowed(self, username: str, auth_model: Any) -> bool:
        """Let through who is among those for whom the hub is. Raises SignInError."""
        if not await super().check_allowed(username, auth_model):
            page = self.wording.not_allowed(username, by_groups=bool(self.allowed_groups))
            groups = ", ".join((auth_model or {}).get("groups") or []) or "no groups"
            raise SignInError(page, log_message=f"{username} is not allowed, with {groups}")
        return True

    def user_info_to_username(self, user_info: Any) -> str:
        """Return the name that the provider gives. Raises SignInError."""
        if not callable(self.username_claim):
            given = user_info.get(self.username_claim)
            if not isinstance(given, str) or not given:
                told = f"the claim {self.username_claim} holds no name; there are: {', '.join(sorted(user_info))}"
                raise SignInError(self.wording.wrong_settings(), log_message=told)
            self._check_address(given, user_info)
        return str(super().user_info_to_username(user_info))

    def _check_address(self, given: str, user_info: Mapping[str, Any]) -> None:
        confirmed = user_info.get("email_verified", user_info.get("verified_email"))
        if self.username_claim == "email" and confirmed is not True:
            raise SignInError(self.wording.unconfirmed_address(given), log_message=f"{given} is not confirmed")

    def build_auth_state_dict(self, token_info: Any, user_info: Any) -> dict[str, Any]:
        """Return what is kept of a sign-in, encrypted: tokens, claims, whose they are and since when."""
        kept: dict[str, Any] = super().build_auth_state_dict(token_info, user_info)
        return {**kept, ACCOUNT: self.account(user_info), CONFIRMED_AT: self.now()}

    # What the provider answers

    async def fetch(self, req: Any, label: str = "", parse_json: bool = True, **kwargs: Any) -> Any:  # noqa: ARG002, FBT001, FBT002  # as OAuthenticator has it
        """Ask the provider. Raises ProviderError; OAuthenticator's own logs whatever is answered."""
        return await fetching.ask(self.http_client, req, parse=parse_json, **kwargs)

    async def httpfetch(self, url: str, *args: Any, **kwargs: Any) -> Any:
        """Ask the provider without waiting for long. Raises ProviderError."""
        patience = {"connect_timeout": fetching.CONNECT_SECONDS, "request_timeout": fetching.ANSWER_SECONDS}
        return await super().httpfetch(url, *args, **{**patience, **self.http_request_kwargs, **kwargs})

    async def get_token_info(self, handler: Any, params: Any) -> dict[str, Any]:
        """Exchange a code or a refresh token. Raises ProviderError."""
        # GitHub says no with a status that says yes; what OAuthenticator makes of an answer may hold tokens.
        with contextlib.suppress(web.HTTPError, TypeError):
            answer = await super().get_token_info(handler, params)
            if isinstance(answer, dict):
                return answer
        raise RefusedError(f"{self.token_url} gives no token", error="invalid_grant")

    async def token_to_user(self, token_info: Any) -> dict[str, Any]:
        """Return the claims about the bearer of a token. Raises ProviderError."""
        answer = await super().token_to_user(token_info)
        if not isinstance(answer, dict):
            raise UnavailableError(f"{self.userdata_url} says nothing about anybody")
        return answer

    def _renew_secret(self) -> None:
        if self.client_secret_file:
            try:
                self.client_secret = read_secret(Path(self.client_secret_file))
            except SettingsError as e:
                self.log.warning("The client's secret stays the one of before: %s", e)

    # The time after

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> bool | Model:  # noqa: ARG002  # as JupyterHub has it
        """Ask the provider what holds now; False where the user has to sign in again, True where nothing is known."""
        return await self._confirmations.ask(user, handler)

    def pre_spawn_start(self, user: Any, spawner: Any) -> Any:
        """Refuse a start that the provider does not stand behind; JupyterHub waits for it. Raises Refusal."""
        return self._before_start(user, spawner)

    async def _before_start(self, user: Any, spawner: Any) -> None:
        await maybe_future(super().pre_spawn_start(user, spawner))
        if self.confirm_before_start and spawner.handler is not None:
            earliest = self.now() - self.outage_grace
            await self._confirmations.before_start(user, spawner.handler, wording=self.wording, earliest=earliest)

    async def _ask_provider(self, auth_state: AuthState) -> Model:
        self._renew_secret()
        await self.know_provider()
        try:
            model = await self._model_of(auth_state)
        except RefusedError as e:
            raise UnavailableError(str(e)) from None
        except SignInError as e:
            told = str(e.get_message())
            ours = e.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            raise (UnavailableError if ours else OverError)(told) from None
        _keep_refresh_token(auth_state, model["auth_state"])
        try:
            self.check_blocked_users(model["name"], model)
            await self.check_allowed(model["name"], model)
        except web.HTTPError as e:
            raise NotAllowedError(str(e.get_message()), model=model) from None
        return model

    async def _model_of(self, auth_state: AuthState) -> Model:
        """Return what holds now of somebody, by the tokens of the last sign-in. Raises ProviderError or OverError."""
        if auth_state.get(ACCOUNT, [None])[0] != self.account({})[0]:
            raise OverError("the last sign-in was with another provider")
        # What an ID token says is what held when it was given.
        if not self.userdata_from_id_token:
            with contextlib.suppress(RefusedError):
                return await model_of(self, auth_state["token_response"])
        token = auth_state.get("refresh_token")
        if not token:
            raise OverError("the access token is not good any more, and there is none to get another")
        try:
            fresh = await self.get_token_info(None, self.build_refresh_token_request_params(token))
        except RefusedError as e:
            if e.error == "invalid_grant":
                raise OverError(str(e)) from None
            raise
        return await model_of(self, fresh)


def _keep_refresh_token(before: AuthState, after: dict[str, Any]) -> None:
    """Go on with the token of before where there is no new one: Google gives one at the first sign-in only."""
    if not after.get("refresh_token") and before.get(ACCOUNT) == after[ACCOUNT]:
        after["refresh_token"] = before.get("refresh_token")
