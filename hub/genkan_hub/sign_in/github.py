"""Sign-in with GitHub, whose teams are groups."""

from typing import Any

from oauthenticator.github import GitHubOAuthenticator
from traitlets import default

from .authenticator import SignIn


class GitHubAuthenticator(SignIn, GitHubOAuthenticator):  # type: ignore[misc]
    """Sign-in with GitHub, or a GitHub of one's own at `github_url`; the group of a team is `organisation:team`."""

    @default("scope")
    def _scope_default(self) -> list[str]:
        return ["read:org"]

    @default("populate_teams_in_auth_state")
    def _populate_teams_in_auth_state_default(self) -> bool:
        return bool(self.manage_groups)

    def further_problems(self) -> list[str]:
        """Return why nobody would be in any team."""
        if self.manage_groups and "read:org" not in self.scope:
            return [f"{type(self).__name__}.scope must contain read:org: without it GitHub tells nobody's teams."]
        return []

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the teams by their names in addresses, those of organisations in small letters."""
        if self.auth_state_groups_key:
            return set(await super().get_user_groups(auth_state))
        return {f"{team['organization']['login'].lower()}:{team['slug']}" for team in auth_state.get("teams", [])}
