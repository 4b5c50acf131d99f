"""All that sign-in says to users, in one place, so that it can be said in other languages."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from genkan_profiles.language.sentences import Sentence, say


class Way(StrEnum):
    """Where a page leads on to."""

    AGAIN = "again"
    """To the provider, and back to where the user wanted to go."""
    OTHER_ACCOUNT = "other-account"
    """Out of the session at the provider, which would sign in the same account again."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page in the place of a sign-in that did not come about."""

    status: HTTPStatus
    title: str
    sentence: str
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """Pages and sentences about one provider."""

    provider: str
    """What users call it, such as Keycloak."""
    who: str = "an administrator"
    """Who can help."""

    def unavailable(self) -> Page:
        """Say that the provider cannot be asked."""
        return Page(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Nobody can sign in at the moment",
            f"{self.provider} does not answer. Servers that run go on, and whoever is signed in stays so. "
            "Try again in a few minutes.",
            Way.AGAIN,
        )

    def not_allowed(self, name: str, *, by_groups: bool) -> Page:
        """Say that the account is right, and that it is not among those for whom the hub is."""
        reason = (
            f"This hub is for certain groups, and {name} is in none of them"
            if by_groups
            else (f"{name} is not among those for whom this hub is")
        )
        return Page(
            HTTPStatus.FORBIDDEN,
            "This account has no access",
            f"You are {name} at {self.provider}. {reason}. Ask {self.who} for access, or take another account.",
            Way.OTHER_ACCOUNT,
        )

    def blocked(self, name: str) -> Page:
        """Say that the account is kept out."""
        return Page(
            HTTPStatus.FORBIDDEN,
            "This account has no access",
            f"The account {name} is kept out of this hub. Ask {self.who}, or take another account.",
            Way.OTHER_ACCOUNT,
        )

    def stale(self) -> Page:
        """Say that the provider's answer fits no sign-in that this browser has begun."""
        return Page(
            HTTPStatus.BAD_REQUEST,
            "This sign-in is out of date",
            "It was finished before, was begun in another browser, or was left open for too long. Sign in again.",
            Way.AGAIN,
        )

    def cancelled(self) -> Page:
        """Say that the provider did not want to, or was told not to."""
        return Page(
            HTTPStatus.FORBIDDEN,
            "You are not signed in",
            f"The sign-in at {self.provider} was cancelled, or {self.provider} does not let this account in here. "
            f"Sign in again, or ask {self.who}.",
            Way.AGAIN,
        )

    def wrong_settings(self) -> Page:
        """Say that only administrators can do something about it."""
        return Page(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Sign-in is not set up right",
            f"This hub and {self.provider} do not understand each other. Tell {self.who}: the hub's log has the "
            "details.",
        )

    def clocks_differ(self, seconds: float) -> Page:
        """Say that the hub takes the provider's word for one from the past or the future."""
        return Page(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "The clocks do not agree",
            f"The clocks of this hub and of {self.provider} are {_minutes(seconds)} apart, so that no sign-in can be "
            f"checked. Tell {self.who}.",
        )

    def unusable_name(self, name: str) -> Page:
        """Say that nobody can have this name here; the name itself may be anything."""
        return Page(
            HTTPStatus.FORBIDDEN,
            "This name cannot be used here",
            f"At {self.provider} the account is called {name[:40]!r}. Names may have no invisible characters and no "
            f"slash here, and may not be too long. Ask {self.who}.",
            Way.OTHER_ACCOUNT,
        )

    def unconfirmed_address(self, address: str) -> Page:
        """Say that anybody could have given this address."""
        return Page(
            HTTPStatus.FORBIDDEN,
            "This address is not confirmed",
            f"{self.provider} does not know whether {address[:80]} is yours. Confirm the address there, then sign in "
            "again.",
            Way.AGAIN,
        )

    def name_of_another(self, name: str) -> Page:
        """Say that the name was somebody else's before, whose files are under it."""
        return Page(
            HTTPStatus.FORBIDDEN,
            "This name belongs to another account",
            f"Somebody with another account at {self.provider} is {name} here, and has files under that name. "
            f"Ask {self.who}.",
            Way.OTHER_ACCOUNT,
        )

    def session_over(self) -> Sentence:
        """Refuse a start by somebody whose session at the provider has ended."""
        text = "Your session at {provider} is over. Sign in again, then start the server."
        return say(text, provider=self.provider)

    def never_signed_in(self) -> Sentence:
        """Refuse a start by somebody of whom the provider has said nothing yet."""
        return say("You have not signed in with {provider} yet. Do so, then start the server.", provider=self.provider)

    def no_longer_allowed(self) -> Sentence:
        """Refuse a start by somebody whose groups, or who, went out."""
        text = "Your account has no access to this hub any more. Ask {who}; once you have access, sign in again."
        return say(text, who=self.who)

    def unconfirmed(self) -> Sentence:
        """Refuse a start by somebody for whom the provider has not spoken for too long."""
        text = (
            "{provider} does not answer, so that it is not known what you may start. Servers that run go on. "
            "Try again later, or tell {who}."
        )
        return say(text, provider=self.provider, who=self.who)


def _minutes(seconds: float) -> str:
    minutes = max(1, round(abs(seconds) / 60))
    return "a minute" if minutes == 1 else f"{minutes} minutes"
