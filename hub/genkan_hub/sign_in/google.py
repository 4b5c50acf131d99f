"""Sign-in with Google, whose groups are those of a Workspace."""

from typing import Any

from oauthenticator.google import GoogleOAuthenticator
from traitlets import default

from .authenticator import SignIn


class GoogleAuthenticator(SignIn, GoogleOAuthenticator):  # type: ignore[misc]
    """Sign-in with Google; `allowed_google_groups` or `admin_google_groups` make it read the groups of a Workspace."""

    @default("extra_authorize_params")
    def _extra_authorize_params_default(self) -> dict[str, str]:
        # Without a token to refresh the others, people would have to sign in again every hour.
        return {"access_type": "offline"}

    @default("manage_groups")
    def _manage_groups_default(self) -> bool:
        return bool(self.allowed_google_groups or self.admin_google_groups)

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the names of the groups, without the domain."""
        if self.auth_state_groups_key:
            return set(await super().get_user_groups(auth_state))
        return set(auth_state[self.user_auth_state_key]["google_groups"])
