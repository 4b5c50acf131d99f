"""The one exception that tells a user why a server does not start."""

from http import HTTPStatus
from typing import Any, Self

from jupyterhub.spawner import SpawnException

from genkan_profiles.language.sentences import Sentence

from .blanking import blanked
from .checks.findings import Check, State, Verdict
from .reasons import Reason

_REASONS = {
    Check.ACCESS: Reason.ACCESS,
    Check.QUOTA: Reason.QUOTA,
    Check.PRIORITY: Reason.PRIORITY,
    Check.FIT: Reason.CAPACITY,
    Check.DRIVER: Reason.DRIVER,
    Check.STORAGE: Reason.STORAGE,
}
_STATUS = {Reason.ACCESS: HTTPStatus.BAD_REQUEST, Reason.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE}
"""Of refusals that are neither: what stands against the start may be otherwise later (409)."""


class Refusal(SpawnException):  # type: ignore[misc]  # JupyterHub is published without types
    """A start that cannot be, in a sentence for its user.

    JupyterHub counts it as a failure and not as an error of its own, so that refusals never stop the hub. The forms and
    pages of JupyterHub 6.1 read `jupyterhub_message`, which SpawnException lacks; without it they would show the text
    that is meant for the log, in which whatever looks like a secret is blanked. `verdict` has the numbers, where checks
    led to it.
    """

    verdict: Verdict | None = None
    jupyterhub_html_message: str | None = None
    """The sentence with markup, where a site's own hook gives one."""

    def __init__(
        self, sentence: Sentence, *, reason: Reason, status_code: int | None = None, log_message: str = ""
    ) -> None:
        if status_code is None:
            status_code = _STATUS.get(reason, HTTPStatus.CONFLICT)
        super().__init__(sentence, reason=reason.value, status_code=status_code, log_message=blanked(log_message))

    @classmethod
    def of_verdict(cls, verdict: Verdict, *, log_message: str = "") -> Self:
        """Refuse with the first finding that stands against a start."""
        worst = next(finding for finding in verdict.findings if finding.state is State.REFUSED)
        reason = _REASONS[worst.check]
        status = HTTPStatus.FORBIDDEN if reason is Reason.ACCESS else HTTPStatus.CONFLICT
        refusal = cls(worst.message, reason=reason, status_code=status, log_message=log_message)
        refusal.verdict = verdict
        return refusal

    @property
    def jupyterhub_message(self) -> Sentence:
        """The sentence, where JupyterHub's pages look for it."""
        words: Any = self.message
        return words if isinstance(words, Sentence) else Sentence.quoted(str(words))
