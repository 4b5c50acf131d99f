from datetime import UTC, datetime, timedelta

import pytest

from genkan_hub.cluster_page.hub_api import is_meant
from genkan_hub.cluster_page.hub_report import StopRequest

STARTED = datetime(2026, 11, 1, 12, 0, 5, 400_000, tzinfo=UTC)
STORED = STARTED.replace(tzinfo=None)
"""As the hub's database has it."""


@pytest.mark.parametrize("apart", [0.5, -0.3, 1.0, 30.0])
def test_another_run_is_another_one_however_soon_it_began(apart: float) -> None:
    assert is_meant(STORED, StopRequest(started=STARTED))
    assert not is_meant(STORED, StopRequest(started=STARTED + timedelta(seconds=apart)))


def test_a_database_that_keeps_whole_seconds_still_knows_the_run() -> None:
    whole = STORED.replace(microsecond=0)
    assert is_meant(whole, StopRequest(started=STARTED))
    assert is_meant(STORED, StopRequest(started=STARTED.replace(microsecond=0)))
    assert not is_meant(whole, StopRequest(started=STARTED + timedelta(seconds=1)))


def test_who_does_not_say_which_run_means_any() -> None:
    assert is_meant(STORED, StopRequest())
    assert is_meant(None, StopRequest(started=STARTED))
