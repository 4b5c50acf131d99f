"""All that sign-in says to users, in one place."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from genkan_profiles.language.sentences import Sentence, say, say_number, together

ADMINISTRATOR = say("an administrator")
"""Who can help where a site names nobody."""


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
    title: Sentence
    sentence: Sentence
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """Pages and sentences about one provider."""

    provider: str
    """What users call it, such as Keycloak."""
    who: str = ADMINISTRATOR
    """Who can help."""

    def unavailable(self) -> Page:
        """Say that the provider cannot be asked."""
        return Page(
            HTTPStatus.SERVICE_UNAVAILABLE,
            say("Nobody can sign in at the moment"),
            say(
                "{provider} does not answer. Servers that run go on, and whoever is signed in stays so. "
                "Try again in a few minutes.",
                provider=self.provider,
            ),
            Way.AGAIN,
        )

    def not_allowed(self, name: str, *, by_groups: bool) -> Page:
        """Say that the account is right, and that it is not among those for whom the hub is."""
        reason = (
            say("This hub is for certain groups, and {name} is in none of them.", name=name)
            if by_groups
            else say("{name} is not among those for whom this hub is.", name=name)
        )
        return Page(
            HTTPStatus.FORBIDDEN,
            say("This account has no access"),
            together(
                [
                    say("You are {name} at {provider}.", name=name, provider=self.provider),
                    reason,
                    say("Ask {who} for access, or take another account.", who=self.who),
                ]
            ),
            Way.OTHER_ACCOUNT,
        )

    def blocked(self, name: str) -> Page:
        """Say that the account is kept out."""
        return Page(
            HTTPStatus.FORBIDDEN,
            say("This account has no access"),
            say(
                "The account {name} is kept out of this hub. Ask {who}, or take another account.",
                name=name,
                who=self.who,
            ),
            Way.OTHER_ACCOUNT,
        )

    def stale(self) -> Page:
        """Say that the provider's answer fits no sign-in that this browser has begun."""
        return Page(
            HTTPStatus.BAD_REQUEST,
            say("This sign-in is out of date"),
            say("It was finished before, was begun in another browser, or was left open for too long. Sign in again."),
            Way.AGAIN,
        )

    def cancelled(self) -> Page:
        """Say that the provider did not want to, or was told not to."""
        return Page(
            HTTPStatus.FORBIDDEN,
            say("You are not signed in"),
            say(
                "The sign-in at {provider} was cancelled, or {provider} does not let this account in here. "
                "Sign in again, or ask {who}.",
                provider=self.provider,
                who=self.who,
            ),
            Way.AGAIN,
        )

    def wrong_settings(self) -> Page:
        """Say that only administrators can do something about it."""
        return Page(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            say("Sign-in is not set up right"),
            say(
                "This hub and {provider} do not understand each other. Tell {who}: the hub's log has the details.",
                provider=self.provider,
                who=self.who,
            ),
        )

    def clocks_differ(self, seconds: float) -> Page:
        """Say that the hub takes the provider's word for one from the past or the future."""
        return Page(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            say("The clocks do not agree"),
            say(
                "The clocks of this hub and of {provider} are {minutes} apart, so that no sign-in can be checked. "
                "Tell {who}.",
                provider=self.provider,
                minutes=_minutes(seconds),
                who=self.who,
            ),
        )

    def unusable_name(self, name: str) -> Page:
        """Say that nobody can have this name here; the name itself may be anything."""
        return Page(
            HTTPStatus.FORBIDDEN,
            say("This name cannot be used here"),
            say(
                "At {provider} the account is called {name}. Names may have no invisible characters and no slash here, "
                "and may not be too long. Ask {who}.",
                provider=self.provider,
                name=repr(name[:40]),
                who=self.who,
            ),
            Way.OTHER_ACCOUNT,
        )

    def unconfirmed_address(self, address: str) -> Page:
        """Say that anybody could have given this address."""
        return Page(
            HTTPStatus.FORBIDDEN,
            say("This address is not confirmed"),
            say(
                "{provider} does not know whether {address} is yours. Confirm the address there, then sign in again.",
                provider=self.provider,
                address=address[:80],
            ),
            Way.AGAIN,
        )

    def name_of_another(self, name: str) -> Page:
        """Say that the name was somebody else's before, whose files are under it."""
        return Page(
            HTTPStatus.FORBIDDEN,
            say("This name belongs to another account"),
            say(
                "Somebody with another account at {provider} is {name} here, and has files under that name. Ask {who}.",
                provider=self.provider,
                name=name,
                who=self.who,
            ),
            Way.OTHER_ACCOUNT,
        )

    def session_over(self) -> Sentence:
        """Refuse a start by somebody whose session at the provider has ended."""
        return say(
            "Your session at {provider} is over. Sign in again, then start the server.",
            provider=self.provider,
        )

    def never_signed_in(self) -> Sentence:
        """Refuse a start by somebody of whom the provider has said nothing yet."""
        return say("You have not signed in with {provider} yet. Do so, then start the server.", provider=self.provider)

    def no_longer_allowed(self) -> Sentence:
        """Refuse a start by somebody whose groups, or who, went out."""
        return say(
            "Your account has no access to this hub any more. Ask {who}; once you have access, sign in again.",
            who=self.who,
        )

    def unconfirmed(self) -> Sentence:
        """Refuse a start by somebody for whom the provider has not spoken for too long."""
        return say(
            "{provider} does not answer, so that it is not known what you may start. Servers that run go on. "
            "Try again later, or tell {who}.",
            provider=self.provider,
            who=self.who,
        )


def _minutes(seconds: float) -> Sentence:
    minutes = max(1, round(abs(seconds) / 60))
    return say_number("a minute", "{minutes} minutes", minutes, minutes=minutes)
