"""Sign-in with any provider that speaks OpenID Connect: Keycloak, Dex, Entra ID, GitLab, ..."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from oauthenticator.generic import GenericOAuthenticator
from traitlets import Unicode, default

from . import id_tokens
from .addresses import is_protected
from .authenticator import SignIn
from .claims import groups_at
from .discovery import PATH, ProviderDocument
from .exceptions import ProviderError, SignInError, UnavailableError

FRESH_SECONDS = 5
"""For how long a provider that has answered is taken for one that answers."""

_ENDPOINTS = {
    "authorize_url": "authorization_endpoint",
    "token_url": "token_endpoint",
    "userdata_url": "userinfo_endpoint",
}

NOTICEABLE_SECONDS = 60
"""From which difference of the clocks on the log speaks of it."""


class OpenIDAuthenticator(SignIn, GenericOAuthenticator):  # type: ignore[misc]
    """Sign-in with an OpenID Connect provider, by its issuer."""

    issuer = Unicode(
        config=True,
        help="""
        The address of the provider, as it writes it itself: `https://sso.example.org/realms/lab` for a realm of
        Keycloak.

        Where people sign in and where tokens come from is read from its discovery document, below
        `/.well-known/openid-configuration`. `authorize_url`, `token_url` and `userdata_url` overrule that.
        """,
    )

    groups_claim = Unicode(
        "groups",
        config=True,
        help="""
        The claim that holds a user's groups; with dots for a nested one, such as `realm_access.roles`.

        Keycloak's paths lose the slash at their beginning: `/vision` is the group `vision`, `/research/vision` is
        `research/vision`. When it is empty the provider gives no groups, and administrators keep them on the hub.
        """,
    )

    end_session_url = Unicode(
        config=True,
        help="""
        Where a session at the provider is ended when somebody signs out of the hub.

        By default what the discovery document says.
        """,
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._fixed = frozenset(name for name in _ENDPOINTS if getattr(self, name))
        self._document: ProviderDocument | None = None
        self._read_at = 0.0

    @default("login_service")
    def _login_service_default(self) -> str:
        return urlsplit(self.issuer).hostname or "OpenID Connect"

    @default("scope")
    def _scope_default(self) -> list[str]:
        return ["openid", "email", "profile"]

    @default("username_claim")
    def _username_claim_default(self) -> str:
        return "preferred_username"

    @default("manage_groups")
    def _manage_groups_default(self) -> bool:
        return bool(self.groups_claim)

    @default("auth_state_groups_key")
    def _auth_state_groups_key_default(self) -> str:
        # OAuthenticator's own way to the groups, for those who set it.
        return ""

    def further_problems(self) -> list[str]:
        """Return what is wrong with the issuer and the claims."""
        section, found = type(self).__name__, []
        if not self.issuer and not (self.authorize_url and self.token_url):
            found.append(f"{section}.issuer is missing: the address of the provider.")
        if self.issuer and not is_protected(self.issuer):
            found.append(f"{section}.issuer must begin with https://: tokens and claims come from there.")
        if self.issuer.rstrip("/").endswith(PATH):
            found.append(f"{section}.issuer is the address without {PATH}.")
        if "openid" not in self.scope:
            found.append(f"{section}.scope must contain openid: without it the provider says nothing about people.")
        if not self.groups_claim and not self.auth_state_groups_key and (self.allowed_groups or self.admin_groups):
            found.append(f"{section}.groups_claim is empty, so that nobody is in any of the groups that are set.")
        return found

    # The provider's description of itself

    async def reach_provider(self) -> None:
        """See that the provider answers, before somebody is sent there. Raises UnavailableError."""
        if self.issuer and (self._document is None or time.monotonic() - self._read_at > FRESH_SECONDS):
            await self._discover()

    async def know_provider(self) -> None:
        """See that the provider's addresses are known. Raises UnavailableError."""
        if self.issuer and self._document is None:
            await self._discover()

    async def _discover(self) -> None:
        address = f"{self.issuer.rstrip('/')}{PATH}"
        try:
            answer = await self.httpfetch(address, validate_cert=self.validate_server_cert)
        except ProviderError as e:
            raise UnavailableError(str(e)) from None
        document = ProviderDocument.of(answer, issuer=self.issuer)
        if self._document is None and self.enable_pkce and not document.challenges:
            self.log.warning("%s does not say that it knows PKCE, without which stolen codes are good.", self.issuer)
        self._document, self._read_at = document, time.monotonic()
        for name, endpoint in _ENDPOINTS.items():
            told = getattr(document, endpoint)
            if told and name not in self._fixed and not (name == "userdata_url" and self.userdata_from_id_token):
                setattr(self, name, told)
        if not self.userdata_url and not self.userdata_from_id_token:
            raise UnavailableError(f"{address} names no userinfo_endpoint; set userdata_from_id_token = True")

    async def logout_address(self) -> str | None:
        """Return where a session at the provider is ended, None where it cannot be, or not now."""
        try:
            await self.reach_provider()
        except UnavailableError as e:
            self.log.warning("Sessions at %s stay open: %s", self.login_service, e)
            return None
        return self.end_session_url or (self._document.end_session_endpoint if self._document else None)

    # What it says of people

    def account(self, user_info: Mapping[str, Any]) -> list[str]:
        """Return the issuer and the account's number there."""
        return [self.issuer or self.token_url, str(user_info.get("sub", ""))]

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the groups that the claims hold."""
        if self.auth_state_groups_key:
            return set(await super().get_user_groups(auth_state))
        return groups_at(auth_state[self.user_auth_state_key], self.groups_claim) if self.groups_claim else set()

    async def get_token_info(self, handler: Any, params: Any) -> dict[str, Any]:
        """Exchange a code or a refresh token, and believe no ID token that is for others. Raises SignInError too."""
        answer = await super().get_token_info(handler, params)
        if answer.get("id_token"):
            try:
                self._check(id_tokens.read(answer["id_token"]))
            except id_tokens.ClockError as e:
                raise SignInError(self.wording.clocks_differ(e.seconds), log_message=str(e)) from None
            except id_tokens.IdTokenError as e:
                raise SignInError(self.wording.wrong_settings(), log_message=str(e)) from None
        return answer

    def _check(self, claims: Mapping[str, Any]) -> None:
        id_tokens.check(claims, issuer=self.issuer, client_id=self.client_id, now=self.now())
        ahead = self.now() - claims["iat"]
        if abs(ahead) > NOTICEABLE_SECONDS:
            self.log.warning("The clock of the hub is %+.0f s from that of %s.", ahead, self.login_service)

    async def token_to_user(self, token_info: Any) -> dict[str, Any]:
        """Return the claims about the bearer of a token. Raises ProviderError or SignInError."""
        known = self._known(token_info)
        if self.userdata_from_id_token:
            if not known:
                raise SignInError(self.wording.wrong_settings(), log_message="the provider gives no ID token")
            return dict(known)
        told: dict[str, Any] = await super().token_to_user(token_info)
        if known and known.get("sub") != told.get("sub"):
            raise SignInError(self.wording.wrong_settings(), log_message="the claims are about another account")
        if self.groups_claim in known and self.groups_claim not in told:
            self.log.warning(
                "The ID token has the claim %s, and what the provider tells at userinfo has not.", self.groups_claim
            )
        return told

    def _known(self, token_info: Mapping[str, Any]) -> Mapping[str, Any]:
        token = token_info.get("id_token")
        try:
            return id_tokens.read(token) if token else {}
        except id_tokens.IdTokenError:
            return {}
