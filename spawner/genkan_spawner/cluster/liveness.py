"""How far the view of one kind can be trusted, told from signs of life and failures."""

import logging
import math
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TypeAlias

from genkan_profiles.language.sentences import NOTHING, Sentence, row, say
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.kinds import Kind
from genkan_spawner.watching import SILENCE_SECONDS

from .snapshot import Health, Source

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a view that was good stays so while attempts fail, and while a silent watch is opened again.

An API server that restarts is back by then.
"""

CALM = {
    Source.LIMIT_RANGES: 4,
    Source.PRIORITY_CLASSES: 4,
    Source.STORAGE_CLASSES: 4,
    Source.STORAGE_DRIVERS: 4,
    Source.VOLUMES: 2,
}
"""How much longer a watch may be silent of what changes seldom: each time it is opened again is a request."""

Clock: TypeAlias = Callable[[], float]
"""Seconds since some moment, never going back."""

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed() -> float:
    """Return seconds since some moment, those included in which the machine slept, where the system can tell."""
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)


class DefectError(KubernetesError):
    """Something in the hub itself has ended a watch."""


class Liveness:
    """Keeps what is known about one watch, and writes each change between good and bad to the log once."""

    def __init__(
        self, kind: Kind, *, namespace: str | None = None, clock: Clock = elapsed, silence: float = SILENCE_SECONDS
    ) -> None:
        where = say("{kind} in the namespace {namespace}", kind=kind.plural, namespace=namespace or "")
        self._subject = Sentence.quoted(kind.plural) if namespace is None else where
        self._everywhere = kind.namespaced and namespace is None
        self._clock = clock
        self._silence = silence
        self._loaded = False
        self._last_sign: float | None = None
        self._failing_since: float | None = None
        self._failure: KubernetesError | None = None
        self._told: bool | None = None

    @property
    def settled(self) -> bool:
        """Whether the first attempt is over, one way or the other."""
        return self._loaded or self._failure is not None

    @property
    def forbidden(self) -> bool:
        """Whether it is not known any more, or never was, because rights are missing."""
        return isinstance(self._failure, ForbiddenError) and not self.health().healthy

    def loaded(self) -> None:
        """Note that a whole list was read."""
        self._loaded = True
        self.alive()

    def alive(self) -> None:
        """Note a sign of life."""
        self._last_sign = self._clock()
        self._failing_since = self._failure = None
        self._tell()

    def failed(self, failure: KubernetesError) -> None:
        """Note a failed attempt."""
        if self._failing_since is None:
            self._failing_since = self._clock()
        self._failure = failure
        self._tell()

    def health(self) -> Health:
        """Return the state of this moment."""
        now = self._clock()
        age = math.inf if self._last_sign is None else max(now - self._last_sign, 0.0)
        problem = self._problem(now, age)
        return Health(loaded=self._loaded, healthy=not problem, age=age, problem=problem)

    def _problem(self, now: float, age: float) -> Sentence:
        if self._failure is not None and self._failing_since is not None:
            if not self._loaded or now - self._failing_since > GRACE_SECONDS:
                return self._sentence(self._failure)
        elif not self._loaded:
            return say("The {subject} have not been read yet.", subject=self._subject)
        if age > self._silence + GRACE_SECONDS:
            return say(
                "Nothing was heard about the {subject} for {seconds} seconds; the watch is opened again.",
                subject=self._subject,
                seconds=round(age),
            )
        return NOTHING

    def _sentence(self, failure: KubernetesError) -> Sentence:
        return say("The {subject} cannot be read: {cause}", subject=self._subject, cause=self._cause(failure))

    def _cause(self, failure: KubernetesError) -> Sentence:  # noqa: PLR0911  # one per cause
        again = say("It is asked again by itself.")
        match failure:
            case DefectError():
                return say("something unexpected was met, which the hub's log shows. They are read again by itself.")
            case KubernetesError(status=None):
                return row((say("the Kubernetes API server does not answer."), again), listed=False)
            case KubernetesError(status=HTTPStatus.UNAUTHORIZED):
                return say("the API server does not accept the hub's token. Give the hub a valid one.")
            case KubernetesError(status=HTTPStatus.FORBIDDEN) if self._everywhere:
                return say(
                    "the hub lacks the right. Allow its service account to list and watch them in all namespaces."
                )
            case KubernetesError(status=HTTPStatus.FORBIDDEN):
                return say("the hub lacks the right. Allow its service account to list and watch them.")
            case KubernetesError(status=HTTPStatus.TOO_MANY_REQUESTS):
                return row((say("the API server has too much to do."), again), listed=False)
            case _:
                status = failure.status
                return row(
                    (say("the API server answers with an error ({status}).", status=status), again), listed=False
                )

    def _tell(self) -> None:
        health = self.health()
        if health.healthy is self._told:
            return
        if health.healthy:
            log.info("The %s are followed.", self._subject)
        elif self.settled:
            log.warning("%s", health.problem)
        else:
            return
        self._told = health.healthy


def together(parts: Iterable[Health], *, partial: bool) -> Health:
    """Return how far several watches of one kind can be trusted, which is as far as the worst of them."""
    found = list(parts)
    return Health(
        loaded=all(part.loaded for part in found),
        healthy=all(part.healthy for part in found),
        age=max((part.age for part in found), default=math.inf),
        problem=next((part.problem for part in found if part.problem), ""),
        partial=partial,
    )
