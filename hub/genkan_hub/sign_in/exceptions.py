"""What can go wrong at sign-in.

    SignInError             told to the user, on a page
    ProviderError
    ├── UnavailableError    no answer, or one that says nothing
    └── RefusedError        the provider says no
    StandingError
    ├── OverError           the session at the provider has ended
    └── NotAllowedError     the account is good, and not among those for whom the hub is
    SettingsError           told to the administrator, before the hub starts

The texts of all but the first and the last are for the log. None holds a token.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tornado import web

from genkan_profiles.language.sentences import Sentence

from .pages import Page


class SignInError(web.HTTPError):
    """A sign-in that cannot be, as a page for its user."""

    def __init__(self, page: Page, *, log_message: str = "") -> None:
        # It may have a user's name in it, and tornado fills in percent signs where there are arguments.
        super().__init__(page.status, "%s", log_message or page.title)
        self.page = page

    @property
    def jupyterhub_message(self) -> Sentence:
        """The sentence, where JupyterHub's own pages look for it."""
        return self.page.sentence


class ProviderError(Exception):
    """The provider does not give what it was asked for."""


class UnavailableError(ProviderError):
    """The provider cannot be asked: nothing is known, and nothing is to be concluded."""


class RefusedError(ProviderError):
    """The provider answered, and said no."""

    def __init__(self, text: str, *, status: int = HTTPStatus.BAD_REQUEST, error: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        """The code of OAuth (RFC 6749, section 5.2), such as `invalid_grant`; empty where none was given."""


class StandingError(Exception):
    """Somebody who is signed in should not be any more."""


class OverError(StandingError):
    """The session at the provider has ended, by itself or by somebody's hand."""


class NotAllowedError(StandingError):
    """The account is good, and not among those for whom the hub is; `model` is what the provider says of it."""

    def __init__(self, text: str, *, model: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.model = model


class SettingsError(ValueError):
    """Settings with which nobody could sign in, or too many could."""
