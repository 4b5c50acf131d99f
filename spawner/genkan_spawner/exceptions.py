"""What can go wrong between Genkan and Kubernetes.

KubernetesError
├── NotFoundError        404, the object or its namespace is not there
├── ConflictError        409, it exists already or has changed in between
├── ForbiddenError       401 or 403, by rights or by admission
├── GoneError            410, the place in a watch is too old
└── UnreachableError     no answer at all
"""

from http import HTTPStatus
from typing import ClassVar, Self

from .blanking import blanked


class KubernetesError(Exception):
    """An answer of the API server that is not a success, with its machine-readable parts.

    `status` is the HTTP status, or None where there was no answer; `reason` is the API's own word
    (`Forbidden`, `AlreadyExists`) and `message` its text, which is not for users. As a string, for tracebacks, it has
    whatever looks like a secret blanked: admission may repeat a pod with its server's token.
    """

    statuses: ClassVar[tuple[int, ...]] = ()

    def __init__(self, message: str, *, status: int | None = None, reason: str = "") -> None:
        super().__init__(blanked(message))
        self.message = message
        self.status = status
        self.reason = reason

    @classmethod
    def from_status(cls, status: int, *, reason: str, message: str) -> "KubernetesError":
        """Choose the class that a caller may want to catch."""
        for error in (NotFoundError, ConflictError, ForbiddenError, GoneError):
            if status in error.statuses:
                return error(message, status=status, reason=reason)
        return KubernetesError(message, status=status, reason=reason)

    @property
    def passing(self) -> bool:
        """Whether the same request may well succeed a little later."""
        return self.status is None or self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= 500  # noqa: PLR2004  # the server's own errors


class NotFoundError(KubernetesError):
    """The object, or the namespace it would be in, is not there."""

    statuses = (HTTPStatus.NOT_FOUND,)


class ConflictError(KubernetesError):
    """The object exists already, or has changed since it was read."""

    statuses = (HTTPStatus.CONFLICT,)


class ForbiddenError(KubernetesError):
    """Rights or an admission plug-in refuse the request."""

    statuses = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class GoneError(KubernetesError):
    """The resource version of a list or watch is too old to go on from."""

    statuses = (HTTPStatus.GONE,)


class UnreachableError(KubernetesError):
    """The API server did not answer."""

    @classmethod
    def from_exception(cls, exc: BaseException) -> Self:
        """Keep only the kind of failure: a library's text may hold addresses."""
        return cls(f"The Kubernetes API server did not answer ({type(exc).__name__}).")
