"""How far a view can be trusted, second by second."""

import logging
import math

import pytest

from genkan_spawner.cluster.liveness import GRACE_SECONDS, DefectError, Liveness, elapsed, together
from genkan_spawner.cluster.snapshot import Health
from genkan_spawner.exceptions import KubernetesError, UnreachableError
from genkan_spawner.kinds import NODES, PODS, Kind

from ...support.clocks import FakeClock

AWAY = UnreachableError("a text with an address 10.1.2.3")


def refused(status: int) -> KubernetesError:
    return KubernetesError.from_status(status, reason="Whatever", message="a text of the API")


def liveness(clock: FakeClock, *, kind: Kind = NODES, namespace: str | None = None, loaded: bool = True) -> Liveness:
    found = Liveness(kind, namespace=namespace, clock=clock, silence=90)
    if loaded:
        found.loaded()
    return found


def test_what_was_never_read_is_unknown() -> None:
    found = liveness(FakeClock(), loaded=False)
    assert not found.settled
    assert found.health() == Health(
        loaded=False, healthy=False, age=math.inf, problem="The nodes have not been read yet."
    )


def test_a_page_of_the_first_list_is_a_sign_of_life_and_no_more() -> None:
    found = liveness(FakeClock(), loaded=False)
    found.alive()
    assert (found.health().loaded, found.health().healthy, found.health().age) == (False, False, 0)


def test_age_is_the_time_since_the_last_sign_of_life() -> None:
    clock = FakeClock()
    found = liveness(clock)
    clock.now += 60
    assert found.health() == Health(loaded=True, healthy=True, age=60)
    found.alive()
    assert found.health().age == 0


def test_silence_beyond_the_limit_is_a_problem_until_the_next_sign() -> None:
    clock = FakeClock()
    found = liveness(clock)
    clock.now += 90 + GRACE_SECONDS
    assert found.health().healthy
    clock.now += 1
    health = found.health()
    assert (health.healthy, health.loaded) == (False, True)
    assert health.problem == "Nothing was heard about the nodes for 101 seconds; the watch is opened again."
    found.alive()
    assert found.health().healthy


def test_a_view_that_was_good_outlives_a_short_failure() -> None:
    clock = FakeClock()
    found = liveness(clock)
    found.failed(AWAY)
    clock.now += GRACE_SECONDS
    found.failed(AWAY)
    assert found.health().healthy
    clock.now += 0.1
    assert not found.health().healthy
    found.alive()
    assert found.health().healthy


def test_a_failed_first_list_is_a_problem_at_once() -> None:
    found = liveness(FakeClock(), loaded=False)
    found.failed(AWAY)
    assert found.settled
    assert not found.health().healthy


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (AWAY, "the Kubernetes API server does not answer. It is asked again by itself."),
        (refused(401), "the API server does not accept the hub's token. Give the hub a valid one."),
        (refused(403), "the hub lacks the right. Allow its service account to list and watch them in all namespaces."),
        (refused(429), "the API server has too much to do. It is asked again by itself."),
        (refused(500), "the API server answers with an error (500). It is asked again by itself."),
        (
            DefectError("x"),
            "something unexpected was met, which the hub's log shows. They are read again by itself.",
        ),
    ],
)
def test_each_failure_has_a_sentence_with_its_mend(failure: KubernetesError, sentence: str) -> None:
    found = liveness(FakeClock(), kind=PODS, loaded=False)
    found.failed(failure)
    assert found.health().problem == f"The pods cannot be read: {sentence}"


def test_the_sentence_names_the_namespace_where_there_is_one() -> None:
    found = liveness(FakeClock(), kind=PODS, namespace="vision", loaded=False)
    found.failed(refused(403))
    assert found.health().problem == (
        "The pods in the namespace vision cannot be read: the hub lacks the right. Allow its service account to list "
        "and watch them."
    )


def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "genkan_spawner.cluster.liveness")
    clock = FakeClock()
    found = liveness(clock)
    for _ in range(3):
        found.alive()
        clock.now += 1
    for _ in range(5):
        found.failed(AWAY)
        clock.now += 4
    found.alive()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.INFO, "The nodes are followed."),
        (
            logging.WARNING,
            "The nodes cannot be read: the Kubernetes API server does not answer. It is asked again by itself.",
        ),
        (logging.INFO, "The nodes are followed."),
    ]


def test_several_are_as_good_as_the_worst() -> None:
    good = Health(loaded=True, healthy=True, age=1)
    bad = Health(loaded=False, healthy=False, age=math.inf, problem="Because.")
    assert together([good, bad], partial=True) == Health(
        loaded=False, healthy=False, age=math.inf, problem="Because.", partial=True
    )
    assert together([good, good], partial=True) == Health(loaded=True, healthy=True, age=1, partial=True)


def test_elapsed_time_never_goes_back() -> None:
    first = elapsed()
    assert elapsed() >= first
