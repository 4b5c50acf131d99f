"""The one exception that tells a user why a server does not start."""

from jupyterhub.spawner import SpawnException

from .reasons import Reason


class Refusal(SpawnException):  # type: ignore[misc]  # JupyterHub is published without types
    """A start that cannot be, in a sentence for its user.

    JupyterHub counts it as a failure and not as an error of its own, so that refusals never stop the hub. The forms and
    pages of JupyterHub 6.1 read `jupyterhub_message`, which SpawnException lacks; without it they would show the text
    that is meant for the log.
    """

    def __init__(self, sentence: str, *, reason: Reason, status_code: int = 400, log_message: str = "") -> None:
        super().__init__(sentence, reason=reason.value, status_code=status_code, log_message=log_message)

    @property
    def jupyterhub_message(self) -> str:
        """The sentence, where JupyterHub's pages look for it."""
        return str(self.message)
